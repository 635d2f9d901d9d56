"""Derivatives by differences: what a gradient is checked against.

Nothing here knows a framework: a function is a map from float64 arrays to a number. Read next:
``gradcheck.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Scalar = Callable[[list[Array]], Any]
Place = tuple[int, tuple[int, ...]]  # which operand, and where in it

STEP = float(np.finfo(np.float64).eps) ** (1 / 3)  # balances rounding and the third derivative
KINK_STEP = 1e-4


def moved(arrays: Sequence[Array], place: Place, by: complex) -> list[Array]:
    """The arrays with one element moved.

    Examples
    --------
    >>> moved([np.zeros(2)], (0, (1,)), 0.5)[0]
    array([0. , 0.5])
    """
    operand, index = place
    dtype = np.complex128 if isinstance(by, complex) else np.float64
    out = [
        a.astype(dtype) if k == operand or (dtype is np.complex128 and a.dtype.kind == "f") else a
        for k, a in enumerate(arrays)
    ]
    out[operand][index] += by
    return out


def step_at(arrays: Sequence[Array], place: Place, size: float = STEP) -> float:
    """A step in proportion to the element, and exactly representable."""
    x = float(arrays[place[0]][place[1]])
    step = size * max(1.0, abs(x))
    return (x + step) - x


def central(function: Scalar, arrays: Sequence[Array], place: Place, size: float = STEP) -> float:
    """The central difference quotient at one element.

    Examples
    --------
    >>> round(central(lambda a: a[0] ** 3, [np.array(2.0)], (0, ())), 6)
    12.0
    """
    h = step_at(arrays, place, size)
    return float((function(moved(arrays, place, h)) - function(moved(arrays, place, -h))) / (2 * h))


def complex_step(function: Scalar, arrays: Sequence[Array], place: Place) -> float | None:
    """The imaginary part after a tiny imaginary step: exact to rounding where the function is analytic.

    None where the function does not take complex numbers. (Squire & Trapp 1998.)

    Examples
    --------
    >>> complex_step(lambda a: a[0] ** 3, [np.array(2.0)], (0, ()))
    12.0
    >>> complex_step(lambda a: np.floor(a[0]), [np.array(2.0)], (0, ())) is None
    True
    """
    h = 1e-20
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)  # the imaginary part must not be dropped
        try:
            return float(np.imag(function(moved(arrays, place, 1j * h))) / h)
        except (TypeError, ValueError, IndexError, NotImplementedError, RuntimeError, np.exceptions.ComplexWarning):
            return None  # what a function of reals may say to a complex number


def is_kink(function: Scalar, arrays: Sequence[Array], place: Place) -> bool:
    """Whether the slopes from the left and from the right differ, or the function jumps, here or very near.

    For a smooth function the gap between the two slopes shrinks in proportion to the step; at a kink it
    stays. At a jump the slope across it grows as the step shrinks.

    Examples
    --------
    >>> is_kink(lambda a: abs(a[0]), [np.array(0.0)], (0, ()))
    True
    >>> is_kink(lambda a: np.sign(a[0]), [np.array(0.0)], (0, ()))
    True
    >>> is_kink(lambda a: a[0] ** 2, [np.array(0.0)], (0, ()))
    False
    """
    here = function(list(arrays))

    def slopes(size: float) -> tuple[float, float]:
        h = step_at(arrays, place, size)
        return (here - function(moved(arrays, place, -h))) / h, (function(moved(arrays, place, h)) - here) / h

    (left, right), (near_left, near_right) = slopes(KINK_STEP), slopes(KINK_STEP / 8)
    gap, near_gap = abs(right - left), abs(near_right - near_left)
    noise = 1e-6 * max(1.0, abs(float(here)))
    jumps = abs(near_left + near_right) > 4 * abs(left + right) + noise
    return bool(not np.isfinite(near_gap) or jumps or (near_gap > noise and near_gap > gap / 2))
