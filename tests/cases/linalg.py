"""Cases: linalg."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinytensor.primitives import contract

from ..strategies import broadcastable, shapes, values
from .base import case
from .elementwise import unary


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
