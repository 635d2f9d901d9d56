"""Special functions that NumPy lacks: the error function, the normal distribution, the slopes of sinc.

They run on arrays; their derivatives stand in ``rules/nonlinear.py`` and ``rules/elementwise.py``.
Read next: ``activations.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .primitive import primitive

Array = np.ndarray[Any, Any]

# W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23
# (1969), 631-637; the coefficients of his program CALERF (netlib, SPECFUN), highest power first.
NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip


def _ratio(x: Array, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Array:
    """One polynomial over another, by Horner's scheme; in place, for speed."""
    above, below = (np.full_like(x, highest) for highest, *_ in coefficients)
    for value, (_, *others) in zip((above, below), coefficients, strict=True):
        for c in others:
            value *= x
            value += c
    above /= below
    return above


def _middle(y: Array) -> Array:
    """1 - erf(y) for y up to 4, without cancellation."""
    return _decay(y) * _ratio(y, MIDDLE)


def _far(y: Array) -> Array:
    """1 - erf(y) for y above 4; 0 above 28."""
    y = np.minimum(y, 28)
    inverse = 1 / (y * y)
    return _decay(y) * (1 / math.sqrt(math.pi) - inverse * _ratio(inverse, FAR)) / y


def _decay(y: Array) -> Array:
    """exp(-y²) in two factors: the square of the coarse part is exact."""
    coarse = np.floor(y * 16) / 16
    with np.errstate(under="ignore"):
        return np.exp(-coarse * coarse) * np.exp(-(y - coarse) * (y + coarse))


def _by_range(x: Array, complement: bool) -> Array:
    """erf(x), or 1 - erf(x) to the last digits at both ends: each range by its own approximation."""
    x = _floating(x)
    y, out = np.abs(x), x.copy()  # a copy, so that nan stays nan
    near, far = y <= 0.46875, y > 4
    out[near] = x[near] * _ratio(np.square(x[near]), NEAR)
    if complement:
        out[near] = 1 - out[near]
    for where, tail in ((~near & (y <= 4), _middle), (far, _far)):
        if where.any():
            above = tail(y[where])
            out[where] = np.where(x[where] < 0, 2 - above, above) if complement else np.copysign(1 - above, x[where])
    return out


@primitive
def erf(x: Array) -> Array:
    """The error function, elementwise, to the precision of the dtype.

    Examples
    --------
    >>> erf(np.array([-10.0, 0.0, 1.0])).round(6)
    array([-1.      ,  0.      ,  0.842701])
    """
    return _by_range(x, complement=False)


@primitive
def normal_cdf(x: Array) -> Array:
    """The probability that a standard normal variable is below x, exact in both tails.

    Examples
    --------
    >>> normal_cdf(np.array([-1.96, 0.0, 1.96])).round(3)
    array([0.025, 0.5  , 0.975])
    """
    return _by_range(_floating(x) * -math.sqrt(0.5), complement=True) / 2


@primitive
def sinc_slope(x: Array, order: int) -> Array:
    """The derivative of the given order of ``np.sinc``, sin(πx) / (πx), at 0 and near it too.

    Away from 0 by the recursion that Leibniz's rule gives for x sinc(x); near 0, where that one
    cancels, by the power series.
    """
    dtype = _floating(x).dtype
    x = np.asarray(x, np.float64)  # high powers of float32 would overflow
    near = np.abs(x) < 0.5 + order / 3
    z, far = math.pi * np.where(near, x, 0), np.where(near, 1, x)
    value = np.sinc(far)
    for n in range(1, order + 1):
        value = (math.pi ** (n - 1) * np.sin(math.pi * far + n * math.pi / 2) - n * value) / far
    series = np.zeros_like(x)
    for k in range((order + 1) // 2 + 20 + 2 * order, (order + 1) // 2 - 1, -1):
        series = series + (-1) ** k / ((2 * k + 1) * math.factorial(2 * k - order)) * z ** (2 * k - order)
    return np.where(near, math.pi**order * series, value).astype(dtype)


def _floating(x: Any) -> Array:
    """An array of a floating dtype: the approximations are for real numbers."""
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)
