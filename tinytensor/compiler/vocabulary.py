"""The words of a traced program that are no NumPy function by themselves, and what is known of NumPy's own.

Each is a plain function of arrays; how it is written in the source stands in ``phrases.py``. Read next: ``trace.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def getitem(x: Any, key: Any) -> Any:
    """``x[key]``."""
    return x[key]


def updated(x: Array, key: Any, value: Any) -> Array:
    """A copy of `x` with ``x[key] = value``."""
    out = np.array(x)
    out[key] = value
    return out


def fitted_to(value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """`value` broadcast to a shape and cast to a dtype, in memory of its own: ``x[...] = value``."""
    return np.array(np.broadcast_to(value, shape), dtype)


def astype(x: Array, dtype: np.dtype[Any]) -> Any:
    """``x.astype(dtype)``."""
    return x.astype(dtype)


def reinterpreted(x: Array, dtype: np.dtype[Any]) -> Any:
    """``x.view(dtype)``."""
    return x.view(dtype)


def scattered(operation: np.ufunc, x: Array, key: Any, value: Any) -> Array:
    """A copy of `x` after ``operation.at(x, key, value)``."""
    out = np.array(x)
    operation.at(out, key, value)
    return out


def at_labels(x: Array, rows: Array, labels: Array) -> Any:
    """``x[rows, labels]``: of each row the element at its label, which is known to be in range."""
    return x[rows, labels]


def less_one_at(x: Array, rows: Array, labels: Array) -> Array:
    """A copy of `x` after ``x[rows, labels] -= 1``, which is `x` less the labels' one-hot rows."""
    out = np.array(x)
    out[rows, labels] -= 1
    return out


def drawn(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random float32 numbers in [0, 1): new ones at every call."""
    return generator.random(shape, np.float32)


def check(bad: Any, message: str) -> Array:
    """Raise ValueError where `bad` is true."""
    if bad:
        raise ValueError(message)
    return np.zeros((), bool)


def packed(*members: Array, by_columns: tuple[bool, ...]) -> Array:
    """Arrays one after the other in one flat array, each by rows or by columns."""
    return np.concatenate([np.ravel(v.T if turned else v) for v, turned in zip(members, by_columns, strict=True)])


def member(flat: Array, start: int, stop: int, shape: tuple[int, ...], by_columns: bool) -> Array:
    """One of the arrays in a flat one."""
    return flat[start:stop].reshape(shape[::-1]).T if by_columns else flat[start:stop].reshape(shape)


SHAPE_ONLY = frozenset((np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj,
                        np.common_type, np.may_share_memory, np.shares_memory, np.min_scalar_type))  # fmt: skip
"""What they say is the same at every call of a traced program."""

ALIKE = frozenset((np.ones_like, np.zeros_like, np.empty_like, np.full_like))
"""New arrays of the first argument's shape."""

BY_DATA = frozenset((np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.unique_values, np.unique_counts, np.extract,
                     np.compress, np.intersect1d, np.setdiff1d, np.trim_zeros, np.bincount, np.histogram,
                     np.union1d))  # fmt: skip
"""How large their results are depends on the data."""

BY_COUNT = frozenset((np.repeat, np.delete, np.insert))
"""How large their results are depends on their second argument."""

LOOKING = frozenset((np.array2string, np.array_repr, np.array_str, np.array_equal, np.allclose, np.save, np.savetxt))
"""They look at values and give none back to a trace."""

VIEWS = frozenset((np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.expand_dims, np.squeeze,
                   np.broadcast_to, np.ravel, np.diagonal, np.flip, np.fliplr, np.flipud, np.rot90, np.permute_dims,
                   np.matrix_transpose, np.real, np.atleast_1d, np.atleast_2d, np.atleast_3d,
                   getitem, reinterpreted, member))  # fmt: skip
"""Their results may be views of the first argument, to be made once."""

REDUCTIONS = {np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.min: np.minimum,
              np.amax: np.maximum, np.amin: np.minimum, np.all: np.logical_and, np.any: np.logical_or}  # fmt: skip
"""Reductions and the ufunc whose `reduce` they are, without a wrapper."""

WITH_OUT = frozenset((np.cumsum, np.cumprod, np.concatenate, np.stack, np.einsum, np.dot, np.clip, np.mean, np.round))
"""Functions that are no ufuncs and write into ``out=``."""

IMPURE = frozenset((drawn, check))
"""What happens at every call, used or not, and never merges with its like."""
