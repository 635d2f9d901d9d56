"""Reductions: the output has lost axes, so the gradient gets them back before it is spread out.

Forward sums, backward copies: the mirror of broadcasting, where forward copies and backward sums.
Read next: ``rules/shapes.py``.
"""

import math

import numpy as np

from ..fused import logsumexp
from ..primitives import index
from .table import PLAIN, rule


def restore(g, a, axis):
    """Give a reduction's result its lost axes back, with size 1, so that it broadcasts against `a`."""
    return np.reshape(g, kept_shape(np.shape(a), axis))


def kept_shape(shape, axis):
    """The shape after a reduction with ``keepdims=True``."""
    lost = axes_of(shape, axis)
    return tuple(1 if k in lost else size for k, size in enumerate(shape))


def axes_of(shape, axis):
    """The axes named by None, an int or a tuple, counted from the left."""
    given = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return {int(k) % len(shape) for k in given} if shape else set()


def count_along(shape, axis):
    """How many elements a reduction combines into one."""
    return math.prod(shape[k] for k in axes_of(shape, axis))


def spread_out(g, a, axis):
    """Copy a reduction's gradient to every element that was reduced."""
    return np.broadcast_to(restore(g, a, axis), np.shape(a))


rule(np.sum, lambda g, out, a, axis=None, dtype=None, *, keepdims=False: spread_out(g, a, axis))
rule(np.mean, lambda g, out, a, axis=None, dtype=None, *, keepdims=False:
     spread_out(g / max(count_along(np.shape(a), axis), 1), a, axis))


def logsumexp_rule(g, out, a, axis=None, keepdims=False):
    """g softmax(a); 0 where every element was -inf."""
    out = restore(out, a, axis)
    return restore(g, a, axis) * np.exp(a - np.where(out == -np.inf, 0, out))


rule(logsumexp, logsumexp_rule, forward=logsumexp.forward)

# -------------------------------------------------------------------------------------- extremes


def share_among_tied(g, out, a, axis=None, *, keepdims=False):
    """The elements that attain the extreme share the gradient equally."""
    tied = a == restore(out, a, axis)
    count = np.sum(tied, axis=tuple(axes_of(np.shape(a), axis)), keepdims=True)
    share = np.divide(tied, count).astype(np.result_type(out))  # in float64 first: float16 can't count to 70,000
    return restore(g, a, axis) * share


rule(np.max, share_among_tied)
rule(np.min, share_among_tied)

# ------------------------------------------------------------------------------- products, spread


def exclusive_products(a):
    """Along the last axis, the product of all elements before each one.

    By doubling: after step k an element holds the product of the 2^k elements before it. No division,
    so zeros are exact; only slices and products, so it is differentiable again.
    """
    size = np.shape(a)[-1]
    ones = np.ones_like(a)
    product = np.concatenate([ones[..., :1], index(a, (..., slice(None, -1)))], axis=-1)
    step = 1
    while step < size:
        product = product * np.concatenate([ones[..., :step], index(product, (..., slice(None, -step)))], axis=-1)
        step *= 2
    return product


def product_rule(g, out, a, axis=None, dtype=None, *, keepdims=False):
    """g times the product of all *other* elements: right with any number of zeros among them."""
    shape = np.shape(a)
    lost = sorted(axes_of(shape, axis))
    kept = [k for k in range(len(shape)) if k not in lost]
    flat = np.reshape(np.transpose(a, kept + lost), [shape[k] for k in kept] + [count_along(shape, axis)])
    backward = (..., slice(None, None, -1))
    others = exclusive_products(flat) * index(exclusive_products(index(flat, backward)), backward)
    others = np.reshape(others, [shape[k] for k in kept + lost])
    return restore(g, a, axis) * np.transpose(others, np.argsort(kept + lost))


def variance_rule(g, out, a, axis=None, dtype=None, *, ddof=0, keepdims=False):
    """2 (a - mean) / (n - ddof)."""
    n = count_along(np.shape(a), axis) - ddof
    return restore(g, a, axis) * 2 * (a - np.mean(a, axis=axis, keepdims=True)) / n


def deviation_rule(g, out, a, axis=None, dtype=None, *, ddof=0, keepdims=False):
    """(a - mean) / ((n - ddof) out); 0 for constants, where the deviation has its kink."""
    return variance_rule(g / (2 * np.where(out == 0, np.inf, out)), out, a, axis, ddof=ddof)


rule(np.prod, product_rule)
rule(np.var, variance_rule)
rule(np.std, deviation_rule)

# ------------------------------------------------------------------------------ running results


def cumsum_rule(g, out, a, axis=None, dtype=None):
    """An element is in every sum from its own place on: the running sum from the other end."""
    return np.reshape(np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis), np.shape(a))


def products_from(g, a):
    """Along the last axis, s_i = g_i + a_(i+1) s_(i+1): what the products after i pass on to it.

    By doubling, as `exclusive_products`: after step k, s_i has 2^k terms and `factor` is the product
    of the 2^k elements after i.
    """
    size, zeros = np.shape(a)[-1], np.zeros_like(a)
    ahead = lambda x, step: np.concatenate([index(x, (..., slice(step, None))), zeros[..., :step]], axis=-1)  # noqa: E731
    total, factor, step = g, ahead(a, 1), 1
    while step < size:
        total, factor = total + factor * ahead(total, step), factor * ahead(factor, step)
        step *= 2
    return total


def cumprod_rule(g, out, a, axis=None, dtype=None):
    """The product before each element times what comes after it: no division, so zeros are exact."""
    axis = axis or 0  # None flattens, and out has the shape of what was multiplied
    last = np.moveaxis(np.reshape(a, np.shape(out)), axis, -1)
    others = exclusive_products(last) * products_from(np.moveaxis(g, axis, -1), last)
    return np.reshape(np.moveaxis(others, -1, axis), np.shape(a))


rule(np.cumsum, cumsum_rule)
rule(np.cumprod, cumprod_rule)

# ---------------------------------------------------------------------------------- convolution


def whole_convolution(g, a, v, mode):
    """The gradient of the full convolution: what the mode cut off gets 0."""
    full, short = np.size(a) + np.size(v) - 1, min(np.size(a), np.size(v))
    start = {"full": 0, "same": (short - 1) // 2, "valid": short - 1}[mode]
    return np.pad(g, (start, full - np.size(g) - start))


# Each element meets the other operand's in reverse.
rule(np.convolve,
     lambda g, out, a, v, mode="full": np.convolve(whole_convolution(g, a, v, mode), np.flip(v), mode="valid"),
     lambda g, out, a, v, mode="full": np.convolve(whole_convolution(g, a, v, mode), np.flip(a), mode="valid"))

# -------------------------------------------------------------------- no gradient: plain arrays

PLAIN.update({np.argmax, np.argmin, np.any, np.all, np.count_nonzero, np.nonzero, np.argsort,
              np.nanargmax, np.nanargmin})
