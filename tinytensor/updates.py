"""Functional updates as operations: the array with some of its elements replaced, added to, or bounded.

On arrays each is the plain function below, which changes nothing that it is given; ``x.at[key]`` in
``at.py`` is what a user writes. The derivatives stand in ``rules/selection.py``. Read next: ``at.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .primitive import primitive
from .primitives import is_basic

Array = np.ndarray[Any, Any]


def positions(shape: tuple[int, ...], key: Any) -> Array:
    """Where the elements that `key` names are in the flattened array.

    Examples
    --------
    >>> positions((3, 4), (slice(None), [0, 0, 2]))
    array([[ 0,  0,  2],
           [ 4,  4,  6],
           [ 8,  8, 10]])
    """
    flat: Any = np.broadcast_to(0, shape)[key]
    step = 1
    for axis in reversed(range(len(shape))):  # views of one row each, so that a large array costs nothing
        along = (np.arange(shape[axis]) * step).reshape((-1,) + (1,) * (len(shape) - axis - 1))
        flat = flat + np.broadcast_to(along, shape)[key]
        step *= shape[axis]
    return flat


@primitive
def set_at(x: Array, v: Any, key: Any) -> Array:
    """`x` with ``x[key]`` replaced by `v`; `key` names no element twice."""
    out = np.array(x)
    out[key] = v
    return out


@primitive
def add_at(x: Array, v: Any, key: Any) -> Array:
    """`x` with `v` added at `key`; an element named twice receives both."""
    out = np.array(x, order="C")  # so that its ravel is a view
    if is_basic(key):
        out[key] += v
    else:
        # By positions in the flattened array: several times faster than by slices or several index arrays.
        np.add.at(np.ravel(out), np.ravel(positions(out.shape, key)), np.ravel(v))
    return out


@primitive
def max_at(x: Array, v: Any, key: Any) -> Array:
    """`x` with each element at `key` raised to the largest `v` that is meant for it."""
    out = np.array(x)
    with np.errstate(invalid="ignore"):  # a nan is no surprise here, as it is none in np.maximum
        np.maximum.at(out, key, v)
    return out


@primitive
def min_at(x: Array, v: Any, key: Any) -> Array:
    """`x` with each element at `key` lowered to the smallest `v` that is meant for it."""
    out = np.array(x)
    with np.errstate(invalid="ignore"):
        np.minimum.at(out, key, v)
    return out
