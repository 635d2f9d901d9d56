"""The network of a model's folder in use: from inputs to probabilities or numbers, some rows at a time.

Only NumPy and tinytensor are needed here, so that predicting starts fast. Read next: ``measures.py``.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .. import nn
from ..arrays import Array
from ..fused import softmax
from ..modes import no_grad
from .targets import Target

ROWS = 4096  # rows that go through the network at once


def build(sizes: list[int], activation: str, weights: dict[str, Array]) -> Any:
    """The network with these weights; a ValueError where they do not fit the sizes."""
    expected: dict[str, tuple[int, ...]] = {}
    for k, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        expected |= {f"layers.{k}.weight": (outputs, inputs), f"layers.{k}.bias": (outputs,)}
    found = {name: array.shape for name, array in weights.items()}
    if found != expected:  # looked at first, so that nothing large is made for sizes that are wrong
        raise ValueError(f"the weights have the shapes {found}, expected {expected}")
    model = nn.MLP(sizes[0], sizes[1:], activation=activation)
    model.load_state_dict(weights)
    return model.eval()


def outputs_of(model: Any, X: Array) -> Array:
    """The outputs of the network, of shape (n, outputs)."""
    model.eval()
    with no_grad(), np.errstate(over="ignore", under="ignore"):
        parts = [model(X[start : start + ROWS]).data for start in range(0, len(X), ROWS)]
    found: Array = np.concatenate(parts)
    return found


def predicted(outputs: Array, target: Target) -> tuple[Array, Array | None]:
    """Class numbers (n,) and probabilities (n, classes) in float64; or numbers (n,) and None."""
    outputs = outputs.astype(np.float64)
    if target.task == "regression":
        return outputs[:, 0] * target.scale + target.mean, None
    if target.outputs == 1:  # two classes: the sigmoid is the softmax of (0, z)
        outputs = np.hstack([np.zeros_like(outputs), outputs])
    probabilities: Array = np.asarray(softmax(outputs, axis=-1))
    return outputs.argmax(axis=1), probabilities
