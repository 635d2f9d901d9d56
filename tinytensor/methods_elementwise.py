"""More of NumPy's elementwise functions and statistics, in the spelling of methods: ``t.floor()`` is ``np.floor(t)``.

Names that NumPy's arrays or PyTorch's tensors have; arguments and defaults are NumPy's.
Read next: ``functional/elementwise.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .engine import apply
from .functional import elementwise, quantiles, sequences, statistics
from .operators import Operators, plain
from .special import erf


def method(function: Any, doc: str) -> Callable[..., Any]:
    """A function of a tensor, and perhaps of others, as a method."""

    def run(self: Any, *others: Any) -> Any:
        return apply(function, (self, *others))

    run.__name__ = run.__qualname__ = function.__name__
    run.__doc__ = doc
    return run


def question(function: Any, doc: str) -> Callable[..., Any]:
    """A question about each element: the answers are a plain boolean array."""

    def run(self: Any) -> Any:
        return function(plain(self))

    run.__name__ = run.__qualname__ = function.__name__
    run.__doc__ = doc
    return run


class ElementwiseMethods(Operators):
    """The methods of a Tensor that are elementwise functions, running sums and statistics."""

    __slots__ = ()

    # ------------------------------------------------------------------- rounding: gradient 0

    floor = method(np.floor, "The largest integer not above; its gradient is 0.")
    ceil = method(np.ceil, "The smallest integer not below; its gradient is 0.")
    trunc = fix = method(np.trunc, "Rounded towards 0; its gradient is 0.")

    def round(self, decimals: int = 0) -> Any:
        """Rounded to a number of decimals, halves to even; its gradient is 0."""
        return apply(np.round, (self, decimals))

    # ------------------------------------------------------------- logarithms, trigonometry

    exp2 = method(np.exp2, "2 to the power of each element.")
    log2 = method(np.log2, "The logarithm to base 2.")
    log10 = method(np.log10, "The logarithm to base 10.")
    logaddexp = method(np.logaddexp, "log(exp(x) + exp(y)), without overflow.")
    logaddexp2 = method(np.logaddexp2, "log2(2**x + 2**y), without overflow.")
    tan = method(np.tan, "The tangent, of radians.")
    sinh = method(np.sinh, "The hyperbolic sine.")
    cosh = method(np.cosh, "The hyperbolic cosine.")
    asin = arcsin = method(np.arcsin, "The angle whose sine this is.")
    acos = arccos = method(np.arccos, "The angle whose cosine this is.")
    atan = arctan = method(np.arctan, "The angle whose tangent this is.")
    asinh = arcsinh = method(np.arcsinh, "The inverse of the hyperbolic sine.")
    acosh = arccosh = method(np.arccosh, "The inverse of the hyperbolic cosine.")
    atanh = arctanh = method(np.arctanh, "The inverse of the hyperbolic tangent.")
    atan2 = arctan2 = method(np.arctan2, "The angle of the point (other, self), in all four quadrants.")
    hypot = method(np.hypot, "The distance of the point (self, other) from the origin; its slope there is 0.")
    deg2rad = method(np.deg2rad, "Degrees as radians.")
    rad2deg = method(np.rad2deg, "Radians as degrees.")
    sinc = method(np.sinc, "sin(πx) / (πx).")
    erf = method(erf, "The error function.")

    # ---------------------------------------------------------------- numbers and their signs

    conj = conjugate = method(np.conjugate, "The complex conjugate: of a real tensor, itself.")
    real = property(method(np.real, "The real part."))
    imag = property(method(np.imag, "The imaginary part: of a real tensor, 0."))
    fmod = method(np.fmod, "The remainder with the sign of the dividend.")
    remainder = method(np.remainder, "The remainder with the sign of the divisor, as ``%``.")
    float_power = elementwise.float_power
    fmax = method(np.fmax, "The larger of two, nan ignored; at a tie the gradient is this one's.")
    fmin = method(np.fmin, "The smaller of two, nan ignored; at a tie the gradient is this one's.")
    copysign = method(np.copysign, "These magnitudes with the signs of the other.")
    heaviside = method(np.heaviside, "0 below 0, 1 above, and the other's value at 0.")

    def nan_to_num(self, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
        """Numbers in place of nan and infinities, which get no gradient."""
        return elementwise.nan_to_num(self, nan=nan, posinf=posinf, neginf=neginf)

    isnan = question(np.isnan, "Where the elements are nan: a plain boolean array.")
    isinf = question(np.isinf, "Where the elements are infinite: a plain boolean array.")
    isfinite = question(np.isfinite, "Where the elements are neither infinite nor nan: a plain boolean array.")
    isposinf = question(np.isposinf, "Where the elements are inf: a plain boolean array.")
    isneginf = question(np.isneginf, "Where the elements are -inf: a plain boolean array.")
    isreal = question(np.isreal, "Where the elements have no imaginary part: a plain boolean array.")
    signbit = question(np.signbit, "Where the elements have a minus sign: a plain boolean array.")

    # -------------------------------------------------------------- running sums, statistics

    def cumsum(self, axis: int | None = None) -> Any:
        """The running sum along `axis` (of all elements in a row by default)."""
        return apply(np.cumsum, (self,), {"axis": axis})

    def cumprod(self, axis: int | None = None) -> Any:
        """The running product along `axis` (of all elements in a row by default)."""
        return apply(np.cumprod, (self,), {"axis": axis})

    diff = sequences.diff
    nansum = statistics.nansum
    nanmean = statistics.nanmean
    median = quantiles.median  # of an even number the mean of the two in the middle; PyTorch takes the lower
    nanmedian = quantiles.nanmedian
    quantile = quantiles.quantile
    nanquantile = quantiles.nanquantile
    cov = statistics.cov
    corrcoef = statistics.corrcoef
