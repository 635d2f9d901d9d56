"""The lecture's network: neurons of scalar Values, one number at a time.

The interface is micrograd's, and so is the order in which Python's ``random`` is asked for weights:
the lecture's code runs here with only its imports changed, and gives the same numbers. It refuses to
know arrays. Read next: ``tensor.py``, where a layer is one matrix product.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from .value import Value


class Module:
    """Something with parameters."""

    def parameters(self) -> list[Value]:
        """The Values that training changes; none here, subclasses say which."""
        return []

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0, before the next backward pass adds to it."""
        for parameter in self.parameters():
            parameter.grad = 0.0


class Neuron(Module):
    """A weighted sum of the inputs plus a bias, through a ReLU.

    Parameters
    ----------
    nin : int
        How many inputs there are. Their weights are drawn uniformly from -1 to 1; the bias is 0.
    nonlin : bool
        Without it, the sum itself is the output.

    Examples
    --------
    >>> from tinytensor.scalar import Neuron
    >>> neuron = Neuron(2, nonlin=False)
    >>> neuron
    LinearNeuron(2)
    >>> for weight, number in zip(neuron.w, [3.0, -1.0]):
    ...     weight.data = number
    >>> neuron([2.0, 5.0])
    Value(data=1.0, grad=0.0)
    """

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Iterable[Any]) -> Any:
        """The neuron's output for one example: a Value."""
        # Like micrograd, stop at the shorter of the two.
        weighted = sum((weight * xi for weight, xi in zip(self.w, x, strict=False)), self.b)
        return weighted.relu() if self.nonlin else weighted

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side, each with all of the inputs.

    Parameters
    ----------
    nin : int
        How many inputs there are.
    nout : int
        How many neurons. One alone returns its Value, several return a list.
    **kwargs
        For each `Neuron`.

    Examples
    --------
    >>> from tinytensor.scalar import Layer
    >>> layer = Layer(2, 3)
    >>> layer
    Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)]
    >>> len(layer([1.0, 2.0])), len(layer.parameters())
    (3, 9)
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Iterable[Any]) -> Any:
        """The outputs for one example: a list of Values, or the one Value there is."""
        inputs = list(x)  # each neuron reads them again
        outputs = [neuron(inputs) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def parameters(self) -> list[Value]:
        """Those of the neurons, one after another."""
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: layers one after another, the last without a ReLU.

    Parameters
    ----------
    nin : int
        How many inputs there are.
    nouts : sequence of int
        How many neurons each layer has.

    Examples
    --------
    >>> from tinytensor.scalar import MLP
    >>> model = MLP(3, [4, 4, 1])
    >>> len(model.parameters())
    41
    >>> MLP(2, [1, 1])
    MLP of [Layer of [ReLUNeuron(2)], Layer of [LinearNeuron(1)]]
    >>> model([2.0, 3.0, -1.0]).backward()
    """

    def __init__(self, nin: int, nouts: Sequence[int]) -> None:
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != last) for i in range(len(nouts))]

    def __call__(self, x: Iterable[Any]) -> Any:
        """The outputs of the last layer for one example."""
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        """Those of the layers, first to last."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"
