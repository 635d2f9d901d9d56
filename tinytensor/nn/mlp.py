"""MLP: the multilayer perceptron, layers of weighted sums with a bend after each.

It only puts layers together; what they compute stands in ``layers.py``. Read next: ``losses.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..activations import elu, gelu, leaky_relu, silu, softplus
from ..primitives import relu
from ..tensor import Tensor
from .inputs import as_tensor, whole
from .layers import Dropout, Linear
from .module import Module

Activation = str | Callable[[Any], Any] | None

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": Tensor.relu,
    "tanh": Tensor.tanh,
    "sigmoid": Tensor.sigmoid,
    "identity": as_tensor,
    "gelu": gelu,
    "silu": silu,
    "softplus": softplus,
    "leaky_relu": leaky_relu,
    "elu": elu,
}
"""The activations that have a name. The first are methods, since NumPy's own dispatch to a Tensor costs more."""


class MLP(Module):
    """A multilayer perceptron with micrograd's signature, for batches.

    Parameters
    ----------
    nin : int
        The number of inputs.
    nouts : sequence of int
        The number of outputs of each layer; the last one's are the network's.
    activation, output_activation : str, callable or None
        After each hidden layer, and after the last. "relu", "tanh", "sigmoid", "identity" (the same
        as None), "gelu", "silu", "softplus", "leaky_relu", "elu", a Module, or any function of a Tensor.
    dropout : float
        The probability of `Dropout` after each hidden activation.
    bias, dtype, generator
        As for `Linear`; the generator draws the dropout too.

    Attributes
    ----------
    layers : list of Linear

    Raises
    ------
    ValueError
        Where a size is less than 1, or an activation has an unknown name.
    TypeError
        Where a size is not an integer, or an activation can't be called.

    Examples
    --------
    >>> import tinytensor as tt
    >>> model = tt.nn.MLP(3, [4, 4, 1])
    >>> model
    MLP(
      activation=relu, output_activation=identity
      (layers.0): Linear(in_features=3, out_features=4, bias=True)  # 16 parameters
      (layers.1): Linear(in_features=4, out_features=4, bias=True)  # 20 parameters
      (layers.2): Linear(in_features=4, out_features=1, bias=True)  # 5 parameters
    )  # 41 parameters
    >>> model([[2.0, 3.0, -1.0], [3.0, -1.0, 0.5]]).shape
    (2, 1)
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        *,
        activation: Activation = "relu",
        output_activation: Activation = None,
        dropout: float = 0.0,
        bias: bool = True,
        dtype: npt.DTypeLike = np.float32,
        generator: np.random.Generator | None = None,
    ) -> None:
        if isinstance(nouts, str) or not hasattr(nouts, "__len__") or not len(nouts):
            raise ValueError(f"MLP: nouts has the size of each layer, such as [16, 16, 1]; got {nouts!r}")
        sizes = [whole(size, "MLP: a layer's size", 1) for size in (nin, *nouts)]
        self.layers = [
            Linear(before, after, bias, dtype=dtype, generator=generator) for before, after in pairwise(sizes)
        ]
        self.activation = _activation(activation, "activation")
        self.output_activation = _activation(output_activation, "output_activation")
        self.dropout = Dropout(dropout, generator) if dropout else None

    def forward(self, x: Any) -> Any:
        """The outputs, of shape (…, nouts[-1]), for inputs of shape (…, nin)."""
        *hidden, last = self.layers
        activation, dropout = self.activation, self.dropout
        fused = activation is Tensor.relu or activation is relu
        for layer in hidden:
            x = layer.rectified(x) if fused and _is_plain(layer) else activation(layer(x))
            if dropout is not None:
                x = dropout(x)
        return self.output_activation(last(x))

    def extra_repr(self) -> str:
        """The activations that are functions; modules are shown by themselves."""
        names = {function: name for name, function in ACTIVATIONS.items()}
        given = {"activation": self.activation, "output_activation": self.output_activation}
        return ", ".join(
            f"{which}={names.get(function, getattr(function, '__name__', repr(function)))}"
            for which, function in given.items()
            if not isinstance(function, Module)
        )


def _is_plain(layer: Any) -> bool:
    """Whether a layer is a Linear as it was written: one of a user's own does what its own `forward` says."""
    return type(layer) is Linear and "forward" not in vars(layer)


def _activation(given: Activation, which: str) -> Callable[[Any], Any]:
    if given is None:
        given = "identity"
    if isinstance(given, str):
        if given not in ACTIVATIONS:
            raise ValueError(
                f"MLP: {which} must be one of {', '.join(map(repr, ACTIVATIONS))} or a function, got {given!r}"
            )
        return ACTIVATIONS[given]
    if isinstance(given, type) or not callable(given):
        hint = f"; write {given.__name__}()" if isinstance(given, type) else ""
        raise TypeError(
            f"MLP: {which} must be one of {', '.join(map(repr, ACTIVATIONS))}, a Module or a function{hint}"
        )
    return given
