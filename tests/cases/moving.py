"""Cases: turns, copies, diagonals, paddings."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st

from ..strategies import shapes, values
from .base import case
from .elementwise import unary
from .shapes import two_axes


@st.composite
def rolled(draw):
    shape = draw(shapes(min_dims=1))
    if draw(st.booleans()):
        return [draw(values(shape))], {"shift": draw(st.integers(-4, 4)), "axis": None}
    axes = draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=3))
    shift = tuple(draw(st.integers(-4, 4)) for _ in axes)
    return [draw(values(shape))], {"shift": shift, "axis": tuple(axes)}


case("roll", lambda x, shift, axis: np.roll(x, shift, axis),
     lambda x, shift, axis: torch.roll(x, shift, axis) if x.numel() else x * 1, rolled(), np.roll)  # fmt: skip


@st.composite
def turned(draw):
    shape = draw(shapes(min_dims=2))
    axes = tuple(draw(st.permutations(range(len(shape))))[:2])
    return [draw(values(shape))], {"k": draw(st.integers(-5, 5)), "axes": axes}


def reverse(x):
    return x.permute(tuple(reversed(range(x.ndim))))


matrices = shapes(min_dims=2).flatmap(values).map(lambda a: ([a], {}))
case("rot90", lambda x, k, axes: np.rot90(x, k, axes), lambda x, k, axes: torch.rot90(x, k, axes), turned(), np.rot90)
case("fliplr", np.fliplr, torch.fliplr, matrices)
case("flipud", np.flipud, torch.flipud, matrices)
case("rollaxis", lambda x, a, b: np.rollaxis(x, a, b), lambda x, a, b: x.movedim(a, b % x.ndim - (b % x.ndim > a % x.ndim)),
     two_axes(), np.rollaxis)  # fmt: skip
case("ravel by columns", lambda x: np.ravel(x, order="F"), lambda x: reverse(x).ravel(), unary(), np.ravel)
case("reshape by columns", lambda x: np.reshape(x, x.shape[::-1], order="F"),
     lambda x: reverse(reverse(x).ravel().reshape(x.shape)), unary(), np.reshape)  # fmt: skip
case("copy", np.copy, torch.clone, unary())
case("astype function", lambda x: np.sin(np.astype(x, x.dtype)), torch.sin, unary(), np.astype)
case("full_like", lambda x, v: x * np.full_like(x, v), lambda x, v: x * v,
     shapes().flatmap(lambda s: st.tuples(values(s, 0), values((), 1))).map(lambda a: (list(a), {})), np.full_like)  # fmt: skip
case("empty_like", lambda x: x + np.where(True, 1, np.empty_like(x)), lambda x: x + 1, unary(), np.empty_like)


@st.composite
def tiled(draw):
    shape = draw(shapes(max_dims=2))
    return [draw(values(shape))], {"reps": tuple(draw(st.lists(st.integers(0, 3), max_size=3)))}


case("tile", lambda x, reps: np.tile(x, reps), lambda x, reps: torch.tile(x, reps), tiled(), np.tile)


@st.composite
def triangle(draw, min_dims=2, max_dims=3):
    return [draw(values(draw(shapes(min_dims=min_dims, max_dims=max_dims))))], {"k": draw(st.integers(-4, 4))}


def torch_diag(v, k):
    return v.diagonal(min(max(k, -v.shape[0]), v.shape[1])) if v.ndim == 2 else torch.diag(v, k)


def torch_diagonal(x, offset, axis1, axis2):
    return x.diagonal(min(max(offset, -x.shape[axis1]), x.shape[axis2]), axis1, axis2)


@st.composite
def with_diagonals(draw):
    shape = draw(shapes(min_dims=2))
    a, b = draw(st.permutations(range(len(shape))))[:2]
    return [draw(values(shape))], {"offset": draw(st.integers(-4, 4)), "axis1": a, "axis2": b - len(shape)}


case("tril", np.tril, lambda x, k: torch.tril(x, k), triangle())
case("triu", np.triu, lambda x, k: torch.triu(x, k), triangle())
case("tril of a row", np.tril, lambda x, k: torch.tril(x.expand(len(x), len(x)), k), triangle(1, 1), np.tril)
case("triu of a row", np.triu, lambda x, k: torch.triu(x.expand(len(x), len(x)), k), triangle(1, 1), np.triu)
case("diagonal", np.diagonal, torch_diagonal, with_diagonals())
case("linalg.diagonal", lambda x, k: np.linalg.diagonal(x, offset=k),
     lambda x, k: torch_diagonal(x, k, -2, -1), triangle(), np.linalg.diagonal)  # fmt: skip
case("diag", np.diag, torch_diag, triangle(1, 2))
case("diagflat", np.diagflat, lambda x, k: torch.diag(x.ravel(), k), triangle(0, 3))
case("kron", np.kron, torch.kron,
     st.tuples(shapes(max_dims=2), shapes()).flatmap(lambda s: st.tuples(values(s[0], 0, -2, 2), values(s[1], 1, -2, 2)))
     .map(lambda a: (list(a), {})))  # fmt: skip


@st.composite
def powers(draw):
    options = {"N": draw(st.none() | st.integers(0, 4)), "increasing": draw(st.booleans())}
    return [draw(values((draw(st.integers(0, 3)),), low=-2, high=2))], options


def torch_vander(x, N, increasing):
    count = len(x) if N is None else N
    columns = [x**k for k in range(count)][:: 1 if increasing else -1]
    return torch.stack(columns, -1) if count else x[:, None][:, :0]


case("vander", np.vander, torch_vander, powers())


@st.composite
def padded_with_itself(draw):
    mode = draw(st.sampled_from(["edge", "reflect", "symmetric", "wrap"]))
    shape = draw(shapes(min_dims=1, min_side=1))
    pairs = [(draw(st.integers(0, 4)), draw(st.integers(0, 4))) for _ in shape]
    return [draw(values(shape))], {"pairs": pairs, "mode": mode}


def torch_pad(x, pairs, mode):
    """One axis after the other, by the positions that NumPy pads with."""
    for axis, pair in enumerate(pairs):
        x = x.index_select(axis, torch.from_numpy(np.pad(np.arange(x.shape[axis]), pair, mode)))
    return x


case("pad with itself", lambda x, pairs, mode: np.pad(x, pairs, mode), torch_pad, padded_with_itself(), np.pad)
