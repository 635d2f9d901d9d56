"""The fused operations: each could be a few others, and is one node for speed and stability.

Softmax and its relatives never overflow; the layer adds its bias in place; the losses never compute a logarithm of a
probability that has become 0. Read next: ``rules/neural.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .primitive import primitive
from .primitives import relu
from .quick import by_columns, counted, product

Array = np.ndarray[Any, Any]


# ---------------------------------------------------------------------------------- softmax and relatives


def floating(x: Any) -> Array:
    """An array of floats: integers have no infinity to start a maximum from."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return x.astype(np.float64) if x.dtype.kind in "biu" else x


@primitive
def logsumexp(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """log(sum(exp(a))) over an axis, without overflow.

    Parameters
    ----------
    a : array_like or Tensor
        The input, of any shape.
    axis : int or tuple of int, optional
        The axes to sum over; all by default.
    keepdims : bool
        Whether these stay, with size 1.

    Returns
    -------
    ndarray or Tensor
        Without the axes, or with size 1 there; a Tensor where the input is one.

    Examples
    --------
    >>> logsumexp(np.array([1000.0, 1000.0])).round(4)
    np.float64(1000.6931)
    """
    a = floating(a)
    highest = np.max(a, axis=axis, keepdims=True, initial=-np.inf)
    highest = np.where(np.isfinite(highest), highest, highest.dtype.type(0))  # inf - inf is nan
    with np.errstate(divide="ignore"):  # log(0) is -inf, and is right
        out = np.log(np.sum(np.exp(a - highest), axis=axis, keepdims=True)) + highest
    return out if keepdims else np.squeeze(out, axis=axis if axis is not None else tuple(range(np.ndim(a))))


@primitive
def softmax(x: Array, axis: int = -1) -> Array:
    """exp(x) / sum(exp(x)) along an axis, without overflow.

    Parameters
    ----------
    x : array_like or Tensor
        The input, of any shape.
    axis : int
        The axis that sums to 1; the last by default.

    Returns
    -------
    ndarray or Tensor
        Of the input's shape and dtype; a Tensor where the input is one.

    Examples
    --------
    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    x = by_columns(floating(x))
    x -= np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    e = np.exp(x)
    e /= np.add.reduce(e, axis=axis, keepdims=True)
    return e


@primitive
def log_softmax(x: Array, axis: int = -1) -> Array:
    """log(softmax(x)) along an axis, without overflow.

    Parameters
    ----------
    x : array_like or Tensor
        The input, of any shape.
    axis : int
        The axis of the classes; the last by default.

    Returns
    -------
    ndarray or Tensor
        Of the input's shape and dtype; a Tensor where the input is one.

    Examples
    --------
    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    x = by_columns(floating(x))
    x -= np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    x -= np.log(np.add.reduce(np.exp(x), axis=axis, keepdims=True))
    return x


# -------------------------------------------------------------------------------------- layers and losses


@primitive
def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """``x @ weight.T + bias`` in one node; `weight` has PyTorch's shape (out, in).

    Examples
    --------
    >>> linear(np.ones((2, 3)), np.ones((4, 3)), np.zeros(4)).shape
    (2, 4)
    """
    shape = weight.shape
    if len(shape) != 2 or x.shape[-1:] != shape[1:]:
        raise ValueError(
            f"linear: the input has shape {x.shape} and the weight {shape}; expected (…, in) and (out, in) with the "
            "same in"
        )
    out = product(x, weight.T)
    if bias is None:
        return out
    if bias.shape != shape[:1]:
        raise ValueError(f"linear: the bias has shape {bias.shape}, expected {shape[:1]}")
    # Adding in place saves a temporary of the output's size.
    return np.add(out, bias, out) if type(out) is np.ndarray and out.dtype == bias.dtype else out + bias


@primitive
def linear_relu(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """``relu(x @ weight.T + bias)`` in one node: the layer and its activation.

    Examples
    --------
    >>> linear_relu(np.ones((1, 3)), np.ones((2, 3)), np.array([-4.0, 4.0]))
    array([[0., 7.]])
    """
    out = linear.forward(x, weight, bias)
    return np.maximum(out, np.zeros(out.shape, out.dtype), out=out) if type(out) is np.ndarray else relu.forward(out)


@primitive
def bce(logits: Array, target: Array) -> Array:
    """-log of the probability that sigmoid(logits) gives to `target`, elementwise, without overflow."""
    return np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))


@primitive
def nll(logits: Array, log_probs: Array, target: Array, reduction: str = "mean") -> Array:
    """Cross-entropy of `target` (labels or probabilities), given ``log_probs = log_softmax(logits)``.

    `log_probs` rides along so that the rule need not compute it again.
    """
    if target.dtype.kind == "f":
        gains = np.add.reduce(target * log_probs, axis=-1)
    else:
        # A row and a column for each label: NumPy's take_along_axis takes four times as long.
        table = log_probs.reshape(-1, log_probs.shape[-1])
        gains = table[counted(target.size), target.reshape(-1)].reshape(target.shape)
    if reduction == "none":
        return -gains
    total = -np.add.reduce(gains, axis=None)
    return total if reduction == "sum" else total / gains.size
