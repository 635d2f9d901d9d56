"""Losses: one number for how wrong a batch of predictions is.

Each loss is a function, and a module with the same options for those who like modules. Two shapes
that NumPy would broadcast are an error here: a prediction of shape (N, 1) against targets of shape (N,)
would be N² differences. Nothing here knows a derivative. Read next: ``optim.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import apply
from ..fused import bce, log_softmax, nll
from ..primitives import relu
from ..tensor import Tensor
from .inputs import alike, check_reduction, class_logits, class_target, floating, refuse
from .module import Module


def mse(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """The squared error ``(prediction - target)**2``, by default its mean over all elements.

    Parameters
    ----------
    prediction : Tensor or array_like
        Floating, of any shape.
    target : Tensor or array_like
        Of the same shape. Arrays, lists and integer tensors are cast to the prediction's dtype.
    reduction : {"mean", "sum", "none"}
        Over all elements.

    Returns
    -------
    Tensor
        One number, or with "none" the prediction's shape; in the prediction's dtype.

    Raises
    ------
    ValueError
        Where the shapes differ, the reduction is unknown, or the mean of no element is asked for.
    TypeError
        Where the prediction is not floating, or the target a Tensor of another floating dtype.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.mse(tt.Tensor([1.0, 2.0]), [1.0, 4.0]).item()
    2.0
    """
    prediction = floating(prediction, "mse", "prediction")
    target = alike(target, prediction, "mse", "prediction")
    return _reduced(apply(np.square, (prediction - target,)), reduction, "mse")


def binary_cross_entropy_with_logits(logits: Any, target: Any, reduction: str = "mean") -> Any:
    """-log of the probability that ``sigmoid(logits)`` gives to the target, for yes-or-no questions.

    It is ``max(z, 0) - z*t + log(1 + exp(-abs(z)))``, which never overflows (PyTorch's formula).

    Parameters
    ----------
    logits : Tensor or array_like
        Floating, of any shape: the numbers *before* a sigmoid.
    target : Tensor or array_like
        Of the same shape; 0 or 1, or a probability. Arrays, lists and integer tensors are cast.
    reduction : {"mean", "sum", "none"}
        Over all elements.

    Returns
    -------
    Tensor
        One number, or with "none" the logits' shape; in the logits' dtype.

    Raises
    ------
    ValueError
        As `mse`, and where a target is not within [0, 1].
    TypeError
        As `mse`.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.binary_cross_entropy_with_logits(tt.Tensor([0.0, 1000.0]), [0, 1]).item()  # log(2) / 2
    0.34657359027997264
    """
    name = "binary_cross_entropy_with_logits"
    logits = floating(logits, name, "logits")
    target = alike(target, logits, name, "logits")
    values = target._data if isinstance(target, Tensor) else target
    if values.size:
        # Targets of -1 would make the loss endless downward: training would run, and learn nonsense.
        inside = (np.minimum.reduce(values, axis=None) >= 0) & (np.maximum.reduce(values, axis=None) <= 1)
        refuse(np.logical_not(inside), f"{name}: the targets must be from 0 to 1", lambda: _not_probabilities(values))
    return _reduced(apply(bce, (logits, target)), reduction, name)


def _not_probabilities(values: Any) -> Exception:
    return ValueError(
        f"binary_cross_entropy_with_logits: the targets must be from 0 to 1, got {values.min()} … {values.max()}; for "
        "labels of -1 and 1 write (y + 1) / 2, or use hinge"
    )


def _not_signs(found: Any) -> Exception:
    return ValueError(f"hinge: the targets must be -1 or 1, got {found}; for labels of 0 and 1 write 2*y - 1")


def hinge(scores: Any, target: Any, reduction: str = "mean") -> Any:
    """The max-margin loss ``max(0, 1 - target * score)`` of support vector machines and micrograd's demo.

    Parameters
    ----------
    scores : Tensor or array_like
        Floating, of any shape.
    target : Tensor or array_like
        Of the same shape; every element -1 or 1.
    reduction : {"mean", "sum", "none"}
        Over all elements.

    Returns
    -------
    Tensor
        One number, or with "none" the scores' shape; in the scores' dtype. The slope where the
        margin is exactly 1 is 0, as that of relu.

    Raises
    ------
    ValueError
        As `mse`, and where a target is not -1 or 1.
    TypeError
        As `mse`, and where the target requires a gradient.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.hinge(tt.Tensor([2.0, 0.5]), [1, -1]).item()  # (0 + 1.5) / 2
    0.75
    """
    scores = floating(scores, "hinge", "scores")
    target = alike(target, scores, "hinge", "scores")
    if isinstance(target, Tensor):
        if target.requires_grad:
            raise TypeError("hinge: the target requires a gradient, but labels have none; write target.detach()")
        target = target._data
    is_label = np.abs(target) == 1
    bad = np.logical_not(np.logical_and.reduce(is_label, axis=None))
    refuse(bad, "hinge: the targets must be -1 or 1", lambda: _not_signs(target[~is_label].flat[0]))
    return _reduced(apply(relu, (1 - scores * target,)), reduction, "hinge")


def cross_entropy(logits: Any, target: Any, reduction: str = "mean", label_smoothing: float = 0.0) -> Any:
    """-log of the probability that ``softmax(logits)`` gives to the target class.

    Parameters
    ----------
    logits : Tensor or array_like
        Of shape (…, C), floating. The classes are the *last* axis, also with more than two axes, where
        PyTorch has them second: ``np.moveaxis(logits, 1, -1)`` turns one into the other.
    target : Tensor or array_like
        Integer labels from 0 to C - 1 of shape (…), or the probabilities of all classes, floating, of
        shape (…, C). Arrays and lists are cast.
    reduction : {"mean", "sum", "none"}
        Over all labels.
    label_smoothing : float
        How much of the target's probability is spread evenly over all classes, from 0 to 1 (Szegedy
        et al., 2016).

    Returns
    -------
    Tensor
        One number, or with "none" the shape (…); in the logits' dtype.

    Raises
    ------
    ValueError
        Where the shapes do not fit, a label is out of range (negative ones too), there is no class,
        the mean of no label is asked for, or an option is unknown.
    TypeError
        Where the logits are not floating, labels are not integers, or the probabilities are a Tensor
        of another dtype.

    Examples
    --------
    >>> import tinytensor as tt
    >>> logits = tt.Tensor([[2.0, 0.0], [0.0, 0.0]], requires_grad=True)
    >>> loss = tt.nn.cross_entropy(logits, [0, 1])
    >>> round(loss.item(), 4)
    0.41
    >>> loss.backward()
    >>> logits.grad.round(3)  # (softmax - target) / 2
    array([[-0.06,  0.06],
           [ 0.25, -0.25]])
    """
    logits = class_logits(logits)
    check_reduction(reduction, "cross_entropy", logits.size)
    target = class_target(target, logits)
    if label_smoothing:
        target = _smoothed(target, logits, label_smoothing)
    return apply(nll, (logits, apply(log_softmax, (logits,)), target, reduction))


def _smoothed(target: Any, logits: Any, smoothing: float) -> Any:
    """Probabilities with a part of each target spread evenly over the classes."""
    if not 0 <= smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing must be from 0 to 1, got {smoothing}")
    classes = logits.shape[-1]
    if target.dtype.kind != "f":
        target = np.equal(target[..., None], np.arange(classes)).astype(logits.dtype)
    return target * (1 - smoothing) + smoothing / classes


def _reduced(losses: Any, reduction: str, operation: str) -> Any:
    check_reduction(reduction, operation, losses.size)
    return losses if reduction == "none" else apply(np.mean if reduction == "mean" else np.sum, (losses,))


# ----------------------------------------------------------------------------------------- modules


class _Loss(Module):
    """A loss with its options."""

    def __init__(self, reduction: str = "mean") -> None:
        check_reduction(reduction, type(self).__name__, 1)
        self.reduction = reduction

    def extra_repr(self) -> str:
        """The options."""
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name != "training")


class MSELoss(_Loss):
    """`mse` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Over all elements.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.MSELoss()(tt.Tensor([1.0, 3.0]), [0.0, 0.0]).item()
    5.0
    """

    def forward(self, prediction: Any, target: Any) -> Any:
        """The loss."""
        return mse(prediction, target, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """`binary_cross_entropy_with_logits` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Over all elements.

    Examples
    --------
    >>> import tinytensor as tt
    >>> round(tt.nn.BCEWithLogitsLoss()(tt.Tensor([0.0, 0.0]), [0, 1]).item(), 4)
    0.6931
    """

    def forward(self, logits: Any, target: Any) -> Any:
        """The loss."""
        return binary_cross_entropy_with_logits(logits, target, self.reduction)


class HingeLoss(_Loss):
    """`hinge` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Over all elements.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.HingeLoss()(tt.Tensor([2.0, 0.5]), [1, 1]).item()
    0.25
    """

    def forward(self, scores: Any, target: Any) -> Any:
        """The loss."""
        return hinge(scores, target, self.reduction)


class CrossEntropyLoss(_Loss):
    """`cross_entropy` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Over all labels.
    label_smoothing : float
        How much of the target's probability is spread evenly over all classes, from 0 to 1.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.CrossEntropyLoss(label_smoothing=0.1)
    CrossEntropyLoss(reduction='mean', label_smoothing=0.1)
    """

    def __init__(self, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(reduction)
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"CrossEntropyLoss: label_smoothing must be from 0 to 1, got {label_smoothing}")
        self.label_smoothing = label_smoothing

    def forward(self, logits: Any, target: Any) -> Any:
        """The loss."""
        return cross_entropy(logits, target, self.reduction, self.label_smoothing)
