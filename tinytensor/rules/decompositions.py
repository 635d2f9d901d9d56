"""Linear algebra of square matrices and decompositions: inverse, solve, determinant, Cholesky, QR, eigh, SVD.

A function that reads one triangle of a symmetric matrix (eigh, Cholesky) has a *symmetric* gradient,
as in PyTorch: it is that of the function of (a + aᵀ) / 2. Where eigenvalues (or singular values)
coincide, vectors have no derivative: nan, as in PyTorch; the values alone have one, and it is right.
This file knows neither batches (leading axes ride along) nor what a user calls. Read next:
``rules/neural.py``.
"""

import numpy as np

from ..decompositions import (
    cofactors,
    eigh,
    eigh_shapes,
    lstsq,
    qr,
    qr_shapes,
    slogdet,
    svd,
    svd_shapes,
    unpack,
)  # fmt: skip
from ..primitives import index, scatter
from .linalg import matmul_spread
from .table import PLAIN, rule


def mT(x):
    """The transposed matrices."""
    return np.swapaxes(x, -1, -2)


def scaled(g, matrix):
    """One number for each matrix, times the matrix."""
    return np.expand_dims(g, (-2, -1)) * matrix


def columns(x, weights):
    """Each column of the matrices times its weight: x diag(weights)."""
    return x * np.expand_dims(weights, -2)


# ----------------------------------------------------------------------- inverse, solve, determinant

rule(np.linalg.inv, lambda g, out, a: -np.matmul(np.matmul(mT(out), g), mT(out)))


def solve_right(g, out, a, b):
    """A⁻ᵀ G; a 1-D b is one column for each matrix."""
    if np.ndim(b) == 1:
        return np.squeeze(np.linalg.solve(mT(a), np.expand_dims(g, -1)), -1)
    return np.linalg.solve(mT(a), g)


def solve_left(g, out, a, b):
    """-A⁻ᵀ G Xᵀ."""
    g = solve_right(g, out, a, b)
    if np.ndim(b) == 1:
        return -np.expand_dims(g, -1) * np.expand_dims(out, -2)
    return -np.matmul(g, mT(out))


rule(np.linalg.solve, solve_left, solve_right, spread=matmul_spread)
rule(np.linalg.det, lambda g, out, a: scaled(g, cofactors(a)))


def cofactors_rule(g, out, a):
    """<G, C> A⁻ᵀ - C Gᵀ A⁻ᵀ, with the cofactors C; near singular matrices, by the cofactors of the minors."""
    n = np.shape(a)[-1]
    if n < 2:  # the cofactor of a number is 1
        return np.zeros_like(a)
    # The two terms cancel, so the first way loses the square of the condition number: here half of the digits at most.
    if np.all(np.linalg.matrix_rank(a, rtol=float(np.finfo(a.dtype).eps) ** 0.25) == n):
        inverse = mT(np.linalg.inv(a))
        return np.sum(g * out, axis=(-2, -1), keepdims=True) * inverse - np.matmul(np.matmul(out, mT(g)), inverse)
    others = np.array([[k for k in range(n) if k != i] for i in range(n)])  # the rows that row i leaves
    minors = (..., others[:, None, :, None], others[None, :, None, :])
    signs = np.where(np.add.outer(np.arange(n), np.arange(n)) % 2, -1, 1).astype(a.dtype)
    return scatter(scaled(g * signs, cofactors(index(a, minors))), minors, np.shape(a))


def slogdet_rule(g, out, a):
    """A⁻ᵀ for the logarithm; the sign is constant."""
    if np.any(index(out, (..., 0)) == 0):
        raise np.linalg.LinAlgError(f"slogdet({np.shape(a)}): log|det| has no gradient at a singular matrix")
    return scaled(index(g, (..., 1)), mT(np.linalg.inv(a)))


rule(cofactors, cofactors_rule, forward=cofactors.forward)
rule(slogdet, slogdet_rule, forward=slogdet.forward)

# ---------------------------------------------------------------------- pseudo-inverse, least squares


def pinv_rule(g, out, a, rcond=None, *, rtol=None):
    """-Pᵀ G Pᵀ + Pᵀ P Gᵀ (1 - P A) + (1 - A P) Gᵀ P Pᵀ, at a rank that stays what it is."""
    left = np.matmul(np.matmul(mT(out), out), mT(g))
    right = np.matmul(np.matmul(mT(g), out), mT(out))
    inner = np.matmul(np.matmul(mT(out), g), mT(out))
    return left - np.matmul(np.matmul(left, out), a) + right - np.matmul(a, np.matmul(out, right)) - inner


