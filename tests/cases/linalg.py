"""Cases: linalg."""

from __future__ import annotations

import functools
import itertools

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


@st.composite
def with_vectors(draw, signature):
    drawn = hnp.mutually_broadcastable_shapes(signature=signature, max_dims=2, max_side=3, min_side=0)
    return [draw(values(s, k, -2, 2)) for k, s in enumerate(draw(drawn).input_shapes)], {}


case("inner", np.inner, lambda x, y: torch.tensordot(x, y, dims=([-1], [-1])),
     st.tuples(*(st.integers(0, 3),) * 3, st.booleans()).flatmap(
         lambda n: st.tuples(values((n[0], n[1]), 0, -2, 2), values((n[1],) if n[3] else (n[2], n[1]), 1, -2, 2)))
     .map(lambda arrays: (list(arrays), {})))  # fmt: skip
case("inner with a number", lambda x: np.inner(x, 2.0), lambda x: x * 2, unary(), np.inner)
case("vdot", np.vdot, lambda x, y: x.ravel() @ y.ravel(),
     shapes(max_dims=2).flatmap(lambda s: st.tuples(values(s, 0), values(s[::-1], 1)))
     .map(lambda arrays: (list(arrays), {})))  # fmt: skip
case("vecdot", np.vecdot, lambda x, y: (x * y).sum(-1), with_vectors("(n),(n)->()"))
case("vecdot along an axis", lambda x, y: np.vecdot(x, y, axis=-2), lambda x, y: (x * y).sum(-2),
     with_vectors("(n,k),(n,k)->(k)"), np.vecdot)  # fmt: skip
case("linalg.vecdot", lambda x, y: np.linalg.vecdot(x, y, axis=0), lambda x, y: (x * y).sum(0),
     shapes(min_dims=1).flatmap(lambda s: st.tuples(values(s, 0), values(s, 1))).map(lambda a: (list(a), {})),
     np.linalg.vecdot)  # fmt: skip
if hasattr(np, "matvec"):
    case("matvec", np.matvec, lambda x, y: (x @ y[..., None])[..., 0], with_vectors("(m,n),(n)->(m)"))
    case("vecmat", np.vecmat, lambda x, y: (x[..., None, :] @ y)[..., 0, :], with_vectors("(n),(n,m)->(m)"))


@st.composite
def crossed(draw, plane=False):
    drawn = draw(broadcastable(2, max_dims=2))
    sizes = draw(st.sampled_from([(2, 2), (2, 3), (3, 2)])) if plane else (3, 3)
    axes = [draw(st.integers(-len(s) - 1, len(s))) for s in drawn]
    moved = [np.moveaxis(np.zeros((*s, n)), -1, k).shape for s, n, k in zip(drawn, sizes, axes, strict=True)]
    ndim = len(np.broadcast_shapes(*drawn))
    return [draw(values(s, k)) for k, s in enumerate(moved)], {
        "axisa": axes[0], "axisb": axes[1], "axisc": draw(st.integers(-ndim - 1, ndim)),
    }  # fmt: skip


def torch_cross(x, y, axisa, axisb, axisc):
    x, y = x.moveaxis(axisa, -1), y.moveaxis(axisb, -1)
    plane = x.shape[-1] == y.shape[-1] == 2
    x, y = (v if v.shape[-1] == 3 else torch.cat([v, torch.zeros_like(v[..., :1])], -1) for v in (x, y))
    out = torch.linalg.cross(*torch.broadcast_tensors(x, y))
    return out[..., 2] if plane else out.moveaxis(-1, axisc)


case("cross", np.cross, torch_cross, crossed())
case("cross in the plane", np.cross, torch_cross, crossed(plane=True), np.cross)
case("linalg.cross", lambda x, y: np.linalg.cross(x, y, axis=0), lambda x, y: torch.linalg.cross(x, y, dim=0),
     st.tuples(values((3, 2), 0), values((3, 2), 1)).map(lambda arrays: (list(arrays), {})), np.linalg.cross)  # fmt: skip


@st.composite
def chains(draw):
    sides = draw(st.lists(st.integers(0, 3), min_size=3, max_size=6))
    arrays = [draw(values((m, n), k % 3, -2, 2)) for k, (m, n) in enumerate(itertools.pairwise(sides))]
    if draw(st.booleans()):
        arrays[0] = draw(values(arrays[0].shape[1:], 0, -2, 2))
    if draw(st.booleans()):
        arrays[-1] = draw(values(arrays[-1].shape[:1], 1, -2, 2))
    return arrays, {}


case("multi_dot", lambda *xs: np.linalg.multi_dot(xs), lambda *xs: functools.reduce(torch.matmul, xs), chains(),
     np.linalg.multi_dot, orders=2)  # fmt: skip


@st.composite
def powered(draw):
    n = draw(st.integers(0, 3))
    array = draw(values((*draw(shapes(max_dims=2, max_side=2)), n, n), 0, -1, 1)) + 3 * np.eye(n)
    return [array], {"n": draw(st.sampled_from([1, 2, 3, 5, 6, -1, -2, -3]))}


case("matrix_power", np.linalg.matrix_power, lambda x, n: torch.linalg.matrix_power(x, n), powered())

# ------------------------------------------------------------------------------- the names of np.linalg

two_matrices = st.tuples(*(st.integers(0, 3),) * 3).flatmap(
    lambda n: st.tuples(values(n[:2], 0, -2, 2), values(n[1:], 1, -2, 2))
)
two_vectors = st.tuples(values((2,), 0), values((3,), 1))
case("linalg.matmul", np.linalg.matmul, torch.matmul, two_matrices.map(lambda arrays: (list(arrays), {})))
case("linalg.tensordot", lambda x, y: np.linalg.tensordot(x, y, axes=1), torch.matmul,
     two_matrices.map(lambda arrays: (list(arrays), {})), np.linalg.tensordot)  # fmt: skip
case("linalg.outer", np.linalg.outer, torch.outer, two_vectors.map(lambda arrays: (list(arrays), {})))
stacked = st.tuples(shapes(min_dims=2).flatmap(values), st.integers(-1, 1))
stacked = stacked.map(lambda drawn: ([drawn[0]], {"offset": drawn[1]}))
case("linalg.trace", np.linalg.trace, lambda x, offset: torch_trace(x, offset, -2, -1), stacked)
case("linalg.diagonal", np.linalg.diagonal, lambda x, offset: x.diagonal(offset, -2, -1),
     stacked.filter(lambda drawn: min(drawn[0][0].shape[-2:]) > 0))  # fmt: skip
