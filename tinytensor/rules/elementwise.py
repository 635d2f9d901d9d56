"""Elementwise functions: every operand is treated as if it had the output's shape.

``g`` is the gradient arriving at the output, ``out`` the output. Conventions at ties and kinks are
PyTorch's. Read next: ``rules/reductions.py``.
"""

import math

import numpy as np

from ..primitives import astype, relu, sigmoid
from .table import PLAIN, everywhere, rule

LN2 = math.log(2)

# ------------------------------------------------------------------------------------- arithmetic

rule(np.add, lambda g, out, x, y: g,
             lambda g, out, x, y: g)
rule(np.subtract, lambda g, out, x, y: g,
                  lambda g, out, x, y: -g)
rule(np.multiply, lambda g, out, x, y: g * y,
                  lambda g, out, x, y: g * x)
rule(np.divide, lambda g, out, x, y: g / y,
                lambda g, out, x, y: -g * out / y)
rule(np.floor_divide, lambda g, out, x, y: np.zeros_like(g),
                      lambda g, out, x, y: np.zeros_like(g))
rule(np.remainder, lambda g, out, x, y: g,
                   lambda g, out, x, y: -g * np.floor_divide(x, y))
rule(np.fmod, lambda g, out, x, y: g,
              lambda g, out, x, y: -g * np.rint((x - out) / y))  # how often y was taken away, exactly
rule(np.negative, lambda g, out, x: -g)
rule(np.positive, lambda g, out, x: g)
rule(np.conjugate, lambda g, out, x: g)  # of a real number, as are the two below
rule(np.real, lambda g, out, val: g)
rule(np.imag, lambda g, out, val: np.zeros_like(g))
rule(np.reciprocal, lambda g, out, x: -g * out * out)
rule(np.square, lambda g, out, x: g * 2 * x)
rule(np.sqrt, lambda g, out, x: g / (2 * out))
rule(np.cbrt, lambda g, out, x: g / (3 * out * out))
rule(np.ldexp, lambda g, out, x, exponent: np.ldexp(g, exponent), None)


def power_of_base(g, out, x, y):
    """y x^(y-1); at y = 0 the power is constant, also where x^(-1) is infinite."""
    if isinstance(y, (int, float)):
        return g * (y * x ** (y - 1)) if y else np.zeros_like(g)
    zero = y == 0
    return np.where(zero, 0, g * y * x ** np.where(zero, 0, y - 1))


def power_of_exponent(g, out, x, y):
    """x^y log(x); 0 where x = 0 and y >= 0, the limit from the right; nan where x < 0."""
    flat, none = (x == 0) & (y >= 0), np.less(x, 0)
    return np.where(none, np.nan, np.where(flat, 0, g * out * np.log(np.where(flat | none, np.ones_like(out), x))))


rule(np.power, power_of_base, power_of_exponent)

# -------------------------------------------------------------------- exponentials, logarithms

rule(np.exp, lambda g, out, x: g * out)
rule(np.expm1, lambda g, out, x: g * (out + 1))
rule(np.log, lambda g, out, x: g / x)
rule(np.log1p, lambda g, out, x: g / (1 + x))
rule(np.exp2, lambda g, out, x: g * out * LN2)
rule(np.log2, lambda g, out, x: g / (x * LN2))
rule(np.log10, lambda g, out, x: g / (x * math.log(10)))


def share_of_sum(g, x, y, scale=1.0):
    """The share that exp(x) has of exp(x) + exp(y); 0 where both are the same infinity."""
    both = np.isinf(x) & np.equal(x, y)
    return g * sigmoid(scale * (np.where(both, -np.inf, x) - np.where(both, 0, y)))


rule(np.logaddexp, lambda g, out, x, y: share_of_sum(g, x, y),
                   lambda g, out, x, y: share_of_sum(g, y, x))
rule(np.logaddexp2, lambda g, out, x, y: share_of_sum(g, x, y, LN2),
                    lambda g, out, x, y: share_of_sum(g, y, x, LN2))

# ------------------------------------------------------------------------- trigonometry, angles

