"""Every operation with its equivalent in torch and the inputs to compare them on.

A case draws a list of operand arrays and a dict of options; ``ours`` takes Tensors, ``theirs`` torch
tensors. ``covers`` names the rows of the rule table (or the compositions) that it exercises.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytensor as tt
from tinytensor import primitives as P
from tinytensor.primitives import bce, contract, index, linear, nll, scatter

from .strategies import axes_for, broadcastable, shapes, values


@dataclass
class Case:
    name: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    draw: st.SearchStrategy[Any]
    covers: tuple[Any, ...] = field(default_factory=tuple)
    orders: int = 3

    def __repr__(self) -> str:
        return self.name


CASES: list[Case] = []


def case(name, ours, theirs, draw, *covers, orders=3):
    CASES.append(Case(name, ours, theirs, draw, covers or (ours,), orders))


# ------------------------------------------------------------------------------------ elementwise


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

# ------------------------------------------------------------------------------------- reductions


def torch_reduce(op):
    """A torch reduction of the last axis as one of any axes, with keepdims."""

    def reduced(x, axis=None, keepdims=False, **options):
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        lost = sorted(k % x.ndim for k in axes)
        kept = [k for k in range(x.ndim) if k not in lost]
        flat = x.permute(*kept, *lost) if x.ndim else x
        flat = flat.reshape([x.shape[k] for k in kept] + [math.prod(x.shape[k] for k in lost)])
        out = op(flat, **options)
        return out.reshape([1 if k in lost else x.shape[k] for k in range(x.ndim)]) if keepdims else out

    return reduced


@st.composite
def reducible(draw, min_side=0, distinct=False, **options):
    shape = draw(shapes(min_side=min_side))
    array = draw(values(shape, distinct=distinct, low=-2, high=2))
    drawn = {name: draw(strategy) for name, strategy in options.items()}
    return [array], {"axis": draw(axes_for(len(shape))), "keepdims": draw(st.booleans()), **drawn}


REDUCTIONS = [
    (np.sum, lambda x: x.sum(-1), 0, False),
    (np.mean, lambda x: x.mean(-1), 1, False),
    (np.max, lambda x: x.amax(-1), 1, True),
    (np.min, lambda x: x.amin(-1), 1, True),
    (np.prod, lambda x: x.prod(-1), 0, False),
    (tt.logsumexp, lambda x: x.logsumexp(-1), 1, False),
]
for ours, theirs, side, distinct in REDUCTIONS:
    case(ours.__name__, ours, torch_reduce(theirs), reducible(side, distinct))


@st.composite
def spreadable(draw):
    """Arrays with at least two elements along the reduced axes, and different ones."""
    (array,), options = draw(reducible(min_side=2, distinct=True))
    if array.ndim == 0 or options["axis"] == ():
        array, options["axis"] = draw(values((3,), distinct=True)), None
    return [array], {**options, "ddof": draw(st.sampled_from([0, 1]))}


case("var", np.var, torch_reduce(lambda x, ddof: x.var(-1, correction=ddof)), spreadable())
case("std", np.std, torch_reduce(lambda x, ddof: x.std(-1, correction=ddof)), spreadable())


@st.composite
def with_zeros(draw):
    (array,), options = draw(reducible(min_side=1))
    mask = draw(hnp.arrays(bool, array.shape))
    return [np.where(mask, 0.0, array)], options


case("prod with zeros", np.prod, torch_reduce(lambda x: x.prod(-1)), with_zeros(), np.prod)


@st.composite
def vector_norm(draw, orders=(None, 2, 1, 3, 1.5, math.inf, -math.inf)):
    shape = draw(shapes(min_dims=1, min_side=1))
    return [draw(values(shape, distinct=True))], {
        "axis": draw(st.integers(-len(shape), len(shape) - 1)), "ord": draw(st.sampled_from(orders)),
        "keepdims": draw(st.booleans()),
    }  # fmt: skip


case(
    "norm of vectors", np.linalg.norm,
    lambda x, axis, ord, keepdims: torch.linalg.vector_norm(x, 2 if ord is None else ord, axis, keepdims),
    vector_norm(), np.linalg.norm,
)  # fmt: skip


@st.composite
def matrix_norm(draw):
    shape = draw(shapes(min_dims=2, min_side=1))
    axes = draw(st.permutations(range(len(shape))))[:2]
    return [draw(values(shape, distinct=True))], {
        "axis": tuple(axes), "ord": draw(st.sampled_from(["fro", 1, -1, math.inf, -math.inf])),
        "keepdims": draw(st.booleans()),
    }  # fmt: skip


case(
    "norm of matrices", np.linalg.norm,
    lambda x, axis, ord, keepdims: torch.linalg.matrix_norm(x, ord, axis, keepdims), matrix_norm(), np.linalg.norm,
)  # fmt: skip
case("norm of all", np.linalg.norm, lambda x: torch.linalg.vector_norm(x),
     shapes(min_side=1).flatmap(values).map(lambda a: ([a], {})), np.linalg.norm)  # fmt: skip

# ----------------------------------------------------------------------------------------- shapes


@st.composite
def reshaped(draw):
    shape = draw(shapes())
    sides = [k for k in shape if k != 1]
    sides.insert(draw(st.integers(0, len(sides))), 1)
    new = draw(st.sampled_from([tuple(sides), shape[::-1], (-1,) if math.prod(shape) else (0,)]))
    return [draw(values(shape))], {"shape": new}


case("reshape", lambda x, shape: x.reshape(shape), lambda x, shape: x.reshape(shape), reshaped(), np.reshape)
case("ravel", np.ravel, torch.ravel, unary())


@st.composite
def with_axis(draw, insert=False):
    shape = draw(shapes(min_dims=1))
    ndim = len(shape) + insert
    return [draw(values(shape))], {"axis": draw(st.integers(-ndim, ndim - 1))}


case("expand_dims", np.expand_dims, lambda x, axis: x.unsqueeze(axis), with_axis(insert=True))


@st.composite
def squeezable(draw):
    shape = list(draw(shapes(max_dims=2)))
    axis = draw(st.integers(0, len(shape)))
    shape.insert(axis, 1)
    return [draw(values(tuple(shape)))], {"axis": draw(st.sampled_from([axis, axis - len(shape)]))}


case("squeeze", np.squeeze, lambda x, axis: x.squeeze(axis), squeezable())
case("squeeze all", lambda x: x.squeeze(), lambda x: x.squeeze(), unary(), np.squeeze)


@st.composite
def permuted(draw):
    shape = draw(shapes())
    order = draw(st.permutations(range(len(shape))))
    negative = draw(st.booleans())
    return [draw(values(shape))], {"axes": tuple(k - len(shape) if negative else k for k in order)}


case("transpose", np.transpose, lambda x, axes: x.permute(axes), permuted())
case("T", lambda x: x.T, lambda x: x.permute(tuple(reversed(range(x.ndim)))), unary(), np.transpose)


@st.composite
def two_axes(draw):
    shape = draw(shapes(min_dims=1))
    axis = st.integers(-len(shape), len(shape) - 1)
    return [draw(values(shape))], {"a": draw(axis), "b": draw(axis)}


case("swapaxes", lambda x, a, b: np.swapaxes(x, a, b), lambda x, a, b: x.swapaxes(a, b), two_axes(), np.swapaxes)
case("moveaxis", lambda x, a, b: np.moveaxis(x, a, b), lambda x, a, b: x.moveaxis(a, b), two_axes(), np.moveaxis)


@st.composite
def copied(draw):
    small, large = draw(broadcastable(2))
    return [draw(values(small))], {"shape": np.broadcast_shapes(small, large)}


case("broadcast_to", np.broadcast_to, lambda x, shape: x.broadcast_to(shape), copied())


@st.composite
def flipped(draw):
    shape = draw(shapes())
    return [draw(values(shape))], {"axis": draw(axes_for(len(shape)))}


def torch_flip(x, axis):
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return x.flip(tuple(axes))


case("flip", np.flip, torch_flip, flipped())


@st.composite
def joined(draw, stack=False):
    shape = list(draw(shapes(min_dims=1, max_dims=3)))
    axis = draw(st.integers(-len(shape) - stack, len(shape) - 1 + stack))
    arrays = []
    for k in range(draw(st.integers(1, 3))):
        if not stack:
            shape[axis] = draw(st.integers(0, 3))
        arrays.append(draw(values(tuple(shape), k)))
    return arrays, {"axis": axis}


case(
    "concatenate",
    lambda *xs, axis: np.concatenate(xs, axis),
    lambda *xs, axis: torch.cat(xs, axis),
    joined(),
    np.concatenate,
)
case(
    "concatenate flat", lambda *xs, axis: np.concatenate(xs, axis=None),
    lambda *xs, axis: torch.cat([x.ravel() for x in xs]), joined(), np.concatenate,
)  # fmt: skip
case(
    "stack", lambda *xs, axis: np.stack(xs, axis), lambda *xs, axis: torch.stack(xs, axis), joined(stack=True), np.stack
)


@st.composite
def sections(draw):
    shape = list(draw(shapes(min_dims=1)))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    count = draw(st.integers(1, 3))
    shape[axis] = count * draw(st.integers(0, 2))
    at = draw(st.lists(st.integers(0, shape[axis]), max_size=2).map(sorted) | st.just(count))
    return [draw(values(tuple(shape)))], {"at": at, "axis": axis}


def weighted(parts, module):
    """One output from several, each with a weight of its own."""
    return module.concatenate([(k + 1) * p.ravel() for k, p in enumerate(parts)])


case(
    "split", lambda x, at, axis: weighted(np.split(x, at, axis), np),
    lambda x, at, axis: weighted(torch.tensor_split(x, at, axis), torch), sections(), np.split,
)  # fmt: skip


@st.composite
def padded(draw):
    shape = draw(shapes(min_dims=1))
    pairs = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape]
    return [draw(values(shape))], {"pairs": pairs, "value": draw(st.sampled_from([0.0, 2.5]))}


case(
    "pad", lambda x, pairs, value: np.pad(x, pairs, constant_values=value),
    lambda x, pairs, value: torch.nn.functional.pad(x, [n for p in pairs[::-1] for n in p], value=value),
    padded(), np.pad,
)  # fmt: skip


@st.composite
def indexed(draw, kind="basic"):
    shape = draw(shapes(min_dims=1, min_side=0 if kind == "basic" else 1))
    array = draw(values(shape))
    if kind == "basic":
        key = draw(hnp.basic_indices(shape, allow_ellipsis=True, allow_newaxis=True))
        # torch has no negative steps; the flip test covers NumPy's
        parts = key if isinstance(key, tuple) else (key,)
        parts = tuple(slice(None) if isinstance(p, slice) and p.step is not None and p.step < 0 else p for p in parts)
        return [array], {"key": parts if isinstance(key, tuple) else parts[0]}
    if kind == "boolean":
        return [array], {"key": draw(hnp.arrays(bool, shape[: draw(st.integers(1, len(shape)))]))}
    return [array], {
        "key": draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    }


def torch_index(x, key):
    parts = key if isinstance(key, tuple) else (key,)
    return x[tuple(torch.from_numpy(p) if isinstance(p, np.ndarray) else p for p in parts)]


for kind in ("basic", "boolean", "integer"):
    case(f"{kind} index", lambda x, key: x[key], torch_index, indexed(kind), index)


@st.composite
def scattered(draw):
    size, count = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    key = draw(hnp.arrays(np.int64, (count,), elements=st.integers(0, size - 1)))
    return [draw(values((count,)))], {"key": key, "shape": (size,)}


case(
    "scatter", scatter,
    lambda g, key, shape: torch.zeros(shape, dtype=g.dtype).index_add(0, torch.from_numpy(key), g), scattered(),
)  # fmt: skip

# --------------------------------------------------------------------------------- linear algebra


@st.composite
def gufunc(draw, signature):
    drawn = draw(
        hnp.mutually_broadcastable_shapes(signature=signature, max_dims=2, max_side=3, min_side=0)
    ).input_shapes
    return [draw(values(s, k, -2, 2)) for k, s in enumerate(drawn)], {}


case("matmul", np.matmul, torch.matmul, gufunc("(n?,k),(k,m?)->(n?,m?)"))
DOTS = [lambda n, k, m: [(k,), (k,)], lambda n, k, m: [(n, k), (k,)], lambda n, k, m: [(n, k), (k, m)]]


@st.composite
def dotted(draw):
    drawn = draw(st.sampled_from(DOTS))(*draw(st.tuples(*(st.integers(0, 3),) * 3)))
    return [draw(values(s, k)) for k, s in enumerate(drawn)], {}


case("dot", np.dot, torch.matmul, dotted())
case("dot with a number", np.dot, torch.multiply, unary().map(lambda drawn: ([*drawn[0], np.array(1.5)], {})))
case("dot of many axes", lambda x, y: np.dot(x, y), lambda x, y: torch.tensordot(x, y, dims=([-1], [-2])),
     st.tuples(*(st.integers(0, 3),) * 4).flatmap(
         lambda n: st.tuples(values((n[0], n[1], n[2]), 0, -2, 2), values((n[3], n[2], n[0]), 1, -2, 2)))
     .map(lambda arrays: (list(arrays), {})), np.dot)  # fmt: skip


@st.composite
def contracted(draw):
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    count = draw(st.integers(0, len(sizes)))
    shared = list(range(count))
    left = draw(st.permutations(range(len(sizes))))
    extra = draw(st.lists(st.integers(0, 3), max_size=2))
    right_sizes = [sizes[k] for k in shared] + extra
    right = draw(st.permutations(range(len(right_sizes))))
    axes = ([left.index(k) for k in shared], [right.index(k) for k in shared])
    arrays = [
        draw(values(tuple(sizes[k] for k in left), 0, -2, 2)),
        draw(values(tuple(right_sizes[k] for k in right), 1, -2, 2)),
    ]
    return arrays, {"axes": axes}


case("tensordot", lambda x, y, axes: np.tensordot(x, y, axes), lambda x, y, axes: torch.tensordot(x, y, axes),
     contracted(), np.tensordot)  # fmt: skip

EINSUMS = [
    "ij,jk->ik", "ij,jk", "i,i->", "ii->i", "ii", "ij->ji", "ij->", "ij->j", "i,j->ij", "bij,bjk->bik",
    "...i,...i->...", "...ij,jk->...ik", "...ij->...ji", "iij->j", "ij,kj,lk->il", "i...,i...->...", "ij,ij->ij",
    "ij,j,i->", "iji->j", "aij,ajk", "...,...->...",
]  # fmt: skip


@st.composite
def einsums(draw):
    subscripts = draw(st.sampled_from(EINSUMS))
    sizes = {c: draw(st.integers(0, 3)) for c in "abijkl"}
    terms = subscripts.split("->")[0].split(",")
    batch = draw(broadcastable(len(terms), max_dims=2, max_side=2))
    full = tuple(np.broadcast_shapes(*batch))
    arrays = []
    for k, (term, hidden) in enumerate(zip(terms, batch, strict=True)):
        hidden = full if "->" in subscripts and len(hidden) > len(full) else hidden
        before, dots, after = term.partition("...")
        shape = (*(sizes[c] for c in before), *(hidden if dots else ()), *(sizes[c] for c in after))
        arrays.append(draw(values(shape, k, -2, 2)))
    return arrays, {"subscripts": subscripts}


case("einsum", lambda *xs, subscripts: np.einsum(subscripts, *xs), lambda *xs, subscripts: torch.einsum(subscripts, *xs),
     einsums(), np.einsum, contract)  # fmt: skip


@st.composite
def einsum_copies(draw):
    """Named axes of size 1 that broadcast."""
    i, j = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    one = draw(st.sampled_from([(1, j), (i, 1), (1, 1)]))
    return [draw(values((i, j), 0)), draw(values(one, 1))], {}


case("einsum with copies", lambda x, y: np.einsum("ij,ij->ij", x, y), lambda x, y: x * y, einsum_copies(), np.einsum)
case("outer", np.outer, lambda x, y: torch.outer(x.ravel(), y.ravel()),
     st.tuples(shapes(max_dims=2), shapes(max_dims=2)).flatmap(lambda s: st.tuples(values(s[0], 0), values(s[1], 1)))
     .map(lambda arrays: (list(arrays), {})))  # fmt: skip


@st.composite
def traceable(draw):
    shape = draw(shapes(min_dims=2))
    a, b = draw(st.permutations(range(len(shape))))[:2]
    return [draw(values(shape))], {"offset": draw(st.integers(-3, 3)), "axis1": a, "axis2": b - len(shape)}


def torch_trace(x, offset, axis1, axis2):
    rows, columns = x.shape[axis1], x.shape[axis2]
    inside = -rows <= offset <= columns
    return x.diagonal(offset if inside else columns, axis1, axis2).sum(-1)


case("trace", np.trace, torch_trace, traceable())

# ----------------------------------------------------------------------------------------- neural


@st.composite
def layers(draw, bias=True):
    batch = draw(shapes(max_dims=2))
    n, m = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    arrays = [draw(values((*batch, n), 0, -2, 2)), draw(values((m, n), 1, -2, 2))]
    return arrays + ([draw(values((m,), 2))] if bias else []), {}


case("linear", linear, torch.nn.functional.linear, layers(), orders=2)
case("linear without bias", lambda x, w: linear(x, w), torch.nn.functional.linear, layers(bias=False), linear)


@st.composite
def rows(draw):
    shape = draw(shapes(min_dims=1, min_side=1))
    return [draw(values(shape, low=-3, high=3))], {"axis": draw(st.integers(-len(shape), len(shape) - 1))}


case("softmax", tt.softmax, lambda x, axis: torch.softmax(x, axis), rows())
case("log_softmax", tt.log_softmax, lambda x, axis: torch.log_softmax(x, axis), rows())


@st.composite
def labelled(draw):
    n, classes = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    labels = draw(hnp.arrays(np.int64, (n,), elements=st.integers(0, classes - 1)))
    return [draw(values((n, classes)))], {"labels": labels, "reduction": draw(st.sampled_from(["mean", "sum", "none"]))}


case("cross entropy of labels", lambda x, labels, reduction: nll(x, tt.log_softmax(x), labels, reduction=reduction),
     lambda x, labels, reduction: torch.nn.functional.cross_entropy(x, torch.from_numpy(labels), reduction=reduction),
     labelled(), nll)  # fmt: skip


@st.composite
def targeted(draw):
    n, classes = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    arrays = [draw(values((n, classes))), draw(values((n, classes), 1, 0, 1))]
    return arrays, {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))}


case("cross entropy of probabilities", lambda x, p, reduction: nll(x, tt.log_softmax(x), p, reduction=reduction),
     lambda x, p, reduction: torch.nn.functional.cross_entropy(x, p, reduction=reduction), targeted(), nll)  # fmt: skip
