"""Numbers that gradients can be tested at: a lattice away from kinks, upstream gradients never all ones.

The values of one operand lie on a lattice (…, -0.37, 0.13, 0.63, …) that keeps clear of 0, of the
integers and of their halves, where relu, abs, floor, clip and the like have their kinks. Each operand
has a lattice of its own, so that no two operands tie in a maximum. This file knows NumPy alone.
Read next: ``strategies.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Array = np.ndarray[Any, Any]

STEP = 0.5  # between two neighbours of a lattice
# Where each operand's lattice lies between two multiples of STEP: no two are closer than 0.04 (the first
# three than 0.09), nor is any closer than 0.05 to a multiple.
OFFSETS = (0.13, 0.29, 0.41, 0.21, 0.05, 0.35, 0.45, 0.17)


def lattice(low: float, high: float, operand: int | None = 0, count: int = 2) -> Array:
    """At least `count` points within [low, high], the simplest first.

    Parameters
    ----------
    low, high : float
        The bounds.
    operand : int or None
        Which of the lattices; None for the multiples of the step themselves, kinks and all.
    count : int
        The step is halved until so many points lie within the bounds.

    Returns
    -------
    ndarray
        The points, by magnitude.

    Examples
    --------
    >>> lattice(-1, 1).tolist()
    [0.13, -0.37, 0.63, -0.87]
    >>> lattice(-1, 1, operand=1).tolist()
    [-0.21, 0.29, -0.71, 0.79]
    >>> lattice(-1, 1, operand=None).tolist()
    [0.0, 0.5, -0.5, 1.0, -1.0]
    """
    step, offset = STEP, 0.0 if operand is None else OFFSETS[operand]
    while True:
        reach = range(math.ceil((low - offset) / step), math.floor((high - offset) / step) + 1)
        if len(reach) >= count:
            break
        step, offset = step / 2, offset / 2
    points = np.round(np.arange(reach.start, reach.stop) * step + offset, 12)
    return points[np.lexsort((points < 0, np.abs(points)))]


def upstream_values(shape: tuple[int, ...], seed: int, dtype: npt.DTypeLike = np.float64) -> Array:
    """A random upstream gradient: magnitudes from 0.5 to 2, of both signs, none of them 1.

    An upstream gradient of ones hides a forgotten factor ``g``, a transpose and a sum over the wrong
    axis; these numbers hide none of them.

    Examples
    --------
    >>> upstream_values((2, 3), seed=0)
    array([[-1.78,  1.46,  1.27],
           [ 0.9 ,  0.96,  0.56]])
    """
    rng = np.random.default_rng(seed)
    hundredths = rng.integers(50, 200, shape)
    signs = np.where(rng.random(shape) < 0.5, -1, 1)
    return np.asarray(signs * (hundredths + (hundredths >= 100)) / 100, dtype)
