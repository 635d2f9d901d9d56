"""Elementwise functions: every operand is treated as if it had the output's shape.

``g`` is the gradient arriving at the output, ``out`` the output. Conventions at ties and kinks are
PyTorch's. Read next: ``rules/reductions.py``.
"""

import numpy as np

from ..primitives import astype, relu, sigmoid
from .table import PLAIN, everywhere, rule

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
rule(np.negative, lambda g, out, x: -g)
rule(np.positive, lambda g, out, x: g)
rule(np.reciprocal, lambda g, out, x: -g * out * out)
rule(np.square, lambda g, out, x: g * 2 * x)
rule(np.sqrt, lambda g, out, x: g / (2 * out))


def power_of_base(g, out, x, y):
    """y x^(y-1); at y = 0 the power is constant, also where x^(-1) is infinite."""
    if isinstance(y, (int, float)):
        return g * (y * x ** (y - 1)) if y else g * np.zeros_like(x)
    zero = y == 0
    return np.where(zero, 0, g * y * x ** np.where(zero, 1, y - 1))


def power_of_exponent(g, out, x, y):
    """x^y log(x); 0 where x = 0 and y >= 0, the limit from the right; nan where x < 0."""
    flat, none = (x == 0) & (y >= 0), np.less(x, 0)
    return np.where(none, np.nan, np.where(flat, 0, g * out * np.log(np.where(flat | none, np.ones_like(out), x))))


rule(np.power, power_of_base, power_of_exponent)

# ------------------------------------------------------------------- exponentials, trigonometry

rule(np.exp, lambda g, out, x: g * out)
rule(np.expm1, lambda g, out, x: g * (out + 1))
rule(np.log, lambda g, out, x: g / x)
rule(np.log1p, lambda g, out, x: g / (1 + x))
rule(np.tanh, lambda g, out, x: g * (1 - out * out))
rule(sigmoid, lambda g, out, x: g * out * (1 - out), forward=sigmoid.forward, spread=everywhere)
rule(np.sin, lambda g, out, x: g * np.cos(x))
rule(np.cos, lambda g, out, x: -g * np.sin(x))

# --------------------------------------------------------------------------------- with a kink

rule(relu, lambda g, out, x: g * (x > 0), forward=relu.forward, spread=everywhere)
rule(np.absolute, lambda g, out, x: g * np.sign(x))
rule(np.sign, lambda g, out, x: np.zeros_like(x))
rule(np.maximum, lambda g, out, x, y: np.where(x == y, g / 2, g * (x > y)),
                 lambda g, out, x, y: np.where(x == y, g / 2, g * (x < y)))
rule(np.minimum, lambda g, out, x, y: np.where(x == y, g / 2, g * (x < y)),
                 lambda g, out, x, y: np.where(x == y, g / 2, g * (x > y)))

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
})  # fmt: skip
