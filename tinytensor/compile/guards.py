"""Guards: what a trace took for granted, looked at before every call.

A model's modules and their flags, an optimizer's options, numbers in the function's closure: where one is another now, the
function is traced anew. Read next: ``binding.py``.
"""

from __future__ import annotations

from typing import Any

from ..nn.module import Module
from ..node import Node
from .binding import Binding
from .names import modules_and_tensors
from .trace import Trace

PLAIN = (int, float, bool, str, type(None))


class Guards:
    """What has to be as it was when the function was watched."""

    def __init__(self, function: Any, binding: Binding, trace: Trace) -> None:
        self.function, self.binding = function, binding
        self.containers: list[tuple[Any, list[Any]]] = []
        seen: set[int] = set()
        for _, value in modules_and_tensors(function):
            if isinstance(value, Module):
                self._watch_module(value, seen)
        self.options = [
            (a[1], [getattr(a[1], name) for name in a[1]._options if name != "lr"])
            for a in trace.host
            if a[0] == "step"
        ]
        self.names = self._plain_names()

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
                self.containers.append((value, list(value)))
            for item in value:
                self._watch(item, seen)
        elif isinstance(value, dict) and id(value) not in seen:
            seen.add(id(value))
            self.containers.append((value, list(value.values())))
            for item in value.values():
                self._watch(item, seen)

    def _plain_names(self) -> list[tuple[str, Any]]:
        """The numbers, strings, modules and tensors that the function's own code names, and what they are."""
        kinds = (*PLAIN, Module, Node)
        return [(name, value) for name, value in modules_and_tensors(self.function) if isinstance(value, kinds)]

    def hold(self) -> bool:
        """Whether all is still so."""
        for container, values in self.containers:
            now = list(container.values()) if type(container) is dict else container
            if len(now) != len(values) or any(a is not b for a, b in zip(now, values, strict=True)):
                return False
        if self.names:
            now = self._plain_names()
            if len(now) != len(self.names) or any(
                a is not b and not (type(a) in PLAIN and type(a) is type(b) and a == b)
                for (_, a), (_, b) in zip(now, self.names, strict=True)
            ):
                return False
        for optimizer, options in self.options:
            if [getattr(optimizer, name) for name in optimizer._options if name != "lr"] != options:
                return False
        return self.binding.fits()