rule(np.tanh, lambda g, out, x: g * (1 - out * out))
rule(sigmoid, lambda g, out, x: g * out * (1 - out), forward=sigmoid.forward, spread=everywhere)
rule(np.sin, lambda g, out, x: g * np.cos(x))
rule(np.cos, lambda g, out, x: -g * np.sin(x))
rule(np.tan, lambda g, out, x: g * (1 + out * out))
rule(np.sinh, lambda g, out, x: g * np.cosh(x))
rule(np.cosh, lambda g, out, x: g * np.sinh(x))
rule(np.arcsin, lambda g, out, x: g / np.sqrt((1 - x) * (1 + x)))
rule(np.arccos, lambda g, out, x: -g / np.sqrt((1 - x) * (1 + x)))
rule(np.arctan, lambda g, out, x: g / np.hypot(1, x) / np.hypot(1, x))  # the square would overflow
rule(np.arcsinh, lambda g, out, x: g / np.hypot(1, x))
rule(np.arccosh, lambda g, out, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
rule(np.arctanh, lambda g, out, x: g / ((1 - x) * (1 + x)))
rule(np.deg2rad, lambda g, out, x: np.deg2rad(g))
rule(np.rad2deg, lambda g, out, x: np.rad2deg(g))
rule(np.radians, lambda g, out, x: np.radians(g))
rule(np.degrees, lambda g, out, x: np.degrees(g))


def over_radius(g, z, x, y):
    """z over the distance of (x, y) from the origin; 0 at the origin, where it has no direction."""
    origin = np.equal(x, 0) & np.equal(y, 0)
    return np.where(origin, 0, g) * z / np.hypot(np.where(origin, 1, x), y)


rule(np.hypot, lambda g, out, x, y: over_radius(g, x, x, y),
               lambda g, out, x, y: over_radius(g, y, x, y))
rule(np.arctan2, lambda g, out, y, x: over_radius(over_radius(g, x, x, y), 1, x, y),
                 lambda g, out, y, x: over_radius(over_radius(-g, y, x, y), 1, x, y))

# --------------------------------------------------------------------------------- with a kink

rule(relu, lambda g, out, x: g * (x > 0), forward=relu.forward, spread=everywhere)
rule(np.absolute, lambda g, out, x: g * np.sign(x))
rule(np.fabs, lambda g, out, x: g * np.sign(x))
rule(np.sign, lambda g, out, x: np.zeros_like(g))
rule(np.floor, lambda g, out, x: np.zeros_like(g))
rule(np.ceil, lambda g, out, x: np.zeros_like(g))
rule(np.trunc, lambda g, out, x: np.zeros_like(g))
rule(np.rint, lambda g, out, x: np.zeros_like(g))
rule(np.round, lambda g, out, a, decimals=0: np.zeros_like(g))
rule(np.heaviside, lambda g, out, x, value: np.zeros_like(g),
                   lambda g, out, x, value: g * np.equal(x, 0))
rule(np.copysign, lambda g, out, x, y: g * np.sign(x) * np.sign(out),
                  lambda g, out, x, y: np.zeros_like(g))
rule(np.maximum, lambda g, out, x, y: np.where(x == y, g / 2, g * (x > y)),
                 lambda g, out, x, y: np.where(x == y, g / 2, g * (x < y)))
rule(np.minimum, lambda g, out, x, y: np.where(x == y, g / 2, g * (x < y)),
                 lambda g, out, x, y: np.where(x == y, g / 2, g * (x > y)))

# Unlike maximum, fmax ignores nan, and at a tie all of the gradient goes to the first: as in torch.
rule(np.fmax, lambda g, out, x, y: g * (np.greater_equal(x, y) | np.isnan(y)),
              lambda g, out, x, y: g * np.logical_not(np.greater_equal(x, y) | np.isnan(y)))
rule(np.fmin, lambda g, out, x, y: g * (np.less_equal(x, y) | np.isnan(y)),
              lambda g, out, x, y: g * np.logical_not(np.less_equal(x, y) | np.isnan(y)))
rule(np.nan_to_num, lambda g, out, x, *, nan=0.0, posinf=None, neginf=None: g * np.isfinite(x))

# np.clip with both bounds is minimum(maximum(a, a_min), a_max), except that a bound itself passes.
rule(np.clip, lambda g, out, a, a_min, a_max: g * ((a >= a_min) & (a <= a_max)),
              lambda g, out, a, a_min, a_max: g * ((a < a_min) & (a_min < a_max)),
              lambda g, out, a, a_min, a_max: g * ((a > a_max) | (a_min > a_max)),
              spread=everywhere)

# ------------------------------------------------------------------------------------- selection

rule(np.where, None,
               lambda g, out, condition, x, y: np.where(condition, g, 0),
               lambda g, out, condition, x, y: np.where(condition, 0, g),
               spread=everywhere)
rule(astype, lambda g, out, x, dtype: g, forward=astype.forward)  # the engine casts back

# -------------------------------------------------------------------- no gradient: plain arrays

PLAIN.update({
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.isnan, np.isinf, np.isfinite, np.signbit, np.isclose, np.allclose, np.array_equal, np.array_equiv,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor,
    np.isposinf, np.isneginf, np.isreal, np.iscomplex, np.isrealobj, np.iscomplexobj,
})  # fmt: skip
