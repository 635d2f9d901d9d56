"""Value: the scalar of the lecture, kept as the 0-d special case of a Tensor.

The rules, the graph and the walk are the engine's. What is special here: data and gradient are
Python floats (no arrays, so it is fast), the gradient starts at 0.0, and ``a - b`` and ``a / b`` are
built from ``+``, ``*`` and ``**`` as in the lecture, so that the graph drawn is the lecture's.
Read next: ``scalar.py``, the lecture's network.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import engine
from .arrays import Number, python_number, real_power, to_leaf, to_number
from .modes import mode
from .node import NOTHING, Node, changes, changing, now
from .primitives import relu
from .rules.table import RULES, SYMBOLS, name_of
from .tensor import Tensor

UNCHANGED = [0]  # the version of every number that never changed


class Value(Tensor):
    """A number with a gradient.

    Parameters
    ----------
    data : float
        The number.
    _children : iterable of Value
        What it was computed from, for an operation written by hand as in the lecture.
    _op : str
        The name of that operation, for drawings.
    label : str
        A name, for drawings.

    Examples
    --------
    >>> from tinytensor import Value
    >>> a = Value(2.0, label="a")
    >>> b = Value(-3.0, label="b")
    >>> c = a * b + 10
    >>> c.backward()
    >>> c
    Value(data=4.0, grad=1.0)
    >>> a.grad, b.grad
    (-3.0, 2.0)
    """

    __slots__ = ("_by_hand", "_symbol")

    _by_hand: Callable[[], None] | None
    _symbol: str

    def __init__(self, data: Any, _children: Any = (), _op: str = "", label: str = "") -> None:
        self._data = data if type(data) is float else to_leaf(data)
        self._requires_grad = True
        self._grad = 0.0
        self._args = self._operands = tuple(_children)
        self._function = written_by_hand if self._args else None
        self._kwargs = NOTHING
        self._time, self._version = now(), UNCHANGED
        self.label = label
        self._by_hand, self._symbol = None, _op

    @classmethod
    def _make(cls, data: Any) -> Node:
        """A Value where one number came out of Values and numbers, a Tensor otherwise."""
        if np.ndim(data) or np.asarray(data).dtype.kind != "f":
            return Tensor._make(data)
        return cls(float(data))

    # ------------------------------------------------------------------- a number, not an array

    shape, ndim, size, dtype = (), 0, 1, np.dtype(np.float64)

    def _touch(self) -> None:
        with changing:
            self._version = changes[:] = [now()]

    @property
    def data(self) -> Any:
        """The number."""
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        self._data = to_number(value)
        self._touch()

    @property
    def grad(self) -> Any:
        """The gradient, 0.0 at the start."""
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        self._grad = 0.0 if value is None else to_number(value)

    def item(self) -> Any:
        """The number."""
        return self._data

    tolist = item

    def __repr__(self) -> str:
        return f"Value(data={self._data}, grad={self._grad})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    @property
    def _op(self) -> str:
        if self._function is np.power and not isinstance(self._args[1], Node):
            return f"**{self._args[1]}"
        return self._symbol or (SYMBOLS.get(name := name_of(self._function), name) if self._function else "")

    # ------------------------------------------------------------- operators, as in the lecture

    def __add__(self, other: Any) -> Any:
        return scalar(np.add, self, other)

    def __mul__(self, other: Any) -> Any:
        return scalar(np.multiply, self, other)

    def __pow__(self, other: Any) -> Any:
        return scalar(np.power, self, other)

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + (-python_number(other)) if is_scalar(other) else super().__sub__(other)

    def __truediv__(self, other: Any) -> Any:
        return self * python_number(other) ** -1 if is_scalar(other) else super().__truediv__(other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Any:
        return other + (-self)

    def __rtruediv__(self, other: Any) -> Any:
        return other * self**-1

    def __rpow__(self, other: Any) -> Any:
        return Value(other) ** self if isinstance(other, Number) else super().__rpow__(other)

    def exp(self) -> Any:
        """e to the power of the number."""
        return scalar(np.exp, self)

    def tanh(self) -> Any:
        """The hyperbolic tangent."""
        return scalar(np.tanh, self)

    def relu(self) -> Any:
        """max(x, 0); its slope at 0 is 0."""
        return scalar(relu, self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """A NumPy number on the left: ``np.float64(2) * v`` is ``2.0 * v``."""
        if all(map(is_scalar, inputs)) and method == "__call__" and not kwargs and ufunc in LECTURE:
            return LECTURE[ufunc](*(x if isinstance(x, Value) else Value(x) for x in inputs))
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    # ----------------------------------------------------------------------------------- backward

    def backward(self, gradient: Any = None) -> None:
        """Compute the gradient of this number with respect to everything that it was made from.

        Examples
        --------
        >>> from tinytensor import Value
        >>> a = Value(3.0)
        >>> (a + a).backward()  # used twice: both uses count
        >>> a.grad
        2.0
        """
        seed = 1.0 if gradient is None else to_number(gradient)
        order: list[Any] = engine.newest_first(self)
        for node in order:  # leaves accumulate, the others start anew
            if node._function is not None:
                node._grad = 0.0
        self._grad += seed
        for node in order:
            if node._function not in SCALAR or node._by_hand is not None or changes[0] > node._time:
                node._backward()
                continue
            # The engine's chain rule in a fifth of its time: floats always fit, and nothing has changed.
            of: Any = RULES[node._function].vjps
            x, y = node._args[0], node._args[-1]
            given: Any = (node._grad, node._data, x._data)
            if len(of) == 2:
                given += (y._data if isinstance(y, Value) else y,)  # an exponent may be a number
                if isinstance(y, Value) and y._requires_grad:
                    y._grad += float(of[1](*given))
            if x._requires_grad:
                x._grad += float(of[0](*given))

    @property
    def _backward(self) -> Callable[[], None]:
        """One step of the chain rule: add to the operands' gradients what this node passes on.

        Assignable, as in the lecture, for an operation written by hand.
        """
        return self._by_hand or self._apply_rule

    @_backward.setter
    def _backward(self, step: Callable[[], None]) -> None:
        self._by_hand = step

    def _apply_rule(self) -> None:
        if self._function not in (None, written_by_hand):
            for node, part in engine.chain_rule(self, self._grad):
                node._grad = part if node._grad is None else node._grad + part


def written_by_hand(*args: Any) -> None:
    """The function of a Value made with ``_children``: only its ``_backward`` knows what it is."""


# The same functions on Python floats: without an array in between they are some ten times faster.
SCALAR: dict[Any, Callable[..., float]] = {
    np.add: operator.add, np.multiply: operator.mul, np.power: real_power, np.exp: math.exp, np.tanh: math.tanh,
    relu: lambda x: max(x, 0.0),
}  # fmt: skip

LECTURE: dict[Any, Callable[..., Any]] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.negative: operator.neg, np.power: operator.pow, np.exp: Value.exp, np.tanh: Value.tanh,
}  # fmt: skip


def is_scalar(operand: Any) -> bool:
    """Whether an operand leaves a Value's result a Value."""
    return isinstance(operand, (Value, *Number)) and not isinstance(operand, np.complexfloating)


def scalar(function: Any, x: Value, *others: Any) -> Any:
    """Apply a function of Values and numbers; with a Tensor or an array, the engine's general way."""
    operands: tuple[Any, ...] = (x,)
    data: tuple[Any, ...] = (x._data,)
    for other in others:
        if not isinstance(other, Value):
            if not is_scalar(other):
                return engine.apply(function, (x, *others))
            # As in the lecture, where the exponent is not a node.
            other = python_number(other) if function is np.power else Value(other)
        operands = (x, other)
        data = (x._data, other._data if isinstance(other, Value) else other)
    try:
        result = Value(SCALAR[function](*data))
    except (ArithmeticError, ValueError) as error:
        raise type(error)(f"{name_of(function)}({', '.join(map(repr, data))}): {error}") from None
    if mode.recording:
        result._function, result._args = function, operands
        result._operands = operands if isinstance(operands[-1], Value) else operands[:1]
    return result
