"""Guards: what a trace took for granted, looked at before every call.

A model's modules and their flags, an optimizer's options, numbers in the function's closure: where one is another now, the
function is traced anew. Read next: ``binding.py``.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..nn.module import Module
from ..node import Node
from .names import modules_and_tensors
from .trace import Trace

PLAIN = (int, float, bool, str, type(None))


class Guards:
    """What has to be as it was when the function was watched."""

    def __init__(self, function: Any, trace: Trace) -> None:
        self.containers: list[tuple[Any, list[Any]]] = []  # looked at when an attribute of some module was set
        self.lists: list[tuple[Any, list[Any]]] = []  # looked at always
        self.changes = Module._changes[0]
        seen: set[int] = set()
        for _, value in modules_and_tensors(function):
            if isinstance(value, Module):
                self._watch_module(value, seen)
        self.options = []
        for action in trace.host:
            if action[0] == "step":
                read = attrgetter("lr.__class__", *(name for name in action[1]._options if name != "lr"))
                self.options.append((read, action[1], read(action[1])))
        kinds = (*PLAIN, Module, Node)
        code, free = getattr(function, "__code__", None), getattr(function, "__closure__", None) or ()
        self.cells = [cell for cell in free if isinstance(_contents(cell), kinds)]
        self.globals = getattr(function, "__globals__", {})
        named = code.co_names if code is not None else ()
        self.global_names = [name for name in named if isinstance(self.globals.get(name), kinds)]
        self.named = self._named()

    def _watch_module(self, module: Module, seen: set[int]) -> None:
        if id(module) in seen:
            return
        seen.add(id(module))
        attributes = vars(module)
        self.containers.append((attributes, list(attributes.values())))
        for value in attributes.values():
            self._watch(value, seen)

    def _watch(self, value: Any, seen: set[int]) -> None:
        if isinstance(value, Module):
            self._watch_module(value, seen)
        elif isinstance(value, (list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, list):
                self.lists.append((value, list(value)))
            for item in value:
                self._watch(item, seen)
        elif isinstance(value, dict) and id(value) not in seen:
            seen.add(id(value))
            self.lists.append((value, list(value.values())))
            for item in value.values():
                self._watch(item, seen)

    def _named(self) -> list[Any]:
        """What the function's own code names: numbers, strings, modules and tensors."""
        return [cell.cell_contents for cell in self.cells] + [self.globals.get(name) for name in self.global_names]

    def hold(self) -> bool:
        """Whether all is still so. Lists compare the same objects first, so this takes about a microsecond."""
        try:
            if self.changes != Module._changes[0]:
                if any(list(attributes.values()) != values for attributes, values in self.containers):
                    return False
                self.changes = Module._changes[0]
            for container, values in self.lists:
                if (list(container.values()) if type(container) is dict else container) != values:
                    return False
            for read, optimizer, values in self.options:
                if read(optimizer) != values:
                    return False
            return self._named() == self.named
        except (ValueError, RuntimeError):  # the truth of a tensor that is compared with another one: exchanged
            return False


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return cell
