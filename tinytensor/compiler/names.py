"""Names: what every value is called in the source.

The model's names, the user's own local names, ``d_…`` for gradients, and else what computes it.
Read next: ``phrases.py``.
"""

from __future__ import annotations

import builtins
import dis
import keyword
import re
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

from ..lines import OURS
from ..nn.module import Module
from ..node import Node
from ..optim.base import Optimizer
from ..tensor import Tensor

RESERVED = {*keyword.kwlist, *dir(builtins), "np", "aligned", "step", "prepare", "zeros", "state", "d_"}


class Names:
    """Gives every value a name that no other has."""

    def __init__(self) -> None:
        self._taken: set[str] = set(RESERVED)
        self.of: dict[Any, str] = {}

    def give(self, item: Any, wish: str) -> str:
        """A name for a value, `wish` where it is free."""
        wish = identifier(wish)
        name, count = wish, 1
        while name in self._taken:
            count += 1
            name = f"{wish}_{count}"
        self._taken.add(name)
        self.of[item] = name
        return name


def identifier(wish: str) -> str:
    """Words as a Python identifier."""
    name = re.sub(r"\W+", "_", wish).strip("_") or "value"
    return f"_{name}" if name[0].isdigit() else name


def modules_and_tensors(function: Any) -> Iterator[tuple[str, Any]]:
    """The modules, optimizers and tensors that a function can name: in its closure, its globals and its self."""
    owner = getattr(function, "__self__", None)
    function = getattr(function, "__func__", function)
    if owner is not None:
        yield "self", owner
        if not isinstance(owner, Module):
            yield from vars(owner).items() if hasattr(owner, "__dict__") else ()
    if not isinstance(function, FunctionType):
        return
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    yield from ((name, function.__globals__[name]) for name in globals_of(code) if name in function.__globals__)


def names_of_tensors(function: Any) -> dict[Node, str]:
    """A name for each tensor that a function reaches through what it names."""
    found: dict[Node, str] = {}
    reached = [(n, v) for n, v in modules_and_tensors(function) if isinstance(v, (Module, Tensor, Optimizer))]
    models = [name for name, value in reached if isinstance(value, Module)]
    for name, value in reached:
        if isinstance(value, Module):
            prefix = "" if len(models) == 1 else f"{name}."
            for path, tensor in value._named_tensors().items():
                found.setdefault(tensor, prefix + path)
        elif isinstance(value, Tensor):
            found.setdefault(value, value.label or name)
    for _, value in reached:
        if isinstance(value, Optimizer):
            for position, tensor in enumerate(value.parameters):
                found.setdefault(tensor, tensor.label or f"parameter_{position}")
    return found


def functions_within(function: Any) -> Iterator[FunctionType]:
    """The user's functions that a function can name, itself first, and those that they can name in turn."""
    seen: set[int] = set()
    stack = [function]
    while stack:
        value = stack.pop()
        value = getattr(value, "function", value) if type(value).__name__ == "Compiled" else value
        value = getattr(value, "__func__", value)
        if not isinstance(value, FunctionType) or id(value) in seen or value.__code__.co_filename.startswith(OURS):
            continue
        seen.add(id(value))
        yield value
        stack += [contents(cell) for cell in value.__closure__ or ()]
        stack += [value.__globals__.get(name) for name in globals_of(value.__code__)]


def names_in(code: CodeType) -> Iterator[str]:
    """The names, attributes' too, in a function's code and in that of the functions written inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def globals_of(code: CodeType) -> list[str]:
    """The globals that code reads, and that of the functions written inside it; `co_names` has attributes too."""
    loads = [i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in globals_of(constant)]
    return list(dict.fromkeys(loads + inner))


def contents(cell: Any) -> Any:
    """What a closure's cell holds; the cell itself where nothing is assigned yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return cell
