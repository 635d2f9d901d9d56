"""Shapes: the elements stay what they are, so each gradient travels back to where its element was.

Read next: ``rules/linalg.py``.
"""

import numpy as np

from ..primitives import index, scatter
from .table import PLAIN, rule

back = lambda g, a: np.reshape(g, np.shape(a))  # noqa: E731  # reads like the rules below

rule(np.reshape, lambda g, out, a, shape=None, order="C": np.reshape(g, np.shape(a), order=order))
rule(np.ravel, lambda g, out, a, order="C": np.reshape(g, np.shape(a), order=order))
rule(np.expand_dims, lambda g, out, a, axis: back(g, a))
rule(np.squeeze, lambda g, out, a, axis=None: back(g, a))
rule(np.transpose, lambda g, out, a, axes=None:
     np.transpose(g, None if axes is None else np.argsort([k % len(axes) for k in axes])))
rule(np.swapaxes, lambda g, out, a, axis1, axis2: np.swapaxes(g, axis1, axis2))
rule(np.moveaxis, lambda g, out, a, source, destination: np.moveaxis(g, destination, source))
rule(np.flip, lambda g, out, m, axis=None: np.flip(g, axis))
rule(np.roll, lambda g, out, a, shift, axis=None: np.roll(g, np.negative(shift), axis))
rule(np.copy, lambda g, out, a, order="K": g)

# A 1-D array is broadcast to the rows of a square.
rule(np.tril, lambda g, out, m, k=0: np.tril(g, k), spread=lambda position, out, m, k=0: np.shape(out))
rule(np.triu, lambda g, out, m, k=0: np.triu(g, k), spread=lambda position, out, m, k=0: np.shape(out))

# Forward copies, so backward sums: the engine's one reduction does it, as for every broadcast.
rule(np.broadcast_to, lambda g, out, array, shape: g,
     spread=lambda position, out, array, shape: tuple(np.shape(out)))

rule(index, lambda g, out, x, key: scatter(g, key, np.shape(x)), forward=index.forward)
rule(scatter, lambda g, out, a, key, shape: index(g, key), forward=scatter.forward)


def concatenate_rule(g, out, arrays, axis=0, *, i):
    """The slice of g that came from array i."""
    if axis is None:  # the arrays were flattened first
        start = sum(np.size(a) for a in arrays[:i])
        return np.reshape(index(g, slice(start, start + np.size(arrays[i]))), np.shape(arrays[i]))
    start = sum(np.shape(a)[axis] for a in arrays[:i])
    return index(g, (slice(None),) * (axis % np.ndim(g)) + (slice(start, start + np.shape(arrays[i])[axis]),))


rule(np.concatenate, concatenate_rule)
rule(np.stack, lambda g, out, arrays, axis=0, *, i: index(g, (slice(None),) * (axis % np.ndim(g)) + (i,)))


def pad_rule(g, out, array, pad_width, mode="constant", *, constant_values=0):
    """The part of g that lies inside the padding."""
    before = np.broadcast_to(pad_width, (np.ndim(array), 2))[:, 0]
    return index(g, tuple(slice(int(b), int(b) + n) for b, n in zip(before, np.shape(array), strict=True)))


rule(np.pad, pad_rule)

# -------------------------------------------------------------------- no gradient: plain answers

PLAIN.update({np.shape, np.ndim, np.size, np.result_type, np.may_share_memory, np.shares_memory,
              np.array_repr, np.array_str, np.array2string})  # fmt: skip
