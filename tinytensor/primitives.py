"""The few functions that NumPy lacks: indexing and its scatter, relu, sigmoid.

On arrays a primitive is the plain function below; on Tensors the engine records it. The derivatives
stand with NumPy's own in the rule table. Read next: ``rules/neural.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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

    Parameters
    ----------
    x : array_like or Tensor
        The input, of any shape.

    Returns
    -------
    ndarray or Tensor
        Of the input's shape and dtype; a Tensor where the input is one.

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

    Parameters
    ----------
    x : array_like or Tensor
        The input, of any shape.

    Returns
    -------
    ndarray or Tensor
        Of the input's shape and dtype; a Tensor where the input is one.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    small = np.exp(-np.abs(x))  # in [0, 1], so nothing overflows
    return np.where(np.less(x, 0), small, 1) / (1 + small)


# ------------------------------------------------------------------------------- linear algebra


@primitive
def contract(subscripts: str, arrays: list[Array], optimize: Any = False) -> Array:
    """``np.einsum`` where no operand repeats a letter and each letter stands in another term too."""
    return np.asarray(np.einsum(subscripts, *arrays, optimize=optimize))
