"""Guards: what a trace took for granted, looked at before every call.

A model's modules and their flags, an optimizer's options, numbers in the function's closure: where one is another now,
the function is traced anew. Read next: ``binding.py``.
"""

from __future__ import annotations

from operator import attrgetter
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .. import creation
from ..nn.module import Module
from ..node import Node
from ..optim.base import Optimizer
from ..optim.schedules import LRScheduler
from .names import contents, functions_within, modules_and_tensors, names_in
from .trace import Trace

PLAIN = (int, float, bool, str, type(None))


NO_STATE = (FunctionType, BuiltinFunctionType, MethodType, type, np.ufunc, np.random.Generator, Optimizer, LRScheduler)
FEW = 64  # items of a container that are looked at before every call, and as many rows and columns of an array


class Guards:
    """What has to be as it was when the function was watched."""

    def __init__(self, function: Any, trace: Trace) -> None:
        self.containers: list[tuple[Any, list[Any]]] = []  # looked at when an attribute of some module was set
        self.lists: list[tuple[Any, list[Any]]] = []  # looked at always
        self.changes = Module._changes[0]
        seen: set[int] = set()
        functions = list(functions_within(function))
        for value in [*(v for f in functions for _, v in modules_and_tensors(f)), *trace.modules.values()]:
            if isinstance(value, Module):
                self._watch_module(value, seen)
        self.options = []
        for action in trace.host:
            if action[0] == "step":
                read = attrgetter("__class__", *(name for name in action[1]._options if name != "lr"))
                self.options.append((read, action[1], read(action[1])))
        kinds = (*PLAIN, Module, Node)
        free = [cell for f in functions for cell in f.__closure__ or ()]
        self.cells = [cell for cell in free if isinstance(contents(cell), kinds)]
        named = [(f.__globals__, name) for f in functions for name in names_in(f.__code__)]
        self.global_names = [(space, name) for space, name in named if isinstance(space.get(name), kinds)]
        self.named = self._named()
        self.used = frozenset(name for f in functions for name in names_in(f.__code__))
        self.owner = getattr(function, "__self__", None)
        self.defaults = [f.__defaults__ for f in functions if f.__defaults__]
        other = (*kinds, ModuleType, *NO_STATE)
        self.other_cells = [cell for cell in free if not isinstance(contents(cell), other)]
        self.other_names = [(space, name) for space, name in named if not isinstance(space.get(name), other)]
        self.state = self._state()
        self.generator = creation._default  # where manual_seed puts another
        self.draws = any(generator is self.generator for generator, _ in trace.generators.values())

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
        """What the code of the user's functions names: numbers, strings, modules and tensors."""
        return [cell.cell_contents for cell in self.cells] + [space.get(name) for space, name in self.global_names]

    def _state(self) -> list[Any]:
        """What stands in the containers, arrays and plain objects that the user's functions name."""
        found = [cell.cell_contents for cell in self.other_cells]
        found += [space.get(name) for space, name in self.other_names]
        found += self.defaults if self.owner is None else [*self.defaults, self.owner]
        return [frozen(value, self.used) for value in found]

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
            for read, optimizer, options in self.options:
                if read(optimizer) != options:
                    return False
            if self.draws and creation._default is not self.generator:
                return False
            return self._named() == self.named and self._state() == self.state
        except (ValueError, RuntimeError):  # the truth of a tensor that is compared with another one: exchanged
            return False


def frozen(value: Any, used: frozenset[str], depth: int = 3) -> Any:
    """A copy of what a value holds, to compare: of containers the items, of an object the attributes that are named."""
    kind = type(value)
    if isinstance(value, PLAIN):
        return kind, value
    if kind is np.ndarray and value.size <= FEW * FEW:
        return id(value), value.tobytes()
    if depth and kind in (list, tuple, dict) and len(value) <= FEW:
        items = value.items() if kind is dict else enumerate(value)
        return id(value), tuple([(key, frozen(item, used, depth - 1)) for key, item in items])
    if depth and hasattr(value, "__dict__") and not isinstance(value, (Module, Node, ModuleType, *NO_STATE)):
        attributes = vars(value)
        return id(value), tuple([(n, frozen(attributes[n], used, depth - 1)) for n in used & attributes.keys()])
    return id(value)
