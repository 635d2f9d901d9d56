"""Cases: decompositions, inverses, determinants and the norms made of singular values.

Matrices have a heavy diagonal of different values, so that they are invertible and their eigenvalues
apart. What is unique up to signs only (vectors, Q) is compared through functions that the signs
leave alone.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import strategies as st

from tinytensor import decompositions as packed

from ..strategies import shapes, values
from .base import case


def heavy(rows, columns):
    return 4.0 * np.eye(rows, columns) * np.arange(1, columns + 1)


@st.composite
def matrices(draw, operand=0, square=True, symmetric=False, min_side=0, max_side=3, batch=None):
    batch = draw(shapes(max_dims=2, max_side=2)) if batch is None else batch
    rows = draw(st.integers(min_side, max_side))
    columns = rows if square else draw(st.integers(min_side, max_side))
    small = draw(values((*batch, rows, columns), operand, -1, 1))
    if symmetric:
        small = (small + np.swapaxes(small, -1, -2)) / 2
    array = small + heavy(rows, columns)
    if square and not symmetric and rows and draw(st.booleans()):
        array[..., 0, :] *= -1  # determinants of both signs
    return array


def one(strategy, **options):
    return st.tuples(strategy, st.fixed_dictionaries(options)).map(lambda drawn: ([drawn[0]], drawn[1]))


def flat(module, *parts):
    """Several outputs as one, each with a weight of its own."""
    return module.concatenate([(k + 1) * p.reshape(-1) for k, p in enumerate(parts)])


def weights(x):
    return np.arange(1.0, x.shape[-1] + 1).astype(str(x.dtype).removeprefix("torch."))


def torch_weights(x):
    return torch.arange(1.0, x.shape[-1] + 1, dtype=x.dtype)


def symmetrized(x):
    return (x + x.mT) / 2


# ------------------------------------------------------------------------------- inverse, determinant

case("inv", np.linalg.inv, torch.linalg.inv, one(matrices()))
case("det", np.linalg.det, torch.linalg.det, one(matrices()), np.linalg.det, packed.cofactors)
case("slogdet", lambda x: flat(np, *np.linalg.slogdet(x)), lambda x: flat(torch, *torch.linalg.slogdet(x)),
     one(matrices()), np.linalg.slogdet, packed.slogdet)  # fmt: skip


def torch_cofactors(x):
    return torch.linalg.det(x)[..., None, None] * torch.linalg.inv(x).mT


case("cofactors", packed.cofactors, torch_cofactors, one(matrices()), orders=2)


@st.composite
def equations(draw, vector=False):
    batches = [draw(st.sampled_from([(), (2,), (1,), (3, 2), (0,)])) for _ in range(2)]
    if not _broadcast(*batches):
        batches[1] = batches[0]
    a = draw(matrices(batch=batches[0]))
    n = a.shape[-1]
    shape = (n,) if vector else (*batches[1], n, draw(st.integers(0, 3)))
    return [a, draw(values(shape, 1, -2, 2))], {}


def _broadcast(x, y):
    return all(m == n or 1 in (m, n) for m, n in zip(x[::-1], y[::-1], strict=False))


case("solve", np.linalg.solve, lambda a, b: torch.linalg.inv(a) @ b, equations())
case(
    "solve for a vector", np.linalg.solve, lambda a, b: torch.linalg.inv(a) @ b, equations(vector=True), np.linalg.solve
)
case("tensorinv", lambda x: np.linalg.tensorinv(x.reshape(2, 3, 3, 2), 2),
     lambda x: torch.linalg.tensorinv(x.reshape(2, 3, 3, 2), 2),
     one(matrices(min_side=6, max_side=6, batch=())), np.linalg.tensorinv)  # fmt: skip


@st.composite
def tensor_equations(draw):
    """A right-hand side of shape (2, 2), and an unknown of the same, or with its axes in front."""
    a = draw(matrices(min_side=4, max_side=4, batch=())).reshape(2, 2, 2, 2)
    return [a, draw(values((2, 2), 1))], {"axes": draw(st.sampled_from([None, (1, 3), (0, 2)]))}


def torch_tensorsolve(a, b, axes):
    order = [k for k in range(4) if k not in (axes or ())] + list(axes or ())
    return (torch.linalg.inv(a.permute(order).reshape(4, 4)) @ b.reshape(4)).reshape(2, 2)


def well_conditioned(drawn):
    (a, _), options = drawn
    order = [k for k in range(4) if k not in (options["axes"] or ())] + list(options["axes"] or ())
    return np.linalg.cond(a.transpose(order).reshape(4, 4)) < 50


case("tensorsolve", np.linalg.tensorsolve, torch_tensorsolve, tensor_equations().filter(well_conditioned))


# --------------------------------------------------------------------- pseudo-inverse, least squares

rectangular = matrices(square=False, min_side=1)
case("pinv", np.linalg.pinv, torch.linalg.pinv, one(matrices(square=False)))
case("pinv with rtol", lambda x: np.linalg.pinv(x, rtol=1e-10), torch.linalg.pinv, one(rectangular), np.linalg.pinv)


@st.composite
def regressions(draw):
    a = draw(matrices(square=False, min_side=1, max_side=4, batch=()))
    vector = draw(st.booleans())
    b = draw(values(a.shape[:1] if vector else (a.shape[0], draw(st.integers(1, 2))), 1, -2, 2))
    return [a, b], {}


def regression(a, b):
    x, residuals, rank, s = np.linalg.lstsq(a, b)
    assert rank == min(a.shape)
    return flat(np, x, residuals, s) if a.shape[0] > a.shape[1] else flat(np, x, s)


def torch_regression(a, b):
    x, s = torch.linalg.pinv(a) @ b, torch.linalg.svdvals(a)
    return flat(torch, x, ((b - a @ x) ** 2).sum(0), s) if a.shape[0] > a.shape[1] else flat(torch, x, s)


case("lstsq", regression, torch_regression, regressions(), np.linalg.lstsq, packed.lstsq, orders=2)

# --------------------------------------------------------------------------- Cholesky, QR, eigh, SVD

case("cholesky", lambda x, upper: np.linalg.cholesky(x, upper=upper),
     lambda x, upper: torch.linalg.cholesky(symmetrized(x), upper=upper),
     one(matrices(symmetric=True), upper=st.booleans()), np.linalg.cholesky)  # fmt: skip


def qr(x):
    q, r = np.linalg.qr(x)
    signs = np.sign(np.linalg.diagonal(r).data)
    return flat(np, q * signs[..., None, :], signs[..., :, None] * r, np.abs(np.linalg.qr(x, mode="r")))


def torch_qr(x):
    q, r = torch.linalg.qr(x)
    signs = torch.sign(r.diagonal(0, -2, -1).detach())
    return flat(torch, q * signs[..., None, :], signs[..., :, None] * r, r.abs())


case("qr", qr, torch_qr, one(matrices(square=False)), np.linalg.qr, packed.qr)


def eigh(x, UPLO):
    w, v = np.linalg.eigh(x, UPLO)
    return flat(np, w, v * weights(x) @ v.mT)


def torch_eigh(x, UPLO):
    w, v = torch.linalg.eigh(symmetrized(x))
    return flat(torch, w, v * torch_weights(x) @ v.mT)


triangle = st.sampled_from(["L", "U"])
case("eigh", eigh, torch_eigh, one(matrices(symmetric=True), UPLO=triangle), np.linalg.eigh, packed.eigh)
case("eigvalsh", np.linalg.eigvalsh, lambda x, UPLO: torch.linalg.eigvalsh(symmetrized(x)),
     one(matrices(symmetric=True), UPLO=triangle))  # fmt: skip


def svd(x):
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    k = weights(s)
    return flat(np, s, u * k @ vh, u * k @ u.mT, vh.mT * k @ vh)


def torch_svd(x):
    u, s, vh = torch.linalg.svd(x, full_matrices=False)
    k = torch_weights(s)
    return flat(torch, s, u * k @ vh, u * k @ u.mT, vh.mT * k @ vh)


case("svd", svd, torch_svd, one(matrices(square=False)), np.linalg.svd, packed.svd)
case("svd of the values", lambda x: np.linalg.svd(x, compute_uv=False), torch.linalg.svdvals,
     one(matrices(square=False)), np.linalg.svd)  # fmt: skip
case("svdvals", np.linalg.svdvals, torch.linalg.svdvals, one(matrices(square=False)))

# ------------------------------------------------------------------------------------ norms, conditions


@st.composite
def normed(draw, orders):
    array = draw(rectangular)
    axes = tuple(draw(st.permutations(range(array.ndim)))[:2])
    order = [k for k in range(array.ndim) if k not in axes] + list(axes)
    array = np.transpose(array, np.argsort(order))
    return [array], {"axis": axes, "ord": draw(st.sampled_from(orders)), "keepdims": draw(st.booleans())}


case("norm of singular values", np.linalg.norm,
     lambda x, axis, ord, keepdims: torch.linalg.matrix_norm(x, ord, axis, keepdims),
     normed([2, -2, "nuc"]).filter(lambda drawn: drawn[0][0].size), np.linalg.norm)  # fmt: skip
case("matrix_norm", np.linalg.matrix_norm, lambda x, ord, keepdims: torch.linalg.matrix_norm(x, ord, (-2, -1), keepdims),
     one(rectangular.filter(np.size), ord=st.sampled_from([2, "nuc", "fro", 1, -math.inf]),
         keepdims=st.booleans()))  # fmt: skip


@st.composite
def any_vectors(draw):
    shape = draw(shapes(min_dims=1, min_side=1))
    some = st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, unique_by=lambda k: k % len(shape))
    return [draw(values(shape, distinct=True))], {
        "axis": draw(st.none() | st.integers(0, len(shape) - 1) | some.map(tuple)),
        "ord": draw(st.sampled_from([2, 1, 0.5, 1.5, 3, -1, -2.0, math.inf, -math.inf])),
        "keepdims": draw(st.booleans()),
    }


case("vector_norm", np.linalg.vector_norm,
     lambda x, axis, ord, keepdims: torch.linalg.vector_norm(x, ord, axis, keepdims), any_vectors(),
     np.linalg.vector_norm, np.linalg.norm)  # fmt: skip


def torch_cond(x, p):
    if p in (None, 2, -2):
        s = torch.linalg.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return torch.linalg.matrix_norm(x, p) * torch.linalg.matrix_norm(
        torch.linalg.inv(x), p
    )  # its own cond writes in place


case("cond", np.linalg.cond, torch_cond,
     one(matrices(min_side=1).filter(np.size), p=st.sampled_from([None, 2, -2, 1, -1, "fro", "nuc", math.inf])))  # fmt: skip
