"""Binding: a written program with its memory, tied to the tensors, optimizers and generators that it serves.

Parameters, gradients and buffers stay where every other part of tinytensor finds them: ``p.data`` is a view of the flat
array that the source works on. What was exchanged from outside (a loaded state, a new array, a frozen
parameter) is seen at the next call. Read next: ``compiled.py``.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..node import Node, stamp
from ..quick import aligned
from ..threads import share
from . import vocabulary as words
from .families import Family
from .ir import Op, Var
from .source import Written
from .trace import Trace

Array = np.ndarray[Any, Any]


@dataclass
class Rate:
    """The numbers of one optimizer step, and the 0-d arrays that the source reads them from."""

    step: int
    position: int
    arrays: list[tuple[int, Array]] = field(default_factory=list)
    values: tuple[float, ...] | None = None


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
        self.data: list[tuple[Node, Array, bool]] = []  # tensors and where their data have to be
        self.grads: list[tuple[Node, Array]] = []
        self.states: list[tuple[Any, int, str, Array]] = []  # optimizers' buffers and where they have to be
        self.rates: list[Rate] = []
        for kept in written.kept:
            self.arrays[kept.name] = self._array(kept.kind, kept.of)
        self.captured = {id(node) for node in trace.tensors}
        self._alive = list(trace.tensors)  # so that their ids stay theirs
        used = {var for op in trace.ops for var in op.inputs()}
        added_to = {node for node, (_, grad) in trace.tensors.items() if grad in used}
        self.inputs = [(node, view) for node, view in self.grads if node in added_to]
        self.grads_after: list[tuple[Node, Any]] = [(node, view) for node, view in self.grads if node not in cleared]
        self.grads_after += [(node, None) for node in cleared]
        self.versions = [node._version for node in changed]
        self.prepare = load(written.text, filename, written.helpers)
        self.step = self.prepare(**self.arrays)

    # -------------------------------------------------------------------------------------- memory

    def _array(self, kind: str, of: Any) -> Any:
        """What ``prepare`` gets, with the values of now in it."""
        if kind == "flat":
            return self._flat(of)
        if kind == "tensor":
            self.data.append((of, of._data, of._requires_grad))
            return of._data
        if kind == "grad":
            grad = np.empty_like(of._data)  # in its tensor's layout, whatever a gradient from outside has
            grad[...] = 0 if of._grad is None else of._grad
            self.grads.append((of, grad))
            return grad
        if kind == "state":
            _, optimizer, position, name = of.source
            array = optimizer._state[position][name]
            self.states.append((optimizer, position, name, array))
            return array
        if kind == "rate":
            return self._rate(of)
        return of

    def _flat(self, family: Family) -> Array:
        flat = aligned(family.flat.shape, family.flat.dtype)
        flat[...] = 0
        for member, node, bounds in zip(family.members, family.nodes, family.bounds(), strict=True):
            view = words.member(flat, *bounds)
            if family.flat.op is not None:
                if node._grad is not None:
                    view[...] = node._grad
                self.grads.append((node, view))
                continue
            view[...] = member.value
            if member.source is not None and member.source[0] == "state":
                _, optimizer, position, name = member.source
                self.states.append((optimizer, position, name, view))
            else:
                self.data.append((node, view, node._requires_grad))
        return flat

    def _rate(self, var: Var) -> Array:
        _, step, _, position, k = var.source  # type: ignore[misc]  # a rate's source
        rate = next((r for r in self.rates if (r.step, r.position) == (step, position)), None)
        if rate is None:
            rate = Rate(step, position)
            self.rates.append(rate)
        array = np.array(var.value)
        rate.arrays.append((k, array))
        return array

    def adopt(self) -> None:
        """Take the tensors' and optimizers' values, and have them look at this memory from now on."""
        for node, view, _ in self.data:
            if node._data is not view:
                np.copyto(view, node._data)
                node._data = view
        for optimizer, position, name, view in self.states:
            state = optimizer._state[position]
            if state[name] is not view:
                np.copyto(view, state[name])
                state[name] = view
        for node, view in self.grads:
            if node._grad is not view:
                np.copyto(view, 0 if node._grad is None else node._grad)
                if node._grad is not None:
                    node._grad = view

    def fits(self) -> bool:
        """Take what was exchanged from outside; whether shapes, dtypes and flags are still those of the trace."""
        for node, view, flag in self.data:
            if node._data is not view or node._requires_grad is not flag:
                return self._exchanged()
        for optimizer, position, name, view in self.states:
            if optimizer._state[position].get(name) is not view:
                return self._exchanged()
        return True

    def apart(self, nodes: list[Node]) -> bool:
        """Whether tensors given as arguments are none that the function reaches by itself."""
        return self.captured.isdisjoint(map(id, nodes))

    def _exchanged(self) -> bool:
        same = all(
            node._data.shape == view.shape and node._data.dtype == view.dtype and node._requires_grad is flag
            for node, view, flag in self.data
        ) and all(name in optimizer._state[position] for optimizer, position, name, _ in self.states)
        if same:
            self.adopt()
        return same

    # -------------------------------------------------------------------------------------- running

    def run(self, arrays: list[Any]) -> Any:
        """One call: the source on these arrays, and what Python has to do around it."""
        share()
        for node, view in self.inputs:
            if node._grad is not view:
                np.copyto(view, 0 if node._grad is None else node._grad)
        results = self._run_with_host(arrays) if self.host else self.step(*arrays)
        for node, grad in self.grads_after:
            node._grad = grad
        if self.versions:
            stamp(self.versions)  # older results can't be differentiated with the new data
        return results

    def _run_with_host(self, arrays: list[Any]) -> Any:
        for index, action in enumerate(self.host):
            if action[0] == "schedule":
                action[1].step()
            else:
                self._count_and_rate(index, action[1], action[2])
        try:
            return self.step(*arrays)
        except Exception:  # such as a label out of range: nothing was computed, so nothing has been counted
            self._take_back()
            raise

    def _count_and_rate(self, index: int, optimizer: Any, positions: list[int]) -> None:
        """What an optimizer does in Python: count its steps, and give the rates of this one."""
        if optimizer._buffers and "step" in optimizer._state[positions[0]]:
            for position in positions:
                optimizer._state[position]["step"] += 1
        for rate in self.rates:
            if rate.step == index:
                values = optimizer._rates(optimizer._state[rate.position])
                if values != rate.values:  # a rate that stays is not written again
                    rate.values = values
                    for k, array in rate.arrays:
                        array[()] = values[k]

    def _take_back(self) -> None:
        for action in reversed(self.host):
            if action[0] == "schedule":
                action[1].last_epoch -= 1
                action[1]._write()
            else:
                for position in action[2]:
                    state = action[1]._state[position]
                    state.update({"step": state["step"] - 1} if "step" in state else {})

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
