"""Activations and the error function: smooth bends, and what they are made of.

Read next: ``nn/activations.py``.
"""

import math

import numpy as np

from ..activations import elu, gelu, leaky_relu, silu, softplus, tanh_argument
from ..primitives import sigmoid
from ..special import erf, normal_cdf, sinc_slope
from .table import everywhere, rule

# --------------------------------------------------------------------------- the normal distribution


def near(x, far=40):
    """x where it matters: what it is multiplied by is 0 farther out, and inf times 0 would be nan."""
    return np.clip(x, -far, far)


def bell(x):
    """The density of the standard normal distribution."""
    return np.exp(np.square(near(x)) / -2) / math.sqrt(2 * math.pi)


rule(erf, lambda g, out, x: g * (2 / math.sqrt(math.pi)) * np.exp(-np.square(near(x))),
     forward=erf.forward, spread=everywhere)
rule(normal_cdf, lambda g, out, x: g * bell(x), forward=normal_cdf.forward, spread=everywhere)
rule(sinc_slope, lambda g, out, x, order: g * sinc_slope(x, order + 1), forward=sinc_slope.forward)
rule(np.sinc, lambda g, out, x: g * sinc_slope(x, 1))

# ------------------------------------------------------------------------------------- activations


def gelu_rule(g, out, x, approximate="none"):
    """The product rule: the probability, and x times its own slope."""
    if approximate == "none":
        return g * (normal_cdf(x) + near(x) * bell(x))
    part = sigmoid(tanh_argument(x))
    inner = math.sqrt(8 / math.pi) * (1 + 3 * 0.044715 * np.square(near(x)))
    return g * (part + near(x) * part * (1 - part) * inner)


def silu_rule(g, out, x):
    """sigmoid(x) (1 + x sigmoid(-x))."""
    return g * sigmoid(x) * (1 + near(x, 800) * sigmoid(np.negative(x)))


rule(gelu, gelu_rule, forward=gelu.forward)
rule(silu, silu_rule, forward=silu.forward)


def softplus_rule(g, out, x, beta=1.0, threshold=20.0):
    """sigmoid(beta x); 1 above the threshold."""
    scaled = np.multiply(beta, x)
    return np.where(scaled > threshold, g, g * sigmoid(scaled))


def softplus_beta(g, out, x, beta=1.0, threshold=20.0):
    """(x sigmoid(beta x) - out) / beta; 0 above the threshold."""
    scaled = np.multiply(beta, x)
    linear = scaled > threshold
    return g * (np.where(linear, 0, x) * sigmoid(scaled) - np.where(linear, 0, out)) / beta


def elu_rule(g, out, x, alpha=1.0):
    """1 where x is positive, elsewhere alpha exp(x); at 0 the second derivative is 0, as in PyTorch."""
    return np.where(np.greater(x, 0), g, g * alpha * np.exp(np.where(np.less(x, 0), x, 0)))


def elu_alpha(g, out, x, alpha=1.0):
    """exp(x) - 1 where x is not positive."""
    return g * np.expm1(np.where(np.greater(x, 0), 0, x))


rule(softplus, softplus_rule,
               softplus_beta, forward=softplus.forward, spread=everywhere)
rule(leaky_relu, lambda g, out, x, negative_slope=0.01: np.where(np.greater(x, 0), g, g * negative_slope),
                 lambda g, out, x, negative_slope=0.01: np.where(np.greater(x, 0), 0, g * x),
                 forward=leaky_relu.forward, spread=everywhere)
rule(elu, elu_rule,
          elu_alpha, forward=elu.forward, spread=everywhere)
