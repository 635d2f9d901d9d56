"""Gradient clipping: gradients that are too long are shortened, before the optimizer sees them.

A clipped gradient is a new array in ``p.grad``: the old one may be someone else's, and is left as it is.
Read next: ``data.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..modes import mode
from ..tensor import Tensor
from .checks import flag, listed, named, number


def clip_grad_norm(
    parameters: Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> float:
    """Scale all gradients by one factor, so that together they are no longer than `max_norm`.

    The gradients are taken as one long vector: its direction stays. A shorter one stays as it is.

    Parameters
    ----------
    parameters : iterable of Tensor
        Those whose ``grad`` is None are passed over.
    max_norm : float
        The largest length; ``math.inf`` only measures.
    norm_type : float
        The p of the p-norm; ``math.inf`` for the largest absolute value.
    error_if_nonfinite : bool
        Raise where the length is nan or inf. Otherwise, as in PyTorch, the gradients are scaled by
        max_norm / inf = 0 or become nan.

    Returns
    -------
    float
        The length before clipping, as PyTorch's ``clip_grad_norm_`` gives it.

    Raises
    ------
    RuntimeError
        Where the length is not finite, if asked for.

    Notes
    -----
    Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural networks" (ICML 2013). Where finite
    gradients are so large that their squares overflow float32, PyTorch takes the length for inf and makes them 0;
    here it is measured, and they are clipped.

    Examples
    --------
    >>> import tinytensor as tt
    >>> w = tt.Tensor([3.0, 4.0], requires_grad=True)
    >>> (w**2).sum().backward()  # the gradient is [6, 8]
    >>> tt.optim.clip_grad_norm([w], max_norm=1.0)
    10.0
    >>> w.grad.round(5)
    array([0.6, 0.8])
    """
    owner = "clip_grad_norm"
    max_norm = number(owner, "max_norm", max_norm, infinite=True)
    norm_type = number(owner, "norm_type", norm_type, infinite=True)
    flag(owner, "error_if_nonfinite", error_if_nonfinite)
    found = [(k, p, p.grad) for k, p in enumerate(listed(owner, parameters)) if p.grad is not None]
    if mode.tracer is not None:
        return _clip_watched(found, max_norm, norm_type, error_if_nonfinite)
    norms = [_norm(np.ravel(g, "K"), norm_type) for _, _, g in found if np.size(g)]
    total = _norm(np.array(norms), norm_type) if norms else 0.0
    if error_if_nonfinite and not math.isfinite(total):
        which = ", ".join(named(k, p) for k, p, g in found if not np.all(np.isfinite(g))) or "their sum"
        raise RuntimeError(
            f"{owner}: the norm is {total}, with nan or inf in {which}; lower the learning rate, or pass "
            "error_if_nonfinite=False"
        )
    factor = max_norm / (total + 1e-6)  # PyTorch's guard against 0 / 0
    if not factor >= 1.0:  # so also where it is nan
        with np.errstate(invalid="ignore"):  # inf * 0 is the nan that was announced
            for _, p, g in found:
                p.grad = g * factor
    return total


def _clip_watched(found: list[Any], max_norm: float, norm_type: float, error_if_nonfinite: bool) -> Any:
    """`clip_grad_norm` as arrays only, for `compile`: no branch; in float64, where float32's squares don't overflow."""
    norms = [np.linalg.norm(np.ravel(g, "K").astype(np.float64), norm_type) for _, _, g in found if np.size(g)]
    total = np.linalg.norm(np.stack(norms), norm_type) if norms else 0.0
    if error_if_nonfinite and norms:
        mode.tracer.check(np.logical_not(np.isfinite(total)), "clip_grad_norm: the norm must be finite")
    factor = np.minimum(max_norm / (total + 1e-6), 1.0)
    for _, p, g in found:
        p.grad = g * factor.astype(g.dtype)
    return mode.tracer.record(float, (total,), {}) if norms else total


def _norm(g: np.ndarray[Any, Any], norm_type: float) -> float:
    """The norm of a vector, also where squares of its elements are too large for its dtype."""
    with np.errstate(over="ignore"):
        norm = float(np.linalg.norm(g, norm_type))
    if math.isinf(norm) and np.all(np.isfinite(g)):
        largest = np.max(np.abs(g))
        norm = float(largest) * float(np.linalg.norm(g / largest, norm_type))  # ‖g‖ = c ‖g / c‖
    return norm


def clip_grad_value(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Hold every element of every gradient within [-clip_value, clip_value].

    The direction changes: use `clip_grad_norm` where it should not.

    Parameters
    ----------
    parameters : iterable of Tensor
        Those whose ``grad`` is None are passed over.
    clip_value : float
        The largest absolute value.

    Examples
    --------
    >>> import tinytensor as tt
    >>> w = tt.Tensor([3.0, -4.0, 0.1], requires_grad=True)
    >>> (w**2).sum().backward()
    >>> tt.optim.clip_grad_value([w], 1.0)
    >>> w.grad
    array([ 1. , -1. ,  0.2])
    """
    clip_value = number("clip_grad_value", "clip_value", clip_value, infinite=True)
    for p in listed("clip_grad_value", parameters):
        if p.grad is not None:
            p.grad = np.clip(p.grad, -clip_value, clip_value)
