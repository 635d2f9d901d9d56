"""TracedArray: it stands where an array would, computes what the array would, and writes the call down.

It speaks NumPy's protocols, so that the engine, the rules and the optimizers run on it as they are. It is no ndarray
on purpose: whatever would turn it into one, or look at its values (`if`, `float`, `print`), would lose the
trace unseen, and is an error that says in which line. Read next: ``trace.py``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..node import Node, StandIn
from ..tensor import call
from . import vocabulary as words
from .ir import Var, mapped
from .origins import ShapeError


class TracedArray(NDArrayOperatorsMixin, StandIn):
    """An array of a traced program.

    Parameters
    ----------
    trace : Trace
        Where its calls are written down.
    var : Var
        The value that it has now; an update in place gives it another.
    owner : TracedArray, optional
        The array that it is a view of.
    """

    __slots__ = ("__weakref__", "_age", "_changes", "_owner", "_trace", "_var")

    def __init__(self, trace: Any, var: Var, owner: TracedArray | None = None) -> None:
        self._trace, self._var, self._changes = trace, var, 0
        self._owner = owner
        self._age = 0 if owner is None else owner._changes

    # ------------------------------------------------------------------- what may be known: no values

    @property
    def var(self) -> Var:
        """The value that it has now."""
        if self._owner is not None and self._owner._changes != self._age:
            raise self._trace.cannot("a view was used after the array that it looks at was changed in place; copy it")
        return self._var

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each axis."""
        return self._var.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return self._var.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.size(self._var.value))

    @property
    def nbytes(self) -> int:
        """The bytes of the elements."""
        return int(self._var.value.nbytes)

    base = None  # a Var never changes, so nobody needs to know with whom memory is shared

    def __len__(self) -> int:
        return len(self._var.value)

    # ------------------------------------------------------------------------------- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if any(isinstance(value, Node) for value in inputs):
            return NotImplemented  # a tensor's own way: the result has a graph
        if method == "at":
            return self._trace.scatter(ufunc, *inputs)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        result = self._trace.record(function, inputs, kwargs)
        return result if out is None else self._trace.store(out, result)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Node) for kind in types):
            return call(function, args, kwargs)  # a tensor's own way: the result has a graph
        if function in words.ALIKE and not any(isinstance(arg, StandIn) for arg in args[1:]):
            return self._trace.constant(function(*mapped(args, concrete), **mapped(kwargs, concrete)))
        if function in words.SHAPE_ONLY:
            return function(*mapped(args, concrete), **mapped(kwargs, concrete))
        if function in words.LOOKING:
            self.leave(f"np.{function.__name__} (or print)")
        if function in words.BY_DATA or (function in words.BY_COUNT and any(isinstance(a, StandIn) for a in args[1:2])):
            raise self._trace.cannot(f"the shape of np.{function.__name__}'s result depends on the data", ShapeError)
        kwargs = dict(kwargs)
        if function is np.copy and isinstance(args[0], TracedArray):
            return args[0].copy()
        if function is np.copyto:
            return self._copyto(*args, **kwargs)
        out = kwargs.pop("out", None)
        result = self._trace.record(function, args, kwargs)
        return result if out is None else self._trace.store((out,), result)

    def _copyto(self, target: Any, source: Any, where: Any = True) -> None:
        new = source if where is True else np.where(where, source, target)
        if isinstance(target, TracedArray):
            target[...] = new
        else:
            self._trace.store((target,), self._trace.record(words.fitted_to, (new, target.shape, target.dtype), {}))

    # ------------------------------------------------------------------------------------- as an array

    def __getitem__(self, key: Any) -> Any:
        for part in key if isinstance(key, tuple) else (key,):
            if isinstance(part, TracedArray) and part.dtype.kind == "b":
                raise self._trace.cannot(
                    "x[mask] has as many elements as the mask has True; use np.where(mask, x, 0)", ShapeError
                )
        return self._trace.record(words.getitem, (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        whole = key is Ellipsis or key == slice(None)
        if whole:
            new = self._trace.record(words.fitted_to, (value, self.shape, self.dtype), {})
        else:
            new = self._trace.record(words.updated, (self, key, value), {})
        self.become(new.var)

    def become(self, var: Var) -> None:
        """Have another value from now on: what an update in place does."""
        if self._owner is not None:
            raise self._trace.cannot("a view was changed in place; change the array that it looks at, or copy it first")
        self._var = var
        self._changes += 1

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """The same values in another dtype."""
        dtype = np.dtype(dtype)
        return self.copy() if dtype == self.dtype else self._trace.record(words.astype, (self, dtype), {})

    def copy(self, order: str = "C") -> TracedArray:
        """Another array with the same value; nothing to compute, since a value never changes."""
        return TracedArray(self._trace, self.var)

    __copy__ = copy

    def view(self, dtype: Any) -> Any:
        """The same bytes read as another dtype."""
        return self._trace.record(words.reinterpreted, (self, np.dtype(dtype)), {})

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The same elements in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        return np.reshape(self, wanted, order=order)  # type: ignore[call-overload]  # as ndarray.reshape

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order."""
        if not axes or axes == (None,):
            return np.transpose(self)
        return np.transpose(self, axes[0] if len(axes) == 1 else axes)

    @property
    def T(self) -> Any:
        """The axes in reverse order."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return np.swapaxes(self, -1, -2)

    @property
    def flat(self) -> Any:
        """An iterator over elements, which are not known yet."""
        raise self._trace.cannot(".flat reads the elements; use np.ravel(x)")

    def __getattr__(self, name: str) -> Any:
        # The other methods of an array are NumPy's functions of the same name.
        if name.startswith("_") or not hasattr(np.ndarray, name) or not hasattr(np, name):
            raise AttributeError(f"a traced array has no {name}")
        return partial(getattr(np, name), self)

    # ----------------------------------------------------------------------------- what a trace can't hold

    def leave(self, how: str) -> Any:
        """Refuse what would read the values."""
        raise self._trace.cannot(f"{how} reads a value that is only known when the compiled function runs")

    def __bool__(self) -> bool:
        return bool(self.leave("a branch (if, while, and, or, not, bool)"))

    def __float__(self) -> float:
        return float(self.leave("float()"))

    def __int__(self) -> int:
        return int(self.leave("int()"))

    def __index__(self) -> int:
        return int(self.leave("use as an index of a list or range"))

    def __complex__(self) -> complex:
        return complex(self.leave("complex()"))

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool(self.leave("in"))

    def item(self, *args: Any) -> Any:
        """Refused: a number is not known yet."""
        return self.leave(".item()")

    def tolist(self) -> Any:
        """Refused: numbers are not known yet."""
        return self.leave(".tolist()")

    def tobytes(self) -> Any:
        """Refused: bytes are not known yet."""
        return self.leave(".tobytes()")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.leave("np.asarray() or np.array(), or a write into a plain array,")

    def __repr__(self) -> str:
        return f"TracedArray(shape={self.shape}, dtype={self.dtype})"

    def __str__(self) -> str:
        return str(self.leave("print() or str()"))

    def __format__(self, spec: str) -> str:
        return str(self.leave("a format string"))


def concrete(value: Any) -> Any:
    """The array that a traced one stands for; anything else as it is."""
    return value._var.value if isinstance(value, TracedArray) else value
