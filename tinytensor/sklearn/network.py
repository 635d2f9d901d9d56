"""The network of an estimator: layers with scikit-learn's initial weights, and its outputs for many rows.

One activation makes an `nn.MLP`; one for each layer makes an `nn.Sequential`. Nothing here knows a loss.
Read next: ``objective.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from .. import nn
from ..engine import apply
from ..fused import linear
from ..modes import no_grad
from ..nn.mlp import ACTIVATIONS
from ..tensor import Tensor

ROWS = 1024  # rows that go through the network at once when it is used

MODULES: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}


class Function(nn.Module):
    """A function of a Tensor as a module, for `nn.Sequential`."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def forward(self, x: Any) -> Any:
        """What the function gives."""
        return self.function(x)

    def extra_repr(self) -> str:
        """The function's name."""
        return getattr(self.function, "__name__", repr(self.function))


def _ours(activation: Any) -> Any:
    """The activation by tinytensor's name: scikit-learn calls the sigmoid logistic."""
    return "sigmoid" if activation == "logistic" else activation


def _module(activation: Any) -> nn.Module:
    """The activation as a module."""
    if isinstance(activation, str):
        return MODULES[activation]()
    return activation if isinstance(activation, nn.Module) else Function(activation)


def build(
    sizes: list[int], activations: list[Any], dropout: float, dtype: Any, random_state: np.random.RandomState
) -> Any:
    """A network of layers of these sizes, inputs and outputs included, with weights drawn as scikit-learn does.

    Weights and biases are uniform over ±√(6 / (in + out)), ±√(2 / (in + out)) where the activation is logistic (Glorot
    & Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010).
    """
    ours = [_ours(activation) for activation in activations]
    weights = [_drawn(a, b, act, random_state) for (a, b), act in zip(pairwise(sizes), _of_layers(ours), strict=True)]
    generator = np.random.default_rng(random_state.randint(2**31)) if dropout else np.random.default_rng(0)
    if all(activation is ours[0] or activation == ours[0] for activation in ours):
        model: Any = nn.MLP(
            sizes[0], sizes[1:], activation=ours[0] if ours else None, dropout=dropout, dtype=dtype, generator=generator
        )
    else:
        steps: list[nn.Module] = []
        for (a, b), activation in zip(pairwise(sizes[:-1]), ours, strict=True):
            steps += [nn.Linear(a, b, dtype=dtype, generator=generator), _module(activation)]
            steps += [nn.Dropout(dropout, generator)] if dropout else []
        model = nn.Sequential(*steps, nn.Linear(sizes[-2], sizes[-1], dtype=dtype, generator=generator))
    for layer, (weight, bias) in zip(linear_layers(model), weights, strict=True):
        layer.weight.data, layer.bias.data = weight.astype(dtype, order="C").T, bias.astype(dtype)
    return model


def _of_layers(activations: list[Any]) -> list[Any]:
    """The activation that sets the range of each layer's weights: the output layer has that of the last hidden one."""
    return [*activations, activations[-1] if activations else None]


def _drawn(fan_in: int, fan_out: int, activation: Any, random_state: np.random.RandomState) -> tuple[Any, Any]:
    """Initial weights of shape (in, out), and biases."""
    bound = np.sqrt((2.0 if isinstance(activation, str) and activation == "sigmoid" else 6.0) / (fan_in + fan_out))
    return random_state.uniform(-bound, bound, (fan_in, fan_out)), random_state.uniform(-bound, bound, fan_out)


def linear_layers(model: Any) -> list[Any]:
    """The linear layers, in order."""
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


def _stages(model: Any) -> Iterator[tuple[Any, Callable[[Any], Any] | None]]:
    """Each linear layer with what follows it when the network is used: dropout does nothing then."""
    if isinstance(model, nn.MLP):
        *hidden, last = model.layers
        for layer in hidden:
            yield layer, model.activation
        yield last, None
    else:
        steps = [step for step in model if not isinstance(step, nn.Dropout)]
        yield from zip(steps[::2], [*steps[1::2], None], strict=True)


def outputs_of(model: Any, parts: Iterator[Any], n: int, dtype: Any) -> Any:
    """The outputs of shape (n, outputs), computed in `dtype`, for rows that come in parts.

    The weights are cast, so that a network of float32 can be used in float64: then what is computed for a row does not
    depend, beyond the 15th digit, on the rows beside it.
    """
    stages = [
        (Tensor(layer.weight.data.astype(dtype, copy=False)), Tensor(layer.bias.data.astype(dtype, copy=False)), then)
        for layer, then in _stages(model)
    ]
    outputs = np.empty((n, stages[-1][0].shape[0]), dtype)
    start = 0
    with no_grad(), np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for rows in parts:
            x: Any = Tensor(rows.astype(dtype, copy=False))
            for weight, bias, then in stages:
                x = apply(linear, (x, weight, bias))
                x = x if then is None else then(x)
            outputs[start : start + len(rows)] = x.data
            start += len(rows)
    return outputs


__all__ = ["ACTIVATIONS", "ROWS", "build", "linear_layers", "outputs_of"]
