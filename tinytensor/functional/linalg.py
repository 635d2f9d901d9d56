"""Compositions of linear algebra: products over axes, powers, and the names of ``np.linalg``.

Read next: ``decompositions.py``.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from ..engine import apply
from ..errors import wrong_call
from ..primitives import index
from ..rules.table import Function, composed, name_of
from .shapes import diagonal


@composed(np.dot)
def dot(a: Any, b: Any, out: None = None) -> Any:
    """``np.dot``: the sum over the last axis of `a` and the second-to-last of `b` (its only one in 1-D)."""
    if out is not None:
        raise wrong_call(np.dot, "the keyword out= has no rule", "out")
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2 and np.ndim(a) <= 2:
        return np.matmul(a, b)
    return tensordot(a, b, axes=(-1, -2 if np.ndim(b) > 1 else -1))


@composed(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """``np.tensordot``: the sum over pairs of axes, as one matrix product."""
    if isinstance(axes, (int, np.integer)):
        axes = (range(-int(axes), 0), range(int(axes)))
    shapes = np.shape(a), np.shape(b)
    pairs = [[axes[k]] if isinstance(axes[k], (int, np.integer)) else list(axes[k]) for k in (0, 1)]
    for shape, given in zip(shapes, pairs, strict=True):
        if any(not -len(shape) <= k < len(shape) for k in given):
            raise ValueError(f"tensordot: axes {given} are out of range for the shape {shape}")
    summed = [[k % len(shape) for k in given] for shape, given in zip(shapes, pairs, strict=True)]
    sizes = [[shape[k] for k in given] for shape, given in zip(shapes, summed, strict=True)]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"tensordot: axes {pairs[0]} of {shapes[0]} have sizes {sizes[0]}, "
            f"axes {pairs[1]} of {shapes[1]} have {sizes[1]}"
        )
    kept = [[k for k in range(len(shape)) if k not in given] for shape, given in zip(shapes, summed, strict=True)]
    rows, columns = ([shape[k] for k in free] for shape, free in zip(shapes, kept, strict=True))
    inner = math.prod(sizes[0])
    left = np.reshape(np.transpose(a, kept[0] + summed[0]), (math.prod(rows), inner))
    right = np.reshape(np.transpose(b, summed[1] + kept[1]), (inner, math.prod(columns)))
    return np.reshape(np.matmul(left, right), (*rows, *columns))


@composed(np.outer)
def outer(a: Any, b: Any, out: None = None) -> Any:
    """``np.outer``: every element of `a` times every element of `b`, both flattened."""
    if out is not None:
        raise wrong_call(np.outer, "the keyword out= has no rule", "out")
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@composed(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """``np.trace``: the sum along a diagonal of the matrices in two axes."""
    if np.ndim(a) < 2:
        raise ValueError(f"trace: expected two axes or more, got shape {np.shape(a)}")
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1)


def _axis_last(function: Function, x: Any, axis: int) -> Any:
    """`x` with one axis moved to its end."""
    if not -np.ndim(x) <= axis < np.ndim(x):
        raise np.exceptions.AxisError(f"{name_of(function)}: axis {axis} is out of range for the shape {np.shape(x)}")
    return np.moveaxis(x, axis, -1)


@composed(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """``np.inner``: the sum over the last axes of `a` and `b`; with a number, the product."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.shape(a)[-1] != np.shape(b)[-1]:
        raise ValueError(f"inner({np.shape(a)}, {np.shape(b)}): the last axes differ in size")
    return tensordot(a, b, axes=(-1, -1))


