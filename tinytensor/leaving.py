"""Ways out of the graph: numbers, arrays, other libraries' memory, copies and pickles.

Where a gradient would be lost unseen, they raise and name `detach`. Read next: ``functional/``.
"""

from __future__ import annotations

import copy
import operator
from typing import Any

import numpy as np

from .arrays import Array
from .at import At
from .methods import Methods
from .modes import is_grad_enabled
from .rules.table import name_of


class Leaving(Methods):
    """The conversions of a Tensor into what is not one."""

    __slots__ = ()

    @property
    def at(self) -> At:
        """Updates that return a new tensor: ``x.at[key].set(v)``, ``.add(v)``, … See ``at.py``."""
        return At(self)

    def numpy(self) -> Array:
        """The ndarray, where no graph is lost; otherwise an error that names `detach`."""
        return self.__array__()

    def item(self) -> Any:
        """The one element, as a Python number."""
        if self._data.size != 1:
            raise ValueError(f"item: expected one element, got shape {self._data.shape}; index one, or use tolist()")
        return self._data.item()

    def tolist(self) -> Any:
        """The elements as nested Python lists."""
        return self._data.tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        return operator.index(self._data)

    def __bool__(self) -> bool:
        if np.size(self._data) != 1:
            raise ValueError(
                f"the truth of a tensor of shape {np.shape(self._data)} is ambiguous; use .any() or .all()"
            )
        return bool(self._data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if self._requires_grad and is_grad_enabled():
            raise RuntimeError(
                f"a tensor of shape {np.shape(self._data)} that requires a gradient can't become an array: its graph "
                "would be lost. Use np.stack for a list of tensors; tensor.detach() or tensor.data leave the graph"
            )
        return np.array(self._data, dtype=dtype, copy=copy)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.numpy().__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self._data.__dlpack_device__()

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), *self._state("pickled"))

    def __copy__(self) -> Any:
        copied = _rebuild(type(self), *self._state("copied"))
        copied._version = self._version  # they share the data
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        data, grad, requires_grad, label = self._state("copied")
        data, grad = copy.deepcopy((data, grad))
        copied = memo[id(self)] = _rebuild(type(self), data, grad, requires_grad, label)
        return copied

    def _state(self, doing: str) -> tuple[Any, ...]:
        if self._function is not None:
            raise RuntimeError(f"the result of {name_of(self._function)} can't be {doing}; detach() it first")
        return self._data, self._grad, self._requires_grad, self.label


def _rebuild(kind: type[Any], data: Any, grad: Any, requires_grad: bool, label: str) -> Any:
    tensor = kind._make(data)
    tensor._grad, tensor._requires_grad, tensor.label = grad, requires_grad, label
    return tensor
