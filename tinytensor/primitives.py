"""The few functions that NumPy lacks: indexing and its scatter, relu, softmax.

On arrays a primitive is the plain function below; on Tensors the engine records it. The derivatives
stand with NumPy's own in the rule table. Read next: ``rules/neural.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import by_columns
from .primitive import primitive

Array = np.ndarray[Any, Any]


# ------------------------------------------------------------------------------ indexing, dtypes


def is_basic(key: Any) -> bool:
    """Whether an index makes a view: integers, slices, ellipsis and newaxis only."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        part is None or part is Ellipsis or isinstance(part, (slice, np.integer)) or type(part) is int for part in parts
    )


@primitive
def index(x: Array, key: Any) -> Array:
    """``x[key]``, with every kind of NumPy index."""
    try:
        return x[key]
    except IndexError as error:
        raise IndexError(f"index of a tensor of shape {np.shape(x)}: {error}") from None


@primitive
def scatter(g: Array, key: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with `g` added at `key`; an element named twice receives both."""
    out = np.zeros(shape, np.result_type(g))
    if is_basic(key):
        out[key] = g
    else:
        np.add.at(out, key, g)
    return out


@primitive
def astype(x: Array, dtype: Any) -> Array:
    """`x` in another dtype."""
    return x.astype(dtype) if hasattr(x, "astype") else np.asarray(x, dtype)


# ----------------------------------------------------------------------------------- elementwise


@primitive
def relu(x: Array) -> Array:
    """max(x, 0), elementwise; its slope at 0 is 0.

    Examples
    --------
    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    plain = type(x) is np.ndarray and x.dtype.kind == "f" and x.flags.c_contiguous
    return np.maximum(x, np.zeros(x.shape, x.dtype) if plain else 0)  # beside zeros, a third of the time beside 0


@primitive
def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), elementwise, without overflow.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small = np.exp(-np.abs(x))  # in [0, 1], so nothing overflows
    return np.where(np.less(x, 0), small, 1) / (1 + small)


# ------------------------------------------------------------------------------------ reductions


def floating(x: Any) -> Array:
    """An array of floats: integers have no infinity to start a maximum from."""
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return x.astype(np.float64) if x.dtype.kind in "biu" else x


@primitive
def logsumexp(a: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """log(sum(exp(a))) over an axis, without overflow.

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

    Examples
    --------
    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    x = by_columns(floating(x))
    x -= np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    x -= np.log(np.add.reduce(np.exp(x), axis=axis, keepdims=True))
    return x


# ------------------------------------------------------------------------------- linear algebra


@primitive
def contract(subscripts: str, arrays: list[Array], optimize: Any = False) -> Array:
    """``np.einsum`` where no operand repeats a letter and each letter stands in another term too."""
    return np.asarray(np.einsum(subscripts, *arrays, optimize=optimize))
