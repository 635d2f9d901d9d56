"""Linear algebra: products over an axis, and the norm.

A matrix product's core axes (the last two) are treated as they are; its batch axes broadcast, and
the engine sums those. Read next: ``rules/neural.py``.
"""

import numpy as np

from ..primitives import contract, index
from .reductions import restore
from .table import rule


def matmul_left(g, out, x, y):
    """G Yᵀ. A 1-D operand is a matrix with one row (left) or one column (right)."""
    if np.ndim(y) == 1:
        return np.expand_dims(g, -1) * y
    if np.ndim(x) == 1:
        return index(np.matmul(y, np.expand_dims(g, -1)), (..., 0))
    return np.matmul(g, np.swapaxes(y, -1, -2))


def matmul_right(g, out, x, y):
    """Xᵀ G."""
    if np.ndim(x) == 1:
        column = np.expand_dims(x, -1)
        return column * np.expand_dims(g, -2) if np.ndim(y) > 1 else x * g
    if np.ndim(y) == 1:
        return index(np.matmul(np.swapaxes(x, -1, -2), np.expand_dims(g, -1)), (..., 0))
    return np.matmul(np.swapaxes(x, -1, -2), g)


def matmul_spread(position, out, x, y):
    """The batch axes were broadcast; the core axes were not."""
    operand = np.shape((x, y)[position])
    return (*np.broadcast_shapes(np.shape(x)[:-2], np.shape(y)[:-2]), *operand[-2:])


rule(np.matmul, matmul_left, matmul_right, spread=matmul_spread)


def contract_rule(g, out, subscripts, arrays, optimize=False, *, i):
    """The same sum with the output in place of operand i: its letters all stand in some other term."""
    terms, result = subscripts.split("->")
    terms = terms.split(",")
    others = [result, *terms[:i], *terms[i + 1 :]]
    return contract(f"{','.join(others)}->{terms[i]}", [g, *arrays[:i], *arrays[i + 1 :]], optimize=optimize)


rule(contract, None, contract_rule, forward=contract.forward)


def norm_rule(g, out, x, ord=None, axis=None, keepdims=False):
    """x / |x|; 0 at 0, where the norm has its kink."""
    out, g = restore(out, x, axis, keepdims), restore(g, x, axis, keepdims)
    return np.where(out == 0, 0, g) * x / np.where(out == 0, 1, out)


rule(np.linalg.norm, norm_rule)
