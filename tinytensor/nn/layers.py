"""Layers: the linear map, modules in a row, activations and dropout.

A layer takes a Tensor, or an array or list, which is data and is cast to the layer's dtype. Nothing
here knows a derivative (``rules/neural.py`` does) or a loss. Read next: ``mlp.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..creation import rng, uniform
from ..engine import apply
from ..fused import linear, linear_relu, softmax
from ..primitives import relu, sigmoid
from ..tensor import Tensor
from .inputs import as_data, as_tensor, whole
from .module import Module


class Linear(Module):
    """``x @ weight.T + bias``: every output is a weighted sum of all inputs.

    Parameters
    ----------
    in_features, out_features : int
        The sizes of the last axis of the input and of the output.
    bias : bool
        Whether there is a bias; without, the attribute is None.
    dtype : dtype_like
        Of the parameters; a floating one.
    generator : numpy.random.Generator, optional
        Draws the initial values.

    Attributes
    ----------
    weight : Tensor
        Of shape (out_features, in_features); drawn, as in PyTorch, from the uniform distribution
        over ±1/sqrt(in_features). In memory it lies column by column.
    bias : Tensor or None
        Of shape (out_features,), drawn from the same distribution.

    Raises
    ------
    ValueError
        Where a size is negative; in a call, where the input's last axis is not in_features.
    TypeError
        Where a size is not an integer or the dtype not floating; in a call, where the input is a
        Tensor of another dtype than the weight. Arrays and lists are cast.

    Examples
    --------
    >>> import tinytensor as tt
    >>> layer = tt.nn.Linear(3, 2)
    >>> y = layer([[1.0, 2.0, 3.0]])
    >>> y.shape, y.dtype
    ((1, 2), dtype('float32'))
    """

    weight: Tensor
    bias: Tensor | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: npt.DTypeLike = np.float32,
        generator: np.random.Generator | None = None,
    ) -> None:
        self.in_features = whole(in_features, "Linear: in_features")
        self.out_features = whole(out_features, "Linear: out_features")
        if np.dtype(dtype).kind != "f":
            raise TypeError(f"Linear: expected a floating dtype, got {np.dtype(dtype)}; parameters need gradients")
        draw, bound = rng(generator).uniform, 1 / math.sqrt(in_features) if in_features else 0.0

        def parameter(*shape: int) -> Tensor:
            # A matrix lies by columns: x @ weight.T then goes along the rows of both. 0.96 of a step at M.
            return Tensor(np.asfortranarray(draw(-bound, bound, shape), dtype), requires_grad=True)

        self.weight = parameter(self.out_features, self.in_features)
        self.bias = parameter(self.out_features) if bias else None

    def forward(self, x: Any) -> Any:
        """The output, of shape (…, out_features), for an input of shape (…, in_features)."""
        return apply(linear, (self._input(x), self.weight, self.bias))

    def rectified(self, x: Any) -> Any:
        """``relu`` of the output, as one operation: faster, and without keeping what relu cuts off."""
        return apply(linear_relu, (self._input(x), self.weight, self.bias))

    def _input(self, x: Any) -> Tensor:
        """The input as a tensor of the layer's dtype and size."""
        dtype = self.weight._data.dtype
        if not isinstance(x, Tensor):
            x = Tensor._make(as_data(x, dtype, "Linear"))
        elif x._data.dtype != dtype:
            raise TypeError(
                f"Linear: the input is a Tensor of {x.dtype}, the weight of {dtype}; write x.astype(np.{dtype})"
            )
        if x._data.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"Linear: the layer has in_features={self.in_features}, the input has shape {x.shape}; expected "
                f"(…, {self.in_features})"
            )
        return x

    def extra_repr(self) -> str:
        """The sizes, as PyTorch writes them."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Sequential(Module):
    """Modules in a row: each takes what the one before it computed.

    Parameters
    ----------
    *modules : Module
        Named ``0``, ``1``, … as in PyTorch: the first one's weight is ``0.weight``.

    Examples
    --------
    >>> import tinytensor as tt
    >>> model = tt.nn.Sequential(tt.nn.Linear(2, 8), tt.nn.Tanh(), tt.nn.Linear(8, 1))
    >>> model
    Sequential(
      (0): Linear(in_features=2, out_features=8, bias=True)  # 24 parameters
      (1): Tanh()
      (2): Linear(in_features=8, out_features=1, bias=True)  # 9 parameters
    )  # 33 parameters
    >>> model([[0.5, -0.5]]).shape
    (1, 1)
    """

    def __init__(self, *modules: Module) -> None:
        for position, module in enumerate(modules):
            if not isinstance(module, Module):
                raise TypeError(
                    f"Sequential: argument {position} is {_described(module)}, expected a Module such as nn.Tanh(); "
                    "for a list of modules write Sequential(*modules)"
                )
        self.steps = list(modules)

    def _fields(self) -> Iterator[tuple[str, Any]]:
        for name, value in vars(self).items():
            if name == "steps":  # PyTorch's names have nothing in front of the number
                yield from ((str(position), module) for position, module in enumerate(self.steps))
            else:
                yield name, value

    def forward(self, x: Any) -> Any:
        """What the last module computes; without any module, the input as a Tensor."""
        for module in self.steps:
            x = module(x)
        return as_tensor(x)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.steps)

    def __getitem__(self, key: int | slice) -> Any:
        return Sequential(*self.steps[key]) if isinstance(key, slice) else self.steps[key]


# ------------------------------------------------------------------------------------ activations


class ReLU(Module):
    """max(x, 0), elementwise."""

    def forward(self, x: Any) -> Any:
        """The input where it is positive, 0 elsewhere."""
        return apply(relu, (as_tensor(x),))


class Tanh(Module):
    """The hyperbolic tangent, elementwise."""

    def forward(self, x: Any) -> Any:
        """Values in (-1, 1)."""
        return apply(np.tanh, (as_tensor(x),))


class Sigmoid(Module):
    """1 / (1 + exp(-x)), elementwise."""

    def forward(self, x: Any) -> Any:
        """Values in (0, 1)."""
        return apply(sigmoid, (as_tensor(x),))


class Identity(Module):
    """The input itself."""

    def forward(self, x: Any) -> Any:
        """The input, as a Tensor."""
        return as_tensor(x)


class Softmax(Module):
    """exp(x) / sum(exp(x)) along an axis: positive numbers with the sum 1.

    `cross_entropy` wants the logits themselves: no Softmax before it.

    Examples
    --------
    >>> import tinytensor as tt
    >>> tt.nn.Softmax()([[0.0, 0.0]]).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """The probabilities, of the input's shape."""
        return apply(softmax, (as_tensor(x), self.axis))

    def extra_repr(self) -> str:
        """The axis."""
        return f"axis={self.axis}"


