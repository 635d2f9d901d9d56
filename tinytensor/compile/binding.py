"""Binding: a written program with its memory, tied to the tensors, optimizers and generators that it serves.

Parameters, gradients and buffers stay where every other part of tinytensor finds them: ``p.data`` is a view of the flat
array that the source works on. What was exchanged from outside (a loaded state, a new array, a frozen
parameter) is seen at the next call. Read next: ``compiled.py``.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from ..node import Node, now
from .families import Family
from .ir import Op, Var
from .source import Written
from .trace import Trace

Array = np.ndarray[Any, Any]


class Binding:
    """A compiled function for arguments of certain shapes and dtypes.

    Parameters
    ----------
    written : Written
    trace : Trace
        What was watched: the tensors, the optimizers' steps and the schedules.
    changed : set of Node
        The tensors whose data it changes.
    cleared : set of Node
        The tensors whose gradients are None at the end.
    filename : str
        What tracebacks call the source.
    """

    def __init__(self, written: Written, trace: Trace, changed: set[Node], cleared: set[Node], filename: str) -> None:
        self.written, self.host = written, trace.host
        self.changed, self.cleared = changed, cleared
        self.arrays: dict[str, Any] = {}
        self.data: list[tuple[Node, Array]] = []  # tensors and where their data have to be
        self.grads: list[tuple[Node, Array]] = []
        self.states: list[tuple[dict[str, Any], str, Array]] = []
        self.rates: list[tuple[int, Any, int, list[tuple[int, Array]]]] = []
        for kept in written.kept:
            self.arrays[kept.name] = self._array(kept.kind, kept.of)
        used = {var for op in trace.ops for var in op.inputs()}
        added_to = {node for node, (_, grad) in trace.tensors.items() if grad in used}
        self.inputs = [(node, view) for node, view in self.grads if node in added_to]
        self.flags = [(node, node._requires_grad) for node, _ in self.data]
        self.versions = [node._version for node in changed]
        self.prepare = load(written.text, filename, written.helpers)
        self.step = self.prepare(**self.arrays)

    # -------------------------------------------------------------------------------------- memory

    def _array(self, kind: str, of: Any) -> Any:
        """What ``prepare`` gets, with the values of now in it."""
        if kind == "flat":
            return self._flat(of)
        if kind == "tensor":
            self.data.append((of, of._data))
            return of._data
        if kind == "grad":
            grad = np.zeros_like(of._data) if of._grad is None else np.array(of._grad)
            self.grads.append((of, grad))
            return grad
        if kind == "state":
            _, optimizer, position, name = of.source
            state = optimizer._state[position]
            self.states.append((state, name, state[name]))
            return state[name]
        if kind == "rate":
            return self._rate(of)
        return of

    def _flat(self, family: Family) -> Array:
        flat = np.zeros(family.flat.shape, family.flat.dtype)
        for member, node, (start, stop, shape) in zip(family.members, family.nodes, family.bounds(), strict=True):
            view = flat[start:stop].reshape(shape)
            if family.flat.op is not None:
                if node._grad is not None:
                    view[...] = node._grad
                self.grads.append((node, view))
                continue
            view[...] = member.value
            if member.source is not None and member.source[0] == "state":
                _, optimizer, position, name = member.source
                self.states.append((optimizer._state[position], name, view))
            else:
                self.data.append((node, view))
        return flat

    def _rate(self, var: Var) -> Array:
        _, step, optimizer, position, k = var.source  # type: ignore[misc]  # a rate's source
        array = np.array(var.value)
        for known_step, _, known_position, arrays in self.rates:
            if (known_step, known_position) == (step, position):
                arrays.append((k, array))
                return array
        self.rates.append((step, optimizer, position, [(k, array)]))
        return array

    def adopt(self) -> None:
        """Take the tensors' and optimizers' values, and have them look at this memory from now on."""
        for node, view in self.data:
            if node._data is not view:
                np.copyto(view, node._data)
                node._data = view
        for state, name, view in self.states:
            if state[name] is not view:
                np.copyto(view, state[name])
                state[name] = view
        for node, view in self.grads:
            if node._grad is not view:
                np.copyto(view, 0 if node._grad is None else node._grad)
                if node._grad is not None:
                    node._grad = view

    def fits(self) -> bool:
        """Whether shapes, dtypes and flags are still those of the trace."""
        return all(
            node._data.shape == view.shape and node._data.dtype == view.dtype for node, view in self.data
        ) and all(node._requires_grad is flag for node, flag in self.flags)

    # -------------------------------------------------------------------------------------- running

    def run(self, arrays: list[Any]) -> Any:
        """One call: the source on these arrays, and what Python has to do around it."""
        for node, view in self.data:
            if node._data is not view:
                self.adopt()
                break
        for state, name, view in self.states:
            if state[name] is not view:
                self.adopt()
                break
        for node, view in self.inputs:
            if node._grad is not view:
                np.copyto(view, 0 if node._grad is None else node._grad)
        if self.host:
            results = self._run_with_host(arrays)
        else:
            results = self.step(*arrays)
        for node, view in self.grads:
            node._grad = None if node in self.cleared else view
        if self.versions:
            time = now()
            for version in self.versions:
                version[0] = time
        return results

    def _run_with_host(self, arrays: list[Any]) -> Any:
        self._act()
        try:
            return self.step(*arrays)
        except Exception:  # such as a label out of range: nothing was computed, so nothing has been counted
            for action in reversed(self.host):
                if action[0] == "schedule":
                    action[1].last_epoch -= 1
                    action[1]._write()
                else:
                    for position in action[2]:
                        state = action[1]._state[position]
                        state.update({"step": state["step"] - 1} if "step" in state else {})
            raise

    def _act(self) -> None:
        """What optimizers and schedules do in Python: count, and give the rates of this step."""
        for index, action in enumerate(self.host):
            if action[0] == "schedule":
                action[1].step()
                continue
            _, optimizer, positions = action
            for position in positions:
                optimizer._begin(None, optimizer._state[position])
            for step, _, position, arrays in self.rates:
                if step == index:
                    values = optimizer._rates(optimizer._state[position])
                    for k, array in arrays:
                        array[()] = values[k]

    def prepared_to_show(self, seen: Callable[[Op, dict[Var, Any], Any], None]) -> Callable[..., Any]:
        """The same step, which shows every call to `seen`: the call, its operands and its result."""

        def show(index: int, operands: tuple[Any, ...], result: Any) -> None:
            op = self.written.ops[index]
            seen(op, dict(zip(op.inputs(), operands, strict=True)), result)

        step: Callable[..., Any] = load(
            self.written.shown, "<tinytensor.compile>", {**self.written.helpers, "_seen": show}
        )(**self.arrays)
        return step


def load(text: str, filename: str, names: dict[str, Any]) -> Callable[..., Any]:
    """Run the source's text, and give its ``prepare``."""
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = dict(names)
    exec(compile(text, filename, "exec"), namespace)
    prepare: Callable[..., Any] = namespace["prepare"]
    return prepare
