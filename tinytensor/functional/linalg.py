"""Compositions of linear algebra: products over axes, norms.

Read next: ``einsum.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine import apply
from ..errors import wrong_call
from ..rules.table import composed
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


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``: vector norms of every order, and the matrix norms that need no decomposition.

    The slope of the 2-norm at 0 is 0.
    """
    axes = tuple(range(np.ndim(x))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if axis is None and ord is None and len(axes) != 2:
        return norm(np.ravel(x), axis=0) if not keepdims else np.reshape(norm(np.ravel(x)), (1,) * len(axes))
    if (len(axes) <= 2 and ord is None) or (len(axes) == 2 and ord == "fro") or (len(axes) == 1 and ord == 2):
        return apply(np.linalg.norm, (x,), {"axis": axes, "keepdims": keepdims})
    size = np.abs(x)
    if len(axes) == 1 and isinstance(ord, (int, float)) and ord != 0:
        if math.isinf(ord):
            return (np.max if ord > 0 else np.min)(size, axis=axes, keepdims=keepdims)
        return np.sum(size**ord, axis=axes, keepdims=keepdims) ** (1 / ord)
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        summed, across = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(size, axis=summed, keepdims=True)
        out = (np.max if ord > 0 else np.min)(sums, axis=across, keepdims=True)
        return out if keepdims else np.squeeze(out, axis=axes)
    raise wrong_call(np.linalg.norm, f"ord={ord!r} over {len(axes)} axes has no rule")
