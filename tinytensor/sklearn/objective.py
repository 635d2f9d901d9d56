"""The objective: a loss for each row, their weighted mean, and the L2 penalty; and what the outputs mean.

The penalty is scikit-learn's: ``alpha / 2`` times the sum of the squared weights (not biases), divided by the number of
rows of the batch, or by the sum of their weights. Nothing here knows data or optimizers. Read next: ``step.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn
from ..fused import softmax
from ..primitive import primitive
from ..tensor import Tensor

LossOf = Callable[[Any, Any], Any]


@primitive
def squared_norm(weight: Any) -> Any:
    """The sum of the squares."""
    flat = np.ravel(weight, "K")  # in the order of memory: no copy
    return np.dot(flat, flat)


squared_norm.defvjp(lambda g, out, weight: (g + g) * weight)


# ------------------------------------------------------------------------------------ losses by row


def _log_loss(out_activation: str, smoothing: float) -> LossOf:
    """Cross-entropy: of one class among several, or of yes-or-no questions, summed over them."""
    if out_activation == "softmax":
        return lambda z, y: nn.cross_entropy(z, y, "none", smoothing)

    def of_questions(z: Any, y: Any) -> Any:
        y = y * (1 - smoothing) + smoothing / 2 if smoothing else y
        return nn.binary_cross_entropy_with_logits(z, y, "none").sum(axis=1)

    return of_questions


def _squared_error(z: Any, y: Any) -> Any:
    """Half of the squared distance."""
    return 0.5 * nn.mse(z, y, "none").sum(axis=1)


def _absolute_error(z: Any, y: Any) -> Any:
    """The sum of the absolute differences."""
    return np.abs(z - y).sum(axis=1)


def _poisson(z: Any, y: Any) -> Any:
    """Half of the Poisson deviance, of the rate exp(z)."""
    constant = y * np.log(np.maximum(y, np.finfo(z.dtype).tiny)) - y
    return (np.exp(z) - y * z + constant).sum(axis=1)


REGRESSION: dict[str, LossOf] = {
    "squared_error": _squared_error,
    "absolute_error": _absolute_error,
    "poisson": _poisson,
}


def loss_by_row(loss: Any, out_activation: str, smoothing: float) -> LossOf:
    """The function from outputs (n, k) and targets to n losses."""
    if loss == "log_loss":
        return _log_loss(out_activation, smoothing)
    return REGRESSION[loss] if isinstance(loss, str) else loss


def mean_loss(loss: Any, out_activation: str, smoothing: float) -> LossOf:
    """The same as one number, the mean over the rows, in the fewest operations."""
    if loss == "log_loss" and out_activation == "softmax":
        return lambda z, y: nn.cross_entropy(z, y, "mean", smoothing)
    by_row = loss_by_row(loss, out_activation, smoothing)
    if isinstance(loss, str):
        return lambda z, y: by_row(z, y).mean()

    def of_own(z: Any, y: Any) -> Any:
        found = _own(by_row(z, y), z)
        return found if not found.shape else found.mean()

    return of_own


def weighted_loss(loss: Any, out_activation: str, smoothing: float) -> Callable[[Any, Any, Any], Any]:
    """The sum of the losses, each times the weight of its row."""
    by_row = loss_by_row(loss, out_activation, smoothing)

    def weighted(z: Any, y: Any, w: Any) -> Any:
        losses = by_row(z, y)
        if not isinstance(loss, str) and not _own(losses, z).shape:
            raise ValueError(
                "with weights, the loss must give one number for each row, of shape (n,), and not their mean"
            )
        return (losses * w).sum()

    return weighted


def _own(found: Any, z: Any) -> Any:
    """What a user's loss gave, or an error where it is neither one number nor one for each row."""
    if not isinstance(found, Tensor):
        raise TypeError(f"the loss must give a Tensor, got {type(found).__name__}")
    if found.shape not in ((), z.shape[:1]):
        raise ValueError(
            f"the loss must give one number, or one for each row of shape {z.shape[:1]}, got shape {found.shape}; "
            "sum or average over axis 1"
        )
    return found


# ------------------------------------------------------------------------------- what outputs mean


def meaning(outputs: Any, out_activation: str) -> Any:
    """Probabilities or predictions, of the outputs' shape and dtype."""
    with np.errstate(over="ignore", under="ignore"):
        if out_activation == "softmax":
            return np.asarray(softmax(outputs, axis=-1))
        if out_activation == "logistic":
            return np.where(outputs >= 0, 1, np.exp(np.minimum(outputs, 0))) / (1 + np.exp(-np.abs(outputs)))
        return np.exp(outputs) if out_activation == "exp" else outputs
