"""GradientHistory: the norms of gradients, noted step by step.

It reads ``.grad`` and changes nothing; drawing is for `plot_gradients`. Read next: ``plot_curves.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..nn.module import Module
from ..tensor import Tensor


class GradientHistory:
    """The Euclidean norm of every gradient of a model, recorded during training.

    Parameters
    ----------
    model : Module, or mapping of str to Tensor or iterable of Tensor
        A module, whose layers and parameters have names; or tensors by a name of your own, such as
        ``{"first": network.layers[0].parameters()}`` for the lecture's network of Values.

    Attributes
    ----------
    steps : list of float
        When each record was made.

    Raises
    ------
    TypeError
        Where `model` is something else.
    ValueError
        Where there is no parameter in it.

    Examples
    --------
    >>> import tinytensor as tt
    >>> layer = tt.nn.Linear(2, 1)
    >>> history = tt.viz.GradientHistory(layer)
    >>> layer([[3.0, 4.0]]).sum().backward()
    >>> history.record()  # after backward()
    >>> history.norms("parameter")
    {'weight': [5.0], 'bias': [1.0]}
    """

    def __init__(self, model: Module | Mapping[str, Tensor | Iterable[Tensor]]) -> None:
        self.steps: list[float] = []
        self._parameters = _named(model)
        if not self._parameters:
            raise ValueError("GradientHistory: there is no parameter that requires a gradient")
        self._squares: list[list[float | None]] = [[] for _ in self._parameters]

    def record(self, step: float | None = None) -> None:
        """Note the norms of the gradients as they are now: after ``backward()``, before ``zero_grad()``.

        Parameters
        ----------
        step : float, optional
            Where this record stands on the axis of a plot; by default one after the last, from 0 on.

        Raises
        ------
        RuntimeError
            Where no parameter has a gradient. (One alone without is nan, and a gap in the plot.)
        """
        gradients = [parameter.grad for _, _, parameter in self._parameters]
        if all(gradient is None for gradient in gradients):
            raise RuntimeError(
                "GradientHistory.record: no parameter has a gradient; call it after backward(), before zero_grad()"
            )
        self.steps.append(float(step) if step is not None else self.steps[-1] + 1 if self.steps else 0.0)
        for squares, gradient in zip(self._squares, gradients, strict=True):
            squares.append(None if gradient is None else _square(gradient))

    def norms(self, by: str = "layer") -> dict[str, list[float]]:
        """The norms over the records.

        Parameters
        ----------
        by : {"layer", "parameter"}
            Whether to take all parameters of a layer together, as one vector. One without a gradient then counts
            for nothing, if another of its layer has one.

        Returns
        -------
        dict of str to list of float
            A list as long as `steps` for each layer or parameter, in the model's order.

        Raises
        ------
        ValueError
            Where `by` is something else.
        """
        if by not in ("layer", "parameter"):
            raise ValueError(f"GradientHistory.norms: by must be 'layer' or 'parameter', got {by!r}")
        together: dict[str, list[list[float | None]]] = {}
        for (layer, name, _), squares in zip(self._parameters, self._squares, strict=True):
            together.setdefault(layer if by == "layer" else name, []).append(squares)
        return {name: [_root(step) for step in zip(*rows, strict=True)] for name, rows in together.items()}

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.steps)

    def __repr__(self) -> str:
        return f"GradientHistory({len(self._parameters)} parameters, {len(self)} records)"


@np.errstate(over="ignore", invalid="ignore")  # a gradient that has exploded is what one wants to see
def _square(gradient: Any) -> float:
    """The square of the norm; in float64, since the squares of a float32 gradient of 1e20 would be infinite."""
    numbers = np.ravel(np.asarray(gradient, np.float64))
    return float(numbers @ numbers)


def _root(squares: Iterable[float | None]) -> float:
    """The norm of several parts together; nan where none has a gradient."""
    known = [square for square in squares if square is not None]
    return math.sqrt(sum(known)) if known else math.nan


def _named(model: Any) -> list[tuple[str, str, Tensor]]:
    """The layer, the full name and the tensor of every parameter."""
    if isinstance(model, Module):
        named = list(model.named_parameters())
        return [(name.rpartition(".")[0] or type(model).__name__, name, parameter) for name, parameter in named]
    if not isinstance(model, Mapping):
        raise TypeError(
            f"GradientHistory: expected a Module, or tensors by name such as {{'first': layer.parameters()}}, "
            f"got {type(model).__name__}"
        )
    found = []
    for layer, given in model.items():
        tensors = [given] if isinstance(given, Tensor) else list(given)
        for position, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise TypeError(f"GradientHistory: under {layer!r} is a {type(tensor).__name__}, expected tensors")
            name = str(layer) if isinstance(given, Tensor) else f"{layer}.{position}"
            found.append((str(layer), name, tensor))
    return found
