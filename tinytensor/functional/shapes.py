"""Compositions that move elements: paddings, diagonals, triangles, copies, turns.

Read next: ``selection.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import apply
from ..errors import wrong_call
from ..node import Node
from ..operators import plain
from ..primitives import astype, index, scatter
from ..rules.table import composed
from .selection import counted, in_dtype, take

PADDINGS = ("edge", "reflect", "symmetric", "wrap")


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0) -> Any:
    """``np.pad`` with constants, or with the array's own elements (edge, reflect, symmetric, wrap).

    ``pad_width`` is a number, (before, after), such a pair for each axis, or a dict from axes to them.
    """
    if mode != "constant" and mode not in PADDINGS:
        raise wrong_call(np.pad, f"mode={mode!r} has no rule; there are constant, {', '.join(PADDINGS)}")
    ndim = np.ndim(array)
    if isinstance(pad_width, dict):
        pairs = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[counted(axis, array, np.pad)] = tuple(np.broadcast_to(width, 2).tolist())
        pad_width = pairs
    if mode == "constant":
        return apply(np.pad, (array, pad_width), {"constant_values": constant_values})
    if isinstance(constant_values, Node) or np.any(constant_values):
        raise wrong_call(np.pad, f"constant_values= has no meaning with mode={mode!r}")
    for axis, width in enumerate(np.broadcast_to(pad_width, (ndim, 2)).tolist()):
        if any(width):
            array = take(array, np.pad(np.arange(np.shape(array)[axis]), width, mode), axis)
    return array


# --------------------------------------------------------------------------- layout, order of axes


def _no_memory_order(function: Any, order: str) -> None:
    if order not in ("C", "F"):
        raise wrong_call(function, f"order={order!r} depends on how the elements lie in memory; give 'C' or 'F'")


@composed(np.reshape)
def reshape(a: Any, /, shape: Any, order: Any = "C") -> Any:
    """``np.reshape``: the same elements in another shape, read by rows ('C') or by columns ('F')."""
    _no_memory_order(np.reshape, order)
    return apply(np.reshape, (a, shape, order))


@composed(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    """``np.ravel``: all elements on one axis, by rows ('C') or by columns ('F')."""
    _no_memory_order(np.ravel, order)
    return apply(np.ravel, (a, order))


@composed(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """``np.rollaxis``: an axis moved to before the one at `start`; ``np.moveaxis`` is easier to read."""
    ndim = np.ndim(a)
    axis = counted(axis, a, np.rollaxis)
    if not -ndim <= start <= ndim:
        raise np.exceptions.AxisError(f"rollaxis: start {start} is out of range for the shape {np.shape(a)}")
    start += ndim if start < 0 else 0
    return np.moveaxis(a, axis, start - (start > axis))


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """``np.matrix_transpose``: the last two axes swapped."""
    if np.ndim(x) < 2:
        raise ValueError(f"mT: a matrix has two axes or more, got shape {np.shape(x)}; reshape it first")
    return np.swapaxes(x, -1, -2)


@composed(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """``np.rot90``: turned by k quarters in the plane of two axes, from the first toward the second."""
    if len(axes) != 2:
        raise ValueError(f"rot90: expected two axes, got {axes}")
    first, second = (counted(axis, m, np.rot90) for axis in axes)
    if first == second:
        raise ValueError(f"rot90: the axes {axes} are the same")
    if k % 4 == 0:
        return index(m, ...)
    if k % 4 == 2:
        return np.flip(m, (first, second))
    return np.flip(np.swapaxes(m, first, second), first if k % 4 == 1 else second)


@composed(np.fliplr)
def fliplr(m: Any) -> Any:
    """``np.fliplr``: the columns in reverse order."""
    return np.flip(m, counted(1, m, np.fliplr))


@composed(np.flipud)
def flipud(m: Any) -> Any:
    """``np.flipud``: the rows in reverse order."""
    return np.flip(m, counted(0, m, np.flipud))


# ------------------------------------------------------------------------------------- diagonals


@composed(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices in two axes, as a new last axis."""
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = np.shape(a)[-2:]
    length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    k = np.arange(length)
    return index(a, (..., k - min(offset, 0), k + max(offset, 0)))


