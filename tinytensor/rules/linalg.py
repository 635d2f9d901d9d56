"""Linear algebra: products over an axis, and the norm.

A matrix product's core axes (the last two) are treated as they are; its batch axes broadcast, and
the engine sums those. Read next: ``rules/decompositions.py``.
"""

import numpy as np

from ..primitives import contract
from .reductions import restore
from .table import rule


def matmul_left(g, out, x, y):
    """G Yᵀ. A 1-D operand is a matrix with one row (left) or one column (right)."""
    if np.ndim(y) == 1:
        return np.expand_dims(g, -1) * y
    if np.ndim(x) == 1:
        return np.squeeze(np.matmul(y, np.expand_dims(g, -1)), -1)
    return np.matmul(g, np.swapaxes(y, -1, -2))


def matmul_right(g, out, x, y):
    """Xᵀ G."""
    if np.ndim(x) == 1:
        column = np.expand_dims(x, -1)
        return column * np.expand_dims(g, -2) if np.ndim(y) > 1 else x * g
    if np.ndim(y) == 1:
        return np.squeeze(np.matmul(np.swapaxes(x, -1, -2), np.expand_dims(g, -1)), -1)
    return np.matmul(np.swapaxes(x, -1, -2), g)


def matmul_spread(position, out, x, y):
    """The batch axes were broadcast; the core axes were not."""
    operand = np.shape((x, y)[position])
    return (*np.broadcast_shapes(np.shape(x)[:-2], np.shape(y)[:-2]), *operand[-2:])


rule(np.matmul, matmul_left, matmul_right, spread=matmul_spread)


# ------------------------------------------------- products with vectors: the last axis of one is a vector


def cores(*counts):
    """The spread of a function that broadcasts batches, for operands with so many core axes each."""

    def spread(position, out, x1, x2):
        shapes = np.shape(x1), np.shape(x2)
        batches = [shape[:len(shape) - count] for shape, count in zip(shapes, counts, strict=True)]
        return (*np.broadcast_shapes(*batches), *shapes[position][len(batches[position]):])

    return spread


rule(np.vecdot, lambda g, out, x1, x2: np.expand_dims(g, -1) * x2,
                lambda g, out, x1, x2: np.expand_dims(g, -1) * x1, spread=cores(1, 1))

if hasattr(np, "matvec"):  # NumPy 2.2
    rule(np.matvec, lambda g, out, x1, x2: np.expand_dims(g, -1) * np.expand_dims(x2, -2),
                    lambda g, out, x1, x2: np.vecmat(g, x1), spread=cores(2, 1))
    rule(np.vecmat, lambda g, out, x1, x2: np.matvec(x2, g),
                    lambda g, out, x1, x2: np.expand_dims(x1, -1) * np.expand_dims(g, -2), spread=cores(1, 2))

# ------------------------------------------------------------------------------- sums of products, norms


def contract_rule(g, out, subscripts, arrays, optimize=False, *, i):
    """The same sum with the output in place of operand i: its letters all stand in some other term."""
    terms, result = subscripts.split("->")
    terms = terms.split(",")
    others = [result, *terms[:i], *terms[i + 1 :]]
    return contract(f"{','.join(others)}->{terms[i]}", [g, *arrays[:i], *arrays[i + 1 :]], optimize=optimize)


rule(contract, None, contract_rule, forward=contract.forward)


def norm_rule(g, out, x, ord=None, axis=None, keepdims=False):
    """x / |x|, and for a p-norm sign(x) (|x| / norm)^(p-1); 0 where the norm is 0, and has its kink.

    Below p = 1 the slope at an element of 0 is infinite; 0 by convention.
    """
    out, g = restore(out, x, axis), restore(g, x, axis)
    kink = out == 0
    g, out = np.where(kink, 0, g), np.where(kink, 1, out)
    if ord is None:
        return g * x / out
    size = np.where(x == 0, 1, np.abs(x))
    return g * np.sign(x) * (size / out) ** (ord - 1)


rule(np.linalg.norm, norm_rule)
