"""Neural networks: the fused layer, softmax and its losses.

Read next: ``nn/``.
"""

import math

import numpy as np

from ..fused import bce, linear, nll
from ..primitives import log_softmax, sigmoid, softmax
from .table import everywhere, rule


def linear_weight(g, out, x, weight, bias=None):
    """Gᵀ X, over all batch axes at once."""
    if np.ndim(x) == 1:
        return np.expand_dims(g, -1) * x
    if np.ndim(x) > 2:
        rows = math.prod(np.shape(x)[:-1])
        g, x = np.reshape(g, (rows, np.shape(g)[-1])), np.reshape(x, (rows, np.shape(x)[-1]))
    return np.matmul(np.swapaxes(g, 0, 1), x)


rule(linear, lambda g, out, x, weight, bias=None: np.matmul(g, weight),
             linear_weight,
             lambda g, out, x, weight, bias=None: g,  # copied to every row; the engine sums it
             forward=linear.forward,
             spread=lambda position, out, x, weight, bias=None: np.shape((x, weight, out)[position]))

rule(softmax, lambda g, out, x, axis=-1: out * (g - np.sum(g * out, axis=axis, keepdims=True)),
     forward=softmax.forward)
rule(log_softmax, lambda g, out, x, axis=-1: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True),
     forward=log_softmax.forward)
rule(bce, lambda g, out, logits, target: g * (sigmoid(logits) - target),
          lambda g, out, logits, target: -g * logits,
          forward=bce.forward, spread=everywhere)


def one_hot(labels, classes, dtype):
    """Rows of zeros with a one at each label."""
    return np.equal(np.expand_dims(labels, -1), np.arange(classes)).astype(dtype)


def per_sample(g, log_probs, reduction):
    """The gradient of each sample's loss, ready to multiply its row of classes."""
    if reduction == "none":
        return np.expand_dims(g, -1)
    return g if reduction == "sum" else g / max(np.size(log_probs) // np.shape(log_probs)[-1], 1)


def nll_logits(g, out, logits, log_probs, target, reduction="mean"):
    """softmax - target."""
    if target.dtype.kind == "f":
        probs = np.exp(log_probs) * np.sum(target, axis=-1, keepdims=True)
    else:
        probs, target = np.exp(log_probs), one_hot(target, np.shape(log_probs)[-1], log_probs.dtype)
    return per_sample(g, log_probs, reduction) * (probs - target)


rule(nll, nll_logits,
          None,  # log_probs is a function of logits, and the rule above has counted it
          lambda g, out, logits, log_probs, target, reduction="mean": -per_sample(g, log_probs, reduction) * log_probs,
          forward=nll.forward)
