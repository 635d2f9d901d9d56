"""Signature: what a compiled function is given and gives back.

Arguments of the same shapes, dtypes and plain values are served by the same source. Read next: ``trace.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..node import Node
from ..tensor import Tensor
from ..value import Value
from .ir import Var, mapped
from .origins import CompileError
from .standin import TracedArray
from .trace import DATA, Trace


def key_of(value: Any, arrays: list[Any]) -> Any:
    """What is the same for calls that one source serves; the arrays are collected on the way."""
    kind = type(value)
    if kind is np.ndarray:
        arrays.append(value)
        return kind_of(value)
    if kind is tuple or kind is list:
        return kind, tuple([key_of(item, arrays) for item in value])
    if isinstance(value, Node):
        data = value._data
        if type(data) is float:
            raise CompileError("tt.compile: a Value is a single Python number; compile works on Tensors")
        same = next((k for k, array in enumerate(arrays) if array is data), None)  # one tensor in two places
        arrays.append(data)
        return kind_of(data), value._requires_grad, same
    if kind is float:
        arrays.append(value)
        return float
    if kind is dict:
        return dict, tuple((name, key_of(item, arrays)) for name, item in sorted(value.items()))
    if isinstance(value, np.ndarray | np.generic):
        arrays.append(np.asarray(value))
        return kind_of(value)
    try:
        hash(value)
    except TypeError:
        raise CompileError(
            f"tt.compile: an argument is of type {kind.__name__}; give arrays, Tensors, numbers, and lists of them"
        ) from None
    return kind, value


def kind_of(array: Any) -> Any:
    """The shape and the dtype; a dtype's own hash takes longer than all the rest of a key."""
    return array.shape, array.dtype.num, array.dtype.isnative


def argument_names(function: Any, count: int) -> list[str]:
    """The names of the first `count` positional parameters."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    named = list(code.co_varnames[: code.co_argcount]) if code is not None else []
    if hasattr(function, "__self__"):
        named = named[1:]
    return [named[k] if k < len(named) else f"argument_{k}" for k in range(count)]


def stand_ins(function: Any, args: Any, kwargs: Any, trace: Trace, arguments: list[tuple[str, Var]]) -> Any:
    """The arguments with traced arrays in the place of arrays; their Vars are collected with their names."""

    def stand_in(value: Any, name: str) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(stand_in(item, f"{name}_{k}") for k, item in enumerate(value))
        if isinstance(value, dict):
            return {key: stand_in(item, f"{name}_{key}") for key, item in sorted(value.items())}
        if not isinstance(value, Node | np.ndarray | np.generic | float):
            return value
        data = DATA.__get__(value) if isinstance(value, Node) else value
        var = Var(data if type(data) is float else np.asarray(data), source=("argument", len(arguments)))
        arguments.append((name, var))
        array = TracedArray(trace, var)
        if not isinstance(value, Node):
            return array
        if id(value) in known:
            return known[id(value)]
        tensor = Tensor._make(array)
        tensor._requires_grad = value._requires_grad
        known[id(value)] = tensor
        return tensor

    known: dict[int, Node] = {}  # a tensor that stands in two places is one tensor there
    names = argument_names(function, len(args))
    positional = tuple(stand_in(value, name) for value, name in zip(args, names, strict=True))
    return positional, {name: stand_in(value, name) for name, value in sorted(kwargs.items())}


class Slot:
    """The place of an array in a result."""

    __slots__ = ("index", "tensor")

    def __init__(self, index: int, tensor: bool) -> None:
        self.index, self.tensor = index, tensor


def outputs_of(result: Any, trace: Trace) -> tuple[list[Var], Any]:
    """The Vars that are returned, and the result with slots in their places."""
    found: list[Var] = []

    def slot(item: Any) -> Any:
        if isinstance(item, Value):
            raise CompileError("tt.compile: the function returns a Value; compile works on Tensors")
        if isinstance(item, Node):
            found.append(trace._operand(item._data))
            return Slot(len(found) - 1, True)
        if isinstance(item, TracedArray):
            found.append(item.var)
            return Slot(len(found) - 1, False)
        return item

    return found, mapped(result, slot)


def rebuilt(shape: Any, results: Any) -> Any:
    """The result, from the arrays that the source returned."""
    if type(shape) is Slot:
        if not shape.tensor:
            return results[shape.index]
        tensor = Tensor.__new__(Tensor)
        tensor._start(np.asarray(results[shape.index]))  # NumPy's results need not be looked at again
        return tensor
    return mapped(shape, lambda item: rebuilt(item, results) if type(item) is Slot else item)


def results_at(shape: Any, result: Any) -> list[Any]:
    """The data of what a function returned, where the slots of a traced result are."""
    if type(shape) is Slot:
        return [result._data if isinstance(result, Node) else result]
    if isinstance(shape, dict):
        return [found for name, inner in shape.items() for found in results_at(inner, result[name])]
    if isinstance(shape, (tuple, list)):
        return [found for inner, item in zip(shape, result, strict=True) for found in results_at(inner, item)]
    return []


def tensors_in(value: Any) -> list[Node]:
    """The tensors among arguments or results."""
    found: list[Node] = []
    mapped(value, lambda item: found.append(item) if isinstance(item, Node) else None)
    return found


def detached(item: Any) -> Any:
    """A result without its graph, in memory of its own."""
    return Tensor(np.array(item._data)) if isinstance(item, Tensor) else item


def left_outside(items: list[Any]) -> str:
    """The error for tensors, or arrays, that the function left outside."""
    arrays = [DATA.__get__(item) if isinstance(item, Node) else item for item in items]
    made = [array._var.op for array in arrays if isinstance(array, TracedArray) and array._var.op is not None]
    place = f"{made[-1].origin}\n  " if made else ""
    return (
        f"tt.compile: {place}What was made here is kept outside of the function (in a list, or an attribute). The "
        "source would not put the next one there: return it, and keep it outside."
    )