@composed(np.linalg.diagonal)
def matrix_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """``np.linalg.diagonal``: the diagonals of the matrices in the last two axes."""
    return diagonal(x, offset, -2, -1)


@composed(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """``np.diag``: the k-th diagonal of a matrix, or the matrix with `v` on its k-th diagonal.

    Examples
    --------
    >>> import tinytensor as tt
    >>> np.diag(tt.Tensor([1.0, 2.0])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    if np.ndim(v) == 2:
        return diagonal(v, k)
    if np.ndim(v) != 1:
        raise ValueError(f"diag: expected one axis or two, got shape {np.shape(v)}")
    size, where = np.size(v) + abs(k), np.arange(np.size(v))
    return scatter(v, (where + max(-k, 0), where + max(k, 0)), (size, size))


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """``np.diagflat``: the matrix with the flattened `v` on its k-th diagonal."""
    return diag(np.ravel(v), k)


# ---------------------------------------------------------------------------------------- copies


@composed(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """``np.tile``: the whole array repeated along each axis; ``reps`` is a number or one for each axis."""
    counts = [int(r) for r in np.atleast_1d(plain(reps))]
    ndim = max(len(counts), np.ndim(A))
    counts = [1] * (ndim - len(counts)) + counts
    shape = (1,) * (ndim - np.ndim(A)) + np.shape(A)
    before = np.reshape(A, [side for n in shape for side in (1, n)])
    copies = np.broadcast_to(before, [side for n, r in zip(shape, counts, strict=True) for side in (r, n)])
    return np.reshape(copies, [r * n for n, r in zip(shape, counts, strict=True)])


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    """``np.kron``: every element of `a` times the whole of `b`, block by block."""
    ndim = max(np.ndim(a), np.ndim(b))
    left, right = ((1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b))
    product = np.multiply(
        np.reshape(a, [side for n in left for side in (n, 1)]), np.reshape(b, [side for n in right for side in (1, n)])
    )
    return np.reshape(product, [n * m for n, m in zip(left, right, strict=True)])


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """``np.vander``: the powers of `x` as columns, the highest first."""
    if np.ndim(x) != 1:
        raise ValueError(f"vander: expected one axis, got shape {np.shape(x)}")
    count = np.size(x) if N is None else int(N)
    if not count:
        return index(np.expand_dims(x, -1), (slice(None), slice(0)))
    powers = [x**0]
    for _ in range(count - 1):
        powers.append(powers[-1] * x)
    return np.stack(powers if increasing else powers[::-1], axis=-1)


# ---------------------------------------------------------------------------------- made like another


@composed(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """A tensor of zeros with the shape and dtype of another; no gradient."""
    return a._make(np.zeros_like(a._data, dtype=dtype, shape=shape))


@composed(np.ones_like)
def ones_like(a: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """A tensor of ones with the shape and dtype of another; no gradient."""
    return a._make(np.ones_like(a._data, dtype=dtype, shape=shape))


@composed(np.empty_like)
def empty_like(prototype: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """A tensor with the shape and dtype of another, its elements whatever they are; no gradient."""
    return prototype._make(np.empty_like(prototype._data, dtype=dtype, shape=shape))


@composed(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    """A tensor with the shape and dtype of another, filled with a value: differentiable in the value alone."""
    if not isinstance(fill_value, Node):
        return a._make(np.full_like(a._data, plain(fill_value), dtype=dtype, shape=shape))
    fill_value = in_dtype(fill_value, plain(a).dtype if dtype is None else dtype, "full_like")
    return np.broadcast_to(fill_value, np.shape(a) if shape is None else shape)


def as_type(x: Any, dtype: Any, /, *, copy: bool = True) -> Any:
    """``np.astype``: the same values in another dtype; the gradient comes back in the first."""
    return apply(astype, (x, np.dtype(dtype)))


if hasattr(np, "astype"):  # since NumPy 2.1
    composed(np.astype)(as_type)
