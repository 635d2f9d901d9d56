"""GradientBuffer: what a rank sends in a step, in one array: its gradients times its samples, and a few numbers more.

It knows parameters, and refuses to know MPI: summing the arrays of all ranks is left to ``optimizer.py``. Read next:
``rows.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..optim.checks import named
from ..tensor import Tensor

Array = np.ndarray[Any, Any]


class GradientBuffer:
    """One flat array: all gradients; for each parameter, on how many ranks it has one; extra numbers; samples; ends.

    Parameters
    ----------
    parameters : list of Tensor
    extra : int
        How many numbers of the user's own there are.

    Attributes
    ----------
    array : ndarray
        All of it, to be summed over the ranks; float32, or float64 where a parameter is.
    extra : ndarray of shape (extra,)
        A view.
    """

    def __init__(self, parameters: list[Tensor], extra: int) -> None:
        self.parameters = parameters
        dtype = np.result_type(np.float32, *(p._data.dtype for p in parameters))
        ends = np.cumsum([0, *(p._data.size for p in parameters)]).tolist()
        self.array: Array = np.zeros(ends[-1] + len(parameters) + extra + 2, dtype)
        self._gradients: Array = self.array[: ends[-1]]
        self._tail: Array = self.array[ends[-1] :]
        self.extra: Array = self._tail[len(parameters) : -2]
        self._parts: list[Array] = [
            # By columns, as Linear's weights lie: on all ranks alike, whatever else a rank's own array may be.
            self._gradients[start:end].reshape(p._data.shape[::-1]).T
            for p, start, end in zip(parameters, ends, ends[1:], strict=False)
        ]
        self._weight: Array = np.zeros((), dtype)  # NumPy multiplies by it in a third of the time of a Python float

    @property
    def samples(self) -> float:
        """How many samples the gradients are of."""
        return float(self._tail[-2])

    @property
    def ended(self) -> int:
        """How many ranks have ended."""
        return int(self._tail[-1])

    def fill(self, samples: float) -> None:
        """Write this rank's gradients, times its samples."""
        self._weight[...] = samples
        self._tail[-2], self._tail[-1] = samples, 0.0
        for k, (p, part) in enumerate(zip(self.parameters, self._parts, strict=True)):
            g = p._grad
            self._tail[k] = counts = g is not None and samples > 0
            if not counts:
                part[...] = 0.0
            elif np.shape(g) == part.shape:
                np.multiply(g, self._weight, out=part)
            else:
                raise ValueError(f"DistributedOptimizer: {named(k, p)} has a gradient of shape {np.shape(g)}")

    def take(self) -> None:
        """Give the parameters the means as their gradients; None to those that have one on no rank."""
        self._weight[...] = self.samples
        np.divide(self._gradients, self._weight, out=self._gradients)
        for p, part, ranks in zip(self.parameters, self._parts, self._tail.tolist(), strict=False):
            p._grad = part.astype(p._data.dtype, copy=False) if ranks else None

    def end(self) -> Array:
        """What a rank sends that makes no further step; another array, since the gradients are views of this one."""
        array = np.zeros_like(self.array)
        array[-1] = 1.0
        return array