@composed(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """``np.vdot``: the sum of the products of all elements, both operands flattened."""
    if np.size(a) != np.size(b):
        raise ValueError(f"vdot({np.shape(a)}, {np.shape(b)}): the sizes differ, {np.size(a)} against {np.size(b)}")
    return np.matmul(np.ravel(a), np.ravel(b))


@composed(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, out: None = None, *, axis: int = -1) -> Any:
    """``np.vecdot``: the dot products of the vectors in one axis; the other axes broadcast."""
    if out is not None:
        raise wrong_call(np.vecdot, "the keyword out= has no rule", "out")
    if axis != -1:
        x1, x2 = (_axis_last(np.vecdot, x, axis) for x in (x1, x2))
    return apply(np.vecdot, (x1, x2))


def _cross_parts(a: Any, b: Any) -> tuple[Any, ...]:
    """The three components of a cross product of the vectors in the last axes; one alone, of two plane vectors."""
    a0, a1, *a2 = (index(a, (..., k)) for k in range(a.shape[-1]))
    b0, b1, *b2 = (index(b, (..., k)) for k in range(b.shape[-1]))
    last = np.subtract(np.multiply(a0, b1), np.multiply(a1, b0))
    if a2 and b2:
        return a1 * b2[0] - a2[0] * b1, a2[0] * b0 - a0 * b2[0], last
    if a2 or b2:  # one of them lies in the plane
        return (a1 * b2[0], -(a0 * b2[0]), last) if b2 else (-(a2[0] * b1), a2[0] * b0, last)
    return (last,)


@composed(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """``np.cross``: the cross products of vectors of 3 (or 2) components; of two plane vectors, the third component."""
    shapes = np.shape(a), np.shape(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    if not all(shapes):
        raise ValueError(f"cross({shapes[0]}, {shapes[1]}): a number is not a vector of 2 or 3 components")
    a, b = _axis_last(np.cross, a, axisa), _axis_last(np.cross, b, axisb)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ValueError(
            f"cross({shapes[0]}, {shapes[1]}): expected vectors of 2 or 3 components, "
            f"got {a.shape[-1]} and {b.shape[-1]}"
        )
    parts = _cross_parts(a, b)
    return parts[0] if len(parts) == 1 else np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


@composed(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: None = None) -> Any:
    """``np.linalg.multi_dot``: the product of several matrices, in the cheapest order.

    The first may be a row and the last a column of one axis.
    """
    if out is not None:
        raise wrong_call(np.linalg.multi_dot, "the keyword out= has no rule", "out")
    arrays = list(arrays)
    shapes = [np.shape(x) for x in arrays]
    said = f"multi_dot([{', '.join(map(str, shapes))}])"
    axes = [len(shape) for shape in shapes]
    if len(arrays) < 2 or any(k != 2 for k in axes[1:-1]) or not {axes[0], axes[-1]} <= {1, 2}:
        raise ValueError(f"{said}: expected two matrices or more; the first and the last may have one axis")
    sides = [shapes[0][0], *(shape[-1] for shape in shapes)] if axes[0] == 2 else [1, *(s[-1] for s in shapes)]
    sides[-1] = 1 if axes[-1] == 1 else sides[-1]
    if any(shape[0] != side for shape, side in zip(shapes[1:], sides[1:], strict=False)):
        raise ValueError(f"{said}: the inner sizes differ")
    if axes[0] == 1:
        arrays[0] = np.reshape(arrays[0], (1, -1) if shapes[0][0] else (1, 0))
    if axes[-1] == 1:
        arrays[-1] = np.reshape(arrays[-1], (-1, 1) if shapes[-1][0] else (0, 1))
    product = _in_cheapest_order(arrays, sides)
    return np.reshape(product, (*shapes[0][: axes[0] - 1], *shapes[-1][1:]))


def _in_cheapest_order(arrays: list[Any], sides: list[int]) -> Any:
    """The product of matrices; array k has the shape ``(sides[k], sides[k + 1])``."""

    @cache
    def cost(first: int, last: int) -> tuple[int, int]:
        """The multiplications that the arrays from `first` to `last` need, and where to cut."""
        if first == last:
            return 0, first
        return min(
            (cost(first, k)[0] + cost(k + 1, last)[0] + sides[first] * sides[k + 1] * sides[last + 1], k)
            for k in range(first, last)
        )

    def product(first: int, last: int) -> Any:
        if first == last:
            return arrays[first]
        cut = cost(first, last)[1]
        return np.matmul(product(first, cut), product(cut + 1, last))

    return product(0, len(arrays) - 1)


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """``np.linalg.matrix_power``: a product of n equal matrices, by repeated squaring; of inverses, where n < 0."""
    if not isinstance(n, (int, np.integer)):
        raise wrong_call(np.linalg.matrix_power, f"the exponent must be an integer, got {n!r}")
    if np.ndim(a) < 2 or np.shape(a)[-1] != np.shape(a)[-2]:
        raise np.linalg.LinAlgError(f"linalg.matrix_power({np.shape(a)}, {n}): the matrices must be square")
    if n == 0:  # a constant that stays in the graph, with a gradient of 0
        return np.where(np.zeros(np.shape(a), bool), a, np.eye(np.shape(a)[-1], dtype=a.dtype))
    square, power = np.linalg.inv(a) if n < 0 else a, None
    for k, bit in enumerate(f"{abs(n):b}"[::-1]):  # from the lowest bit up
        if k:
            square = np.matmul(square, square)
        if bit == "1":
            power = square if power is None else np.matmul(power, square)
    return power


# ------------------------------------------------------- the names of np.linalg: the last two axes are the matrix


@composed(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any, /) -> Any:
    """``np.linalg.matmul``."""
    return np.matmul(x1, x2)


@composed(np.linalg.tensordot)
def linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """``np.linalg.tensordot``."""
    return tensordot(x1, x2, axes)


@composed(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """``np.linalg.diagonal``: of the matrices in the last two axes."""
    return diagonal(x, offset, -2, -1)


@composed(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0, dtype: None = None) -> Any:
    """``np.linalg.trace``: of the matrices in the last two axes."""
    if dtype is not None:
        raise wrong_call(np.linalg.trace, "the keyword dtype= has no rule", "dtype")
    return trace(x, offset, -2, -1)


@composed(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Any:
    """``np.linalg.outer``: of two vectors."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"linalg.outer({np.shape(x1)}, {np.shape(x2)}): expected two arrays of one axis")
    return outer(x1, x2)


@composed(np.linalg.cross)
def linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """``np.linalg.cross``: of vectors of 3 components."""
    for x in (x1, x2):
        if not -np.ndim(x) <= axis < np.ndim(x) or np.shape(x)[axis] != 3:
            raise ValueError(f"linalg.cross({np.shape(x1)}, {np.shape(x2)}): axis {axis} must have 3 components")
    return cross(x1, x2, axis=axis)
