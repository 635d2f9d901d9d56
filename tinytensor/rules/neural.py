"""Neural networks: the fused layer, softmax and its losses.

Read next: ``nn/``.
"""

import math

import numpy as np

from ..fused import bce, linear, linear_relu, log_softmax, nll, softmax
from ..primitives import sigmoid
from ..quick import counted, ones, product, zero
from .table import everywhere, rule


def linear_weight(g, out, x, weight, bias=None):
    """Gᵀ X, over all batch axes at once; in memory as the weight is, so that an optimizer makes one pass over both."""
    if x.ndim != 2:
        rows = math.prod(x.shape[:-1])
        g, x = np.reshape(g, (rows, g.shape[-1])), np.reshape(x, (rows, x.shape[-1]))
    if type(weight) is type(x) is type(g) is np.ndarray and weight.flags.fnc and weight.dtype == g.dtype == x.dtype:
        part = np.empty_like(weight)
        x.T.dot(g, out=part.T)
        return part
    return product(g.T, x)


def linear_bias(g, out, x, weight, bias=None):
    """The sum over the rows, to each of which the bias was copied."""
    # As a product with ones: BLAS adds rows three times as fast as NumPy.
    return product(ones(len(g), g.dtype), g) if g.ndim == 2 else g  # with other axes the engine sums


def where_positive(g, out):
    """G where relu let something through, 0 where it is flat."""
    if type(g) is not np.ndarray:
        return g * np.greater(out, 0).astype(g.dtype)
    mask = np.greater(out, zero(g.dtype))
    if mask.size > 32_768:  # one large array less to go through: 0.98 of a step at L
        return g * mask
    mask = mask.astype(g.dtype)  # in the cache floats multiply faster than bools, and have room
    return np.multiply(g, mask, out=mask)


rule(linear, lambda g, out, x, weight, bias=None: product(g, weight),
             linear_weight,
             linear_bias,
             forward=linear.forward,
             spread=lambda position, out, x, weight, bias=None: np.shape((x, weight, out)[position]))

rule(linear_relu, lambda g, out, x, weight, bias=None: product(g, weight),
                  linear_weight,
                  linear_bias,
                  arriving=lambda g, out, x, weight, bias=None: where_positive(g, out),
                  forward=linear_relu.forward,
                  spread=lambda position, out, x, weight, bias=None: np.shape((x, weight, out)[position]))

rule(softmax, lambda g, out, x, axis=-1: out * (g - np.sum(g * out, axis=axis, keepdims=True)),
     forward=softmax.forward)
rule(log_softmax, lambda g, out, x, axis=-1: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True),
     forward=log_softmax.forward)
rule(bce, lambda g, out, logits, target: g * (sigmoid(logits) - target),
          lambda g, out, logits, target: -g * logits,
          forward=bce.forward, spread=everywhere)


def one_hot(labels, classes):
    """Rows of False with True at each label, stored column by column: a class is one long comparison."""
    return np.equal(counted(classes).reshape(classes, *[1] * labels.ndim), labels.T).T


def per_sample(g, log_probs, reduction):
    """The gradient of each sample's loss, ready to multiply its row of classes."""
    if reduction == "none":
        return np.expand_dims(g, -1)
    return g if reduction == "sum" else g / max(log_probs.size // log_probs.shape[-1], 1)


def nll_logits(g, out, logits, log_probs, target, reduction="mean"):
    """softmax - target."""
    if target.dtype.kind == "f":
        probs = np.exp(log_probs) * target.sum(axis=-1, keepdims=True)
    else:
        probs, target = np.exp(log_probs), one_hot(target, log_probs.shape[-1])
    return np.subtract(probs, target) * per_sample(g, log_probs, reduction)


rule(nll, nll_logits,
          None,  # log_probs is a function of logits, and the rule above has counted it
          lambda g, out, logits, log_probs, target, reduction="mean": -per_sample(g, log_probs, reduction) * log_probs,
          forward=nll.forward)
