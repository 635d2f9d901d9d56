"""Arrays as the page holds them: each once, the small ones in full, the large ones as their corners and statistics.

Read next: ``static/arrays.js``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

MOST = 320  # elements shown in full
WIDEST = 24  # and columns
EDGE = 3  # rows and columns at each end of a larger one; of the leading axes, one


class Pool:
    """A list of arrays in which equal ones are stored once."""

    def __init__(self) -> None:
        self.arrays: list[dict[str, Any]] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def add(self, array: Any) -> int:
        """The place of an array in the list."""
        array = np.asarray(array)
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._places:
            self._places[key] = len(self.arrays)
            self.arrays.append(packed(array))
        return self._places[key]


def packed(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """One array as JSON: ``s`` its shape, ``v`` the numbers; of a large one ``i`` says which indices those have."""
    entry: dict[str, Any] = {"s": list(array.shape)}
    if array.dtype != np.float64:
        entry["t"] = str(array.dtype)
    if array.size > MOST or (array.ndim and array.shape[-1] > WIDEST):
        kept = [ends(size, EDGE if axis >= array.ndim - 2 else 1) for axis, size in enumerate(array.shape)]
        entry |= {"i": kept, "m": statistics(array)}
        array = array[np.ix_(*kept)]
    entry["v"] = [number(x) for x in array.ravel().tolist()]
    return entry


def ends(size: int, edge: int) -> list[int]:
    """The first and the last indices of an axis."""
    return list(range(size)) if size <= 2 * edge + 1 else [*range(edge), *range(size - edge, size)]


def statistics(array: np.ndarray[Any, Any]) -> list[Any]:
    """Smallest, mean, largest, and the norm."""
    array = array.astype(np.float64)
    return [number(float(x)) for x in (array.min(), array.mean(), array.max(), np.sqrt(np.sum(array * array)))]


def number(x: Any) -> Any:
    """A number as JSON can hold it, with ten digits."""
    if isinstance(x, (bool, int)):
        return int(x)
    if not math.isfinite(x):
        return str(x)  # "nan", "inf", "-inf"
    short = float(f"{x:.10g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
