"""Compositions that move elements: parts, paddings, diagonals.

Read next: ``linalg.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import apply
from ..errors import wrong_call
from ..primitives import index
from ..rules.table import composed


@composed(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.split``: equal sections by their number, or sections that end at the given indices."""
    ndim = np.ndim(ary)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(f"split: axis {axis} is out of range for the shape {np.shape(ary)}")
    size = np.shape(ary)[axis]
    if np.ndim(indices_or_sections) == 0:
        sections = int(indices_or_sections)
        if sections <= 0 or size % sections:
            raise ValueError(f"split: an axis of size {size} has no {sections} equal sections; give the indices")
        ends = [size // sections * (k + 1) for k in range(sections)]
    else:
        ends = [*map(int, indices_or_sections), size]
    before = (slice(None),) * (axis % ndim)
    return [ary[(*before, slice(start, end))] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    """``np.pad`` with constants around: ``pad_width`` is (before, after), or such a pair for each axis."""
    if mode != "constant":
        raise wrong_call(np.pad, f"mode={mode!r} has no rule")
    return apply(np.pad, (array, pad_width), {"constant_values": constant_values})


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """``np.matrix_transpose``: the last two axes swapped."""
    if np.ndim(x) < 2:
        raise ValueError(f"mT: a matrix has two axes or more, got shape {np.shape(x)}; reshape it first")
    return np.swapaxes(x, -1, -2)


@composed(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None) -> Any:
    """A tensor of zeros with the shape and dtype of another; no gradient."""
    return a._make(np.zeros_like(a._data, dtype=dtype))


@composed(np.ones_like)
def ones_like(a: Any, dtype: Any = None) -> Any:
    """A tensor of ones with the shape and dtype of another; no gradient."""
    return a._make(np.ones_like(a._data, dtype=dtype))


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of the matrices in two axes, as a new last axis."""
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = np.shape(a)[-2:]
    length = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    k = np.arange(length)
    return index(a, (..., k - min(offset, 0), k + max(offset, 0)))