class Dropout(Module):
    """In training, zero each element with probability `p` and divide the rest by 1 - p.

    So the expected output is the input, and in use (after `eval`) nothing is done at all. Srivastava
    et al., 2014, in the inverted form of PyTorch.

    Parameters
    ----------
    p : float
        The probability, from 0 to 1.
    generator : numpy.random.Generator, optional
        Draws the elements; by default the one that `manual_seed` seeds.

    Raises
    ------
    ValueError
        Where `p` is not within [0, 1].
    TypeError
        In a call in training, where the input is not floating.

    Examples
    --------
    >>> import tinytensor as tt
    >>> drop = tt.nn.Dropout(0.5, generator=np.random.default_rng(0))
    >>> drop(tt.ones(6)).tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    >>> drop.eval()(tt.ones(6)).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, p: float = 0.5, generator: np.random.Generator | None = None) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: the probability p must be from 0 to 1, got {p}")
        if generator is not None:
            rng(generator)
        self.p, self.generator = float(p), generator

    def forward(self, x: Any) -> Any:
        """The input with some elements zeroed, in its own shape and dtype."""
        x = as_tensor(x)
        if not self.training or self.p == 0:
            return x
        if x.dtype.kind != "f":
            raise TypeError(f"Dropout: expected a floating tensor, got {x.dtype}; write x.astype(np.float32)")
        kept = uniform(self.generator, x.shape) >= self.p
        scale = 1 / (1 - self.p) if self.p < 1 else 0.0
        # The mask has the input's dtype, since a float64 one would make the product float64.
        return x * np.multiply(kept, scale, dtype=x.dtype)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


def _described(value: Any) -> str:
    return f"the class {value.__name__} itself" if isinstance(value, type) else f"of type {type(value).__name__}"