def lstsq_left(g, out, a, b, rcond=None):
    """X = P B, so the gradient of the pseudo-inverse P is G Bᵀ."""
    g = np.expand_dims(g, -1) * b if np.ndim(b) == 1 else np.matmul(g, mT(b))
    return pinv_rule(g, np.linalg.pinv(a, 0.0), a)


rule(np.linalg.pinv, pinv_rule)
rule(lstsq, lstsq_left,
            lambda g, out, a, b, rcond=None: np.matmul(mT(np.linalg.pinv(a, 0.0)), g), forward=lstsq.forward)

# ------------------------------------------------------------------------------------- Cholesky, QR


def halved(n, dtype):
    """A mask that keeps the lower triangle and half of the diagonal."""
    return (np.tril(np.ones((n, n))) - 0.5 * np.eye(n)).astype(dtype)


def cholesky_rule(g, out, a):
    """Sym(L⁻ᵀ Φ(Lᵀ G) L⁻¹): Φ keeps the lower triangle and half of the diagonal."""
    inner = np.matmul(mT(out), g) * halved(np.shape(a)[-1], g.dtype)
    part = mT(np.linalg.solve(mT(out), mT(np.linalg.solve(mT(out), inner))))
    return (part + mT(part)) / 2


def qr_rule(g, out, a):
    """(Gq + Q M) R⁻ᵀ, where M is R Grᵀ - Gqᵀ Q with its lower triangle reflected upward."""
    (q, r), (gq, gr) = unpack(out, *qr_shapes(a)), unpack(g, *qr_shapes(a))
    middle = (np.matmul(r, mT(gr)) - np.matmul(mT(gq), q)) * halved(np.shape(a)[-1], g.dtype)
    return mT(np.linalg.solve(r, mT(gq + np.matmul(q, middle + mT(middle)))))


rule(np.linalg.cholesky, cholesky_rule)
rule(qr, qr_rule, forward=qr.forward)

# --------------------------------------------------------------------------------------- eigh, SVD


def one_over(gaps, vectors, diagonal):
    """1 / gap; at a gap of 0, nan where `vectors` have a gradient (they have no derivative), else 0.

    `diagonal` marks what is no gap at all, but a value less itself.
    """
    closed = gaps == 0
    used = np.any([np.any(v != 0, axis=(-2, -1), keepdims=True) for v in vectors], axis=0)
    lost = closed & used & np.logical_not(diagonal)
    return np.where(lost, np.nan, 1 / np.where(closed, np.inf, gaps))


def eigh_rule(g, out, a, UPLO="L"):
    """V (diag(Gw) + skew(Vᵀ Gv) / (wj - wi)) Vᵀ."""
    (w, v), (gw, gv) = unpack(out, *eigh_shapes(a)), unpack(g, *eigh_shapes(a))
    eye = np.eye(np.shape(a)[-1], dtype=bool)
    turned = np.matmul(mT(v), gv)
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    turned = (turned - mT(turned)) / 2 * one_over(gaps, [gv], eye)
    return np.matmul(columns(v, gw) + np.matmul(v, turned), mT(v))


def svd_rule(g, out, a):
    """U (diag(Gs) + skew(Uᵀ Gu) / E S + S skew(Vᵀ Gv) / E) Vᵀ, E = sj² - si², and what leaves the spans."""
    (u, s, vh), (gu, gs, gvh) = unpack(out, *svd_shapes(a)), unpack(g, *svd_shapes(a))
    m, n = np.shape(a)[-2:]
    eye = np.eye(min(m, n), dtype=bool)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    inverse_gaps = one_over((row - column) * (row + column), [gu, gvh], eye)
    uu, vv = np.matmul(mT(u), gu), np.matmul(vh, mT(gvh))
    core = (uu - mT(uu)) * inverse_gaps * row + column * (vv - mT(vv)) * inverse_gaps + eye * np.expand_dims(gs, -2)
    part = np.matmul(np.matmul(u, core), vh)
    if m > n:
        part = part + np.matmul((gu - np.matmul(u, uu)) * one_over(row, [gu], False), vh)
    if n > m:
        part = part + np.matmul(u, (gvh - np.matmul(mT(vv), vh)) * one_over(column, [gvh], False))
    return part


rule(eigh, eigh_rule, forward=eigh.forward)
rule(svd, svd_rule, forward=svd.forward)

# -------------------------------------------------------------------- no gradient: plain arrays

PLAIN.update({np.linalg.matrix_rank})
