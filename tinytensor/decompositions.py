"""Primitives of linear algebra that NumPy has not as one array: decompositions packed, and cofactors.

A node of the graph has one output, and a decomposition has several. So each is a primitive that
packs its outputs into one array, side by side along the last axis; `unpack` cuts them apart again
with indexing and reshaping, which have gradients. What is told of shapes here is all that this file
knows; the derivatives stand in ``rules/decompositions.py``, and what a user calls in
``functional/decompositions.py``. Read next: ``rules/decompositions.py``.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from .primitive import primitive
from .primitives import index

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def pack(batch: Shape, *parts: Array) -> Array:
    """Arrays with the same batch axes as one, their other axes flattened and side by side.

    Examples
    --------
    >>> pack((2,), np.ones((2, 3)), np.zeros((2, 2, 2))).shape
    (2, 7)
    """
    return np.concatenate([np.reshape(p, (*batch, math.prod(p.shape[len(batch) :]))) for p in parts], axis=-1)


def unpack(packed: Any, *cores: Shape) -> list[Any]:
    """The parts of a packed array (or tensor), each with its own shape after the batch axes.

    Examples
    --------
    >>> [part.shape for part in unpack(np.ones((2, 7)), (3,), (2, 2))]
    [(2, 3), (2, 2, 2)]
    """
    batch, parts, start = np.shape(packed)[:-1], [], 0
    for core in cores:
        stop = start + math.prod(core)
        parts.append(np.reshape(index(packed, (..., slice(start, stop))), (*batch, *core)))
        start = stop
    return parts


def slogdet_shapes(a: Any) -> tuple[Shape, ...]:
    """The shapes of the sign and the logarithm, without batch axes."""
    return (), ()


def eigh_shapes(a: Any) -> tuple[Shape, ...]:
    """The shapes of the eigenvalues and the eigenvectors, without batch axes."""
    n = np.shape(a)[-1]
    return (n,), (n, n)


def qr_shapes(a: Any) -> tuple[Shape, ...]:
    """The shapes of Q and R, without batch axes."""
    m, n = np.shape(a)[-2:]
    return (m, min(m, n)), (min(m, n), n)


def svd_shapes(a: Any) -> tuple[Shape, ...]:
    """The shapes of U, S and Vh, without batch axes."""
    m, n = np.shape(a)[-2:]
    return (m, min(m, n)), (min(m, n),), (min(m, n), n)


@primitive
def slogdet(a: Array) -> Array:
    """``np.linalg.slogdet``, packed: the sign and the logarithm of \\|det a\\|."""
    return np.stack(np.linalg.slogdet(a), axis=-1)


@primitive
def eigh(a: Array, UPLO: Literal["L", "U", "l", "u"] = "L") -> Array:
    """``np.linalg.eigh``, packed: the eigenvalues and the eigenvectors of a symmetric matrix."""
    return pack(np.shape(a)[:-2], *np.linalg.eigh(a, UPLO))


@primitive
def qr(a: Array) -> Array:
    """``np.linalg.qr``, reduced, of a matrix with no more columns than rows, packed: Q and R."""
    return pack(np.shape(a)[:-2], *np.linalg.qr(a))


@primitive
def svd(a: Array) -> Array:
    """``np.linalg.svd`` with ``full_matrices=False``, packed: U, S and Vh."""
    return pack(np.shape(a)[:-2], *np.linalg.svd(a, full_matrices=False))


@primitive
def lstsq(a: Array, b: Array, rcond: float | None = None) -> Array:
    """The solution that ``np.linalg.lstsq`` finds, alone."""
    return np.linalg.lstsq(a, b, rcond)[0]


@primitive
def cofactors(a: Array) -> Array:
    """The matrix of cofactors, which is the gradient of the determinant: det(a) a⁻ᵀ, also where a is singular.

    With a = U S Vᵀ it is det(U) det(V) U C Vᵀ, where C has the products of all *other* singular
    values on its diagonal. Nothing is divided, so singular matrices are no exception.

    Examples
    --------
    >>> cofactors(np.array([[1.0, 2.0], [2.0, 4.0]])).round(12)
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    u, s, vh = np.linalg.svd(a)
    others = np.where(np.eye(s.shape[-1], dtype=bool), s.dtype.type(1), s[..., None, :]).prod(axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (u * (sign[..., None] * others)[..., None, :]) @ vh
