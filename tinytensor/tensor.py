"""Tensor: a NumPy array that remembers how it was made, so that it can be differentiated.

Here are the constructor, the data and the gradient, Python's operators and NumPy's protocols. Every
operation is handed to the engine by the name of the NumPy function that it is; there is no calculus
in this file. The methods that are NumPy's functions under another spelling (``t.sum()``) stand in
``methods.py``. Read next: ``engine.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from . import engine, threads
from .arrays import NUMERIC, Array, fitted, plain_key, seed_for, to_array
from .engine import apply
from .errors import wrong_call
from .leaving import Leaving
from .modes import is_grad_enabled
from .node import Node, StandIn
from .operators import all_plain, plain
from .primitives import astype, index
from .rules.table import COMPOSED, PLAIN, name_of


class Tensor(Leaving):
    """An n-dimensional array with a gradient.

    Parameters
    ----------
    data : array_like
        Numbers. An ndarray is wrapped, not copied (`tensor` copies); a number gives a 0-d tensor.
    requires_grad : bool
        Whether operations on this tensor are recorded, so that `backward` can find its gradient.
        Floating dtypes only.
    dtype : dtype_like, optional
        As NumPy finds it by default: Python floats are float64, Python integers int64.
    label : str
        A name, for drawings and errors.

    Raises
    ------
    TypeError
        Where `data` is not numeric, or a gradient is asked of a dtype that has none.

    Examples
    --------
    >>> import tinytensor as tt
    >>> x = tt.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    >>> b = tt.Tensor([10.0, 20.0], requires_grad=True)
    >>> (x * b).sum().backward()
    >>> x.grad
    array([[10., 20.],
           [10., 20.]])
    >>> b.grad  # b was copied down two rows, so its gradient is summed over them
    array([4., 6.])
    """

    __slots__ = ()

    def __init__(
        self, data: Any, requires_grad: bool = False, dtype: npt.DTypeLike | None = None, label: str = ""
    ) -> None:
        self._start(to_array(data, dtype))
        self.label = label
        if requires_grad:
            self.requires_grad = True

    @classmethod
    def _make(cls, data: Any) -> Node:
        if type(data) is not np.ndarray or data.dtype.kind not in NUMERIC:  # 0-d results are scalars in NumPy
            data = to_array(data)
        node = cls.__new__(cls)
        node._start(data)
        return node

    # ------------------------------------------------------------------------ data and gradient

    @property
    def data(self) -> Array:
        """The ndarray itself. Assigning or updating it in place is noted: see `backward`."""
        if isinstance(self._data, StandIn):
            self._data.leave(".data")  # type: ignore[attr-defined]
        return self._data  # a Node holds any kind of data

    @data.setter
    def data(self, value: Any) -> None:
        self._data = fitted(value, self._data, "data")
        self._touch()

    @property
    def grad(self) -> Array | None:
        """The gradient, an ndarray of this tensor's shape and dtype; None before any backward."""
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        self._grad = None if value is None else fitted(value, self._data, "grad")

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient is wanted for this tensor."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if self._function is not None and not wanted:
            raise RuntimeError(f"requires_grad of the result of {name_of(self._function)} is True; use detach()")
        if wanted and self.dtype.kind != "f":
            raise TypeError(
                f"only floating tensors have gradients, got {self.dtype}: write 1.0 for 1, or dtype=np.float64"
            )
        self._requires_grad = bool(wanted)

    def backward(self, gradient: Any = None) -> None:
        """Compute the gradient of this tensor with respect to everything that it was made from.

        Leaves with ``requires_grad`` add it to their `grad`; results on the way hold that of this
        call alone, so that a graph can be drawn with its gradients. A graph may be walked again.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient of some later scalar with respect to this tensor, of this tensor's shape.
            1 by default, where the tensor has one element.

        Raises
        ------
        RuntimeError
            Where nothing was recorded, more than one element stands and no gradient is given, or
            data changed since the forward pass.
        ValueError
            Where `gradient` has another shape.

        Examples
        --------
        >>> import tinytensor as tt
        >>> x = tt.Tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> (x**2).backward(gradient=[1.0, 0.0, 10.0])
        >>> x.grad
        array([ 2.,  0., 60.])
        """
        threads.share()
        engine.backward(self, seed_for(self, gradient, "backward"))

    def detach(self) -> Tensor:
        """The same data (shared, not copied) outside of the graph. A change of either is noticed by both."""
        detached = Tensor(self._data)
        if detached._data is self._data:  # a Value's number is copied
            detached._version = self._version
        return detached

    def astype(self, dtype: npt.DTypeLike) -> Any:
        """This tensor in another dtype; the gradient comes back in this one."""
        return apply(astype, (self, np.dtype(dtype)))

    # ------------------------------------------------------------------------------ description

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self._data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return self._data.dtype

    def __repr__(self) -> str:
        values = np.array2string(self._data, separator=", ", prefix="Tensor(")
        parts = [values, f"dtype={self.dtype}"]
        if self._function is not None:
            parts.append(f"op={name_of(self._function)}")
        elif self._requires_grad:
            parts.append("requires_grad=True")
        return f"Tensor({', '.join(parts)}{f', label={self.label!r}' if self.label else ''})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self.size == 1 else format(repr(self), spec)

    # --------------------------------------------------------------------------- as a container

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of a 0-d tensor")
        return len(self._data)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self._data)))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self._data == plain(value)))

    def __getitem__(self, key: Any) -> Any:
        return apply(index, (self, plain_key(key)))

    def __setitem__(self, key: Any, value: Any) -> None:
        recording = is_grad_enabled()
        if self._function is not None or (self._requires_grad and recording):
            raise RuntimeError(
                "x[i] = v would change a tensor that a graph was built on. Make a new tensor with x.at[i].set(v) or "
                "np.where(mask, v, x), or change x.data[i] before the forward pass"
            )
        if isinstance(value, Node) and value._requires_grad and recording:
            raise RuntimeError("x[i] = v: v requires a gradient, which x would lose; use x.at[i].set(v)")
        self._data[plain_key(key)] = plain(value)
        self._touch()

    # ------------------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            raise wrong_call(ufunc, f".{method} has no rule; np.sum, np.prod, np.max and np.min do")
        return call(ufunc, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, (Tensor, np.ndarray)) for t in types):
            return NotImplemented
        return call(function, args, kwargs)


def call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What one of NumPy's functions does when it meets a Tensor: a composition, a plain answer, or a node."""
    if function in COMPOSED:
        return COMPOSED[function](*args, **kwargs)
    if function in PLAIN:
        if kwargs.get("out") is not None:
            raise wrong_call(function, "out= has no meaning for a tensor's array", "out")
        return function(*map(all_plain, args), **{name: all_plain(value) for name, value in kwargs.items()})
    return apply(function, args, kwargs)
