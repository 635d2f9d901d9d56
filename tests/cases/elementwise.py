"""Cases: elementwise."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytensor as tt
from tinytensor import primitives as P
from tinytensor.primitives import bce

from ..strategies import broadcastable, shapes, values
from .base import case


@st.composite
def unary(draw, low=-4, high=4):
    return [draw(values(draw(shapes()), low=low, high=high))], {}


@st.composite
def binary(draw, low=(-4, -4), high=(4, 4)):
    drawn = draw(broadcastable(2))
    return [draw(values(s, k, low[k], high[k])) for k, s in enumerate(drawn)], {}


UNARY = [
    (np.negative, torch.neg, -4, 4),
    (np.positive, lambda x: x.clone(), -4, 4),
    (np.exp, torch.exp, -4, 3),
    (np.expm1, torch.expm1, -4, 3),
    (np.log, torch.log, 0, 4),
    (np.log1p, torch.log1p, 0, 4),
    (np.sqrt, torch.sqrt, 0, 4),
    (np.square, torch.square, -4, 4),
    (np.reciprocal, torch.reciprocal, -4, 4),
    (np.absolute, torch.abs, -4, 4),
    (np.tanh, torch.tanh, -3, 3),
    (np.sin, torch.sin, -4, 4),
    (np.cos, torch.cos, -4, 4),
    (np.sign, torch.sign, -4, 4),
    (tt.relu, torch.relu, -4, 4),
    (tt.sigmoid, torch.sigmoid, -4, 4),
]
for ours, theirs, low, high in UNARY:
    case(ours.__name__, ours, theirs, unary(low, high))

BINARY = [
    (np.add, torch.add, (-4, -4)),
    (np.subtract, torch.subtract, (-4, -4)),
    (np.multiply, torch.multiply, (-4, -4)),
    (np.divide, torch.divide, (-4, -4)),
    (np.power, torch.pow, (0, -3)),
    (np.maximum, torch.maximum, (-4, -4)),
    (np.minimum, torch.minimum, (-4, -4)),
    (bce, lambda x, t: torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
     if x.shape == t.shape else torch.clamp(x, min=0) - x * t + torch.log1p(torch.exp(-torch.abs(x))), (-4, 0)),
]  # fmt: skip
for ours, theirs, low in BINARY:
    case(ours.__name__, ours, theirs, binary(low, (3, 3)))


@st.composite
def not_multiples(draw):
    """Operands whose quotient is nowhere near an integer, where remainder and floor jump."""
    (x, y), options = draw(binary(high=(3, 3)))
    assume(np.all(np.abs(x / y - np.round(x / y)) > 0.01))
    return [x, y], options


case("remainder", np.remainder, torch.remainder, not_multiples())
# torch has no gradient for floor_divide; its rounding division has, and it is 0.
case(
    "floor_divide",
    np.floor_divide,
    lambda x, y: torch.div(x, y, rounding_mode="floor"),
    not_multiples(),
    np.floor_divide,
)


@st.composite
def power_by_number(draw):
    exponent = draw(st.sampled_from([0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5, 2.0]))
    integral = float(exponent).is_integer()
    return [draw(values(draw(shapes()), low=-3 if integral else 0, high=3))], {"exponent": exponent}


case("power_by_number", lambda x, exponent: x**exponent, lambda x, exponent: x**exponent, power_by_number(), np.power)


@st.composite
def number_to_power(draw):
    return [draw(values(draw(shapes()), low=-3, high=3))], {"base": draw(st.sampled_from([0.5, 2, 3.0]))}


case("number_to_power", lambda x, base: base**x, lambda x, base: base**x, number_to_power(), np.power)


@st.composite
def clipped(draw):
    array = draw(values(draw(shapes())))
    low, high = draw(st.sampled_from([(-1.0, 1.0), (None, 0.5), (-0.5, None), (0, 2)]))
    return [array], {"low": low, "high": high}


case(
    "clip",
    lambda x, low, high: np.clip(x, low, high),
    lambda x, low, high: torch.clamp(x, low, high),
    clipped(),
    np.clip,
)


@st.composite
def clip_tensors(draw):
    drawn = draw(broadcastable(3, max_dims=2))
    return [draw(values(s, k)) for k, s in enumerate(drawn)], {}


def torch_clamp(x, low, high):
    return torch.clamp(*torch.broadcast_tensors(x, low, high))


case("clip by tensors", np.clip, torch_clamp, clip_tensors(), np.clip)


@st.composite
def selection(draw):
    condition, *rest = draw(broadcastable(3))
    return [draw(values(s, k)) for k, s in enumerate(rest)], {"condition": draw(hnp.arrays(bool, condition))}


case(
    "where", lambda x, y, condition: np.where(condition, x, y),
    lambda x, y, condition: torch.where(torch.tensor(condition), x, y), selection(), np.where,
)  # fmt: skip
case("astype", lambda x: x.astype(np.float32).astype(np.float64),
     lambda x: x.to(torch.float32).to(torch.float64), unary(), P.astype)  # fmt: skip
