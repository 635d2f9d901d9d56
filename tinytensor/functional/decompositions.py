"""Compositions over decompositions: what ``np.linalg`` returns several of, and the norms.

Each takes its parts out of a packed primitive. Gradients of functions of symmetric matrices are
symmetric. Vectors of equal eigenvalues or singular values have no derivative (nan); the values
have. Read next: ``einsum.py``.
"""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError

from .. import decompositions as packed
from ..engine import apply
from ..errors import wrong_call
from ..operators import as_array, holds
from ..primitives import index
from ..rules.table import Function, composed, name_of


class SlogdetResult(NamedTuple):
    """What ``np.linalg.slogdet`` returns."""

    sign: Any
    logabsdet: Any


class EighResult(NamedTuple):
    """What ``np.linalg.eigh`` returns."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """What ``np.linalg.qr`` returns."""

    Q: Any
    R: Any


class SVDResult(NamedTuple):
    """What ``np.linalg.svd`` returns."""

    U: Any
    S: Any
    Vh: Any


def _matrix(function: Function, a: Any) -> tuple[int, int]:
    """The shape of the matrices in the last two axes."""
    if np.ndim(a) < 2:
        raise LinAlgError(f"{name_of(function)}({np.shape(a)}): a matrix has two axes or more; reshape it first")
    rows, columns = np.shape(a)[-2:]
    return rows, columns


# ------------------------------------------------------------------------------------ decompositions


@composed(np.linalg.slogdet)
def slogdet(a: Any) -> SlogdetResult:
    """``np.linalg.slogdet``: the sign (constant) and the logarithm of the determinant."""
    return SlogdetResult(*packed.unpack(packed.slogdet(a), (), ()))


@composed(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """``np.linalg.cholesky``: L with a = L Lᵀ; with `upper`, U with a = Uᵀ U. The gradient is symmetric."""
    if not upper:
        return apply(np.linalg.cholesky, (a,))
    _matrix(np.linalg.cholesky, a)
    return np.swapaxes(apply(np.linalg.cholesky, (np.swapaxes(a, -1, -2),)), -1, -2)


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """``np.linalg.qr``: the reduced Q and R, or R alone with ``mode="r"``.

    The first columns, as many as there are rows, must be linearly independent.
    """
    if mode not in ("reduced", "r"):
        raise wrong_call(np.linalg.qr, f"mode={mode!r} has no rule; 'reduced' and 'r' have")
    rows, columns = _matrix(np.linalg.qr, a)
    square = index(a, (..., slice(rows))) if columns > rows else a
    q, r = packed.unpack(packed.qr(square), *packed.qr_shapes(square))
    if columns > rows:  # Q depends on the first columns alone
        r = np.concatenate([r, np.matmul(np.swapaxes(q, -1, -2), index(a, (..., slice(rows, None))))], axis=-1)
    return r if mode == "r" else QRResult(q, r)


@composed(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """``np.linalg.eigh``: the eigenvalues, rising, and the eigenvectors. The gradient is symmetric."""
    _matrix(np.linalg.eigh, a)
    return EighResult(*packed.unpack(packed.eigh(a, UPLO), *packed.eigh_shapes(a)))


@composed(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """``np.linalg.eigvalsh``: the eigenvalues alone; their gradient is right where they coincide, too."""
    return eigh(a, UPLO).eigenvalues


@composed(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """``np.linalg.svd``: U, S, Vh, or S alone. Full matrices of a square matrix only."""
    rows, columns = _matrix(np.linalg.svd, a)
    if hermitian:
        raise wrong_call(np.linalg.svd, "hermitian=True has no rule; np.linalg.eigh has")
    if compute_uv and full_matrices and rows != columns:
        raise wrong_call(
            np.linalg.svd, f"a matrix of shape {np.shape(a)} does not determine all vectors; give full_matrices=False"
        )
    u, s, vh = packed.unpack(packed.svd(a), *packed.svd_shapes(a))
    return SVDResult(u, s, vh) if compute_uv else s


@composed(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """``np.linalg.svdvals``: the singular values, falling; their gradient is right where they coincide, too."""
    return svd(x, compute_uv=False)


# --------------------------------------------------------------------------------- equations, conditions


@composed(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, int, Any]:
    """``np.linalg.lstsq``: the solution, the residuals, the rank and the singular values; full rank only."""
    rows, columns = _matrix(np.linalg.lstsq, a)
    x, s = packed.lstsq(a, b, rcond), svdvals(a)
    said = f"linalg.lstsq({np.shape(a)}, {np.shape(b)})"
    values = as_array(s)
    cutoff = np.finfo(values.dtype).eps * (max(rows, columns) if rcond is None else 1)
    rank = np.sum(values > values.max(initial=0) * (cutoff if rcond is None or rcond < 0 else rcond))
    if holds(rank < min(rows, columns), f"{said}: the solution has a derivative at full rank only"):
        raise LinAlgError(f"{said}: a has rank {rank}; the solution has a derivative at full rank only")
    rank = min(rows, columns)
    if rows <= columns:
        return x, np.zeros(0, values.dtype), rank, s
    missed = np.square(np.subtract(b, np.matmul(a, x)))
    return x, np.sum(missed, axis=0, keepdims=np.ndim(b) == 1), rank, s


@composed(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """``np.linalg.tensorinv``: the inverse of `a` as a matrix of its first `ind` axes by the others."""
    shape = np.shape(a)
    rows, columns = math.prod(shape[:ind]), math.prod(shape[ind:])
    if ind <= 0 or rows != columns:
        raise ValueError(f"linalg.tensorinv({shape}, ind={ind}): not square, {rows} by {columns}")
    return np.reshape(np.linalg.inv(np.reshape(a, (rows, columns))), (*shape[ind:], *shape[:ind]))


@composed(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """``np.linalg.tensorsolve``: x with ``tensordot(a, x, x.ndim) == b``; `axes` of `a` are moved to its end first."""
    given = f"linalg.tensorsolve({np.shape(a)}, {np.shape(b)})"
    if axes is not None:
        a = np.moveaxis(a, tuple(axes), tuple(range(-len(axes), 0)))
    shape, size = np.shape(a)[np.ndim(b) :], np.size(b)
    if np.size(a) != size**2 or math.prod(shape) != size:
        raise LinAlgError(f"{given}: not square")
    return np.reshape(np.linalg.solve(np.reshape(a, (size, size)), np.ravel(b)), shape)


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """``np.linalg.cond``: the largest singular value by the smallest, or ``norm(x, p) * norm(inv(x), p)``."""
    if 0 in _matrix(np.linalg.cond, x):
        raise LinAlgError(f"linalg.cond({np.shape(x)}): not defined on empty matrices")
    if p in (None, 2, -2):
        s = svdvals(x)
        largest, smallest = index(s, (..., 0)), index(s, (..., -1))
        with np.errstate(divide="ignore", invalid="ignore"):  # infinite for singular matrices
            return smallest / largest if p == -2 else largest / smallest
    return norm(x, p, (-2, -1)) * norm(np.linalg.inv(x), p, (-2, -1))


# ------------------------------------------------------------------------------------------------ norms


def _axes(function: Function, x: Any, axis: Any) -> tuple[int, ...]:
    """The axes named by None, an int or a tuple, from the left."""
    ndim = np.ndim(x)
    given = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(operator.index(k) for k in given)
    if any(not -ndim <= k < ndim for k in axes) or len({k % ndim for k in axes}) < len(axes):
        raise np.exceptions.AxisError(
            f"{name_of(function)}({np.shape(x)}): axis={axis} names no axes of it, or one twice"
        )
    return tuple(k % ndim for k in axes)


def _order(function: Function, ord: Any, words: tuple[str, ...] = ()) -> Any:
    """An order as a Python number, None or a word."""
    if ord is None or (isinstance(ord, str) and ord in words):
        return ord
    if isinstance(ord, (int, float, np.integer, np.floating)):
        return float(ord)
    raise ValueError(f"{name_of(function)}: ord={ord!r} is not an order of this norm")


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    """The norm of the vectors in one axis; its slope at 0 is 0, and ties share it."""
    if ord in (None, 2):
        return apply(np.linalg.norm, (x,), {"axis": (axis,), "keepdims": keepdims})
    if ord == 0:
        return np.sum(np.square(np.sign(x)), axis=axis, keepdims=keepdims)
    if ord == 1 or (ord == math.inf and np.shape(x)[axis] == 0):
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if math.isinf(ord):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    return apply(np.linalg.norm, (x,), {"ord": ord, "axis": (axis,), "keepdims": keepdims})


def _matrix_norm(function: Function, x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The norm of the matrices in two axes: by their elements, their sums, or their singular values."""
    if ord in (None, "fro", "f"):
        return apply(np.linalg.norm, (x,), {"axis": axes, "keepdims": keepdims})
    if ord in (1, -1, math.inf, -math.inf):
        summed, across = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(np.abs(x), axis=summed, keepdims=True)
        out = (np.max if ord > 0 else np.min)(sums, axis=across, keepdims=True)
        return out if keepdims else np.squeeze(out, axis=axes)
    if ord not in (2, -2, "nuc"):
        raise ValueError(f"{name_of(function)}: ord={ord!r} is not an order of a matrix norm")
    s = svdvals(np.moveaxis(x, axes, (-2, -1)))
    out = np.sum(s, axis=-1) if ord == "nuc" else (np.max if ord > 0 else np.min)(s, axis=-1)
    return np.expand_dims(out, axes) if keepdims else out


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """``np.linalg.norm``: vector norms (one axis) and matrix norms (two axes) of every order.

    The slope of a norm at 0 is 0, and a maximum shares it among the tied.
    """
    function = np.linalg.norm
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    axes = _axes(function, x, axis)
    ord = _order(function, ord, ("fro", "f", "nuc") if len(axes) == 2 else ())
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(function, x, ord, axes, keepdims)
    raise ValueError(f"linalg.norm({np.shape(x)}): expected one axis (vectors) or two (matrices), got {len(axes)}")


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``np.linalg.vector_norm``: the norm of all elements, or of those along any axes."""
    axes, ord = _axes(np.linalg.vector_norm, x, axis), _order(np.linalg.vector_norm, ord)
    kept = tuple(k for k in range(np.ndim(x)) if k not in axes)
    if len(axes) != 1:
        shape = np.shape(x)
        flat = np.reshape(np.transpose(x, kept + axes), (*(shape[k] for k in kept), math.prod(shape[k] for k in axes)))
        out = _vector_norm(flat, ord, len(kept), False)
        return np.expand_dims(out, axes) if keepdims else out
    return _vector_norm(x, ord, axes[0], keepdims)


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """``np.linalg.matrix_norm``: of the matrices in the last two axes."""
    _matrix(np.linalg.matrix_norm, x)
    ord = _order(np.linalg.matrix_norm, ord, ("fro", "f", "nuc"))
    return _matrix_norm(np.linalg.matrix_norm, x, ord, (np.ndim(x) - 2, np.ndim(x) - 1), keepdims)
