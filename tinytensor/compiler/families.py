"""Families: the parameters that an optimizer updates alike lie side by side in one flat array.

An optimizer makes the same elementwise calls for every parameter. Where all parameters go through a call, it is made
once, on the flat arrays: a few calls for the whole model, however many layers it has. Read next: ``memory.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np

from ..node import Node
from . import vocabulary as words
from .ir import Op, Var
from .simplify import Program, call, drop_unused


@dataclass
class Family:
    """Arrays side by side in a flat one, in the order of the parameters.

    Attributes
    ----------
    name : str
        What the flat array is called: parameters, gradients, velocity.
    members : list of Var
        The arrays, as they are at the start of a call; for gradients, as they arrive.
    nodes : list of Node
        The parameters that they belong to.
    flat : Var
        All of them, in one dimension.
    after : Var or None
        The flat array at the end of a call, where it is another value.
    """

    name: str
    members: list[Var]
    nodes: list[Node]
    flat: Var
    after: Var | None = None
    views: dict[tuple[Var, int], Op] = field(default_factory=dict)

    def bounds(self) -> list[tuple[int, int, tuple[int, ...], bool]]:
        """Where each member starts and stops, its shape, and whether it lies by columns, as its parameter does."""
        stops = accumulate(var.value.size for var in self.members)
        return [
            (stop - var.value.size, stop, var.shape, by_columns)
            for var, stop, by_columns in zip(self.members, stops, turned(self.nodes), strict=True)
        ]

    def view(self, flat: Var, place: int) -> Var:
        """One of the arrays in a flat one."""
        if (flat, place) not in self.views:
            for k, bounds in enumerate(self.bounds()):
                self.views[flat, k] = call(words.member, (flat, *bounds))
        return self.views[flat, place].out


def turned(nodes: list[Node]) -> tuple[bool, ...]:
    """Which parameters lie in memory column by column, as the weights of a Linear do."""
    return tuple(np.isfortran(np.asarray(node._data)) for node in nodes)


def given(name: str, members: list[Var], nodes: list[Node]) -> Family:
    """A family of what is there at the start of a call."""
    values = words.packed(*(var.value for var in members), by_columns=turned(nodes))
    return Family(name, members, nodes, Var(values, source=("flat", name), hint=name))


def flatten(program: Program, data: dict[Node, Var]) -> list[Family]:
    """Rewrite a program to work on flat arrays, where it treats all parameters of a step alike.

    Parameters
    ----------
    program : Program
        Changed in place.
    data : dict
        The Var of each tensor's data at the start.
    """
    families: list[Family] = []
    taken: set[Node] = set()
    for step in program.steps:
        for dtype in dict.fromkeys(g.dtype for _, g in step):
            group = [(node, g) for node, g in step if g.dtype == dtype and g.value.size]
            if len(group) > 1 and not taken & {node for node, _ in group}:
                found = _Lanes(program, group, data, f"_{len(families)}" if families else "").fuse()
                families += found
                taken |= {node for family in found for node in family.nodes}
    drop_unused(program)
    return families


class _Lanes:
    """The calls of one optimizer step: which are the same for every parameter, and which are not.

    Attributes
    ----------
    lane : dict
        For each array of a parameter: (what it is, the place of the parameter).
    flat_of : dict
        The flat array of each "what".
    """

    def __init__(self, program: Program, group: list[tuple[Node, Var]], data: dict[Node, Var], suffix: str) -> None:
        self.program, self.nodes = program, [node for node, _ in group]
        self.families = [given("parameters" + suffix, [data[node] for node in self.nodes], self.nodes)]
        self.families += self._buffers(suffix)
        self.lane: dict[Var, tuple[Any, int]] = {}
        self.flat_of: dict[Any, Var] = {}
        self.packs = self._packs([g for _, g in group], "gradients" + suffix)
        for family in self.families:
            self._lay(family.flat, family.members)

    def _lay(self, flat: Var, members: list[Var]) -> None:
        self.lane.update({var: (flat, k) for k, var in enumerate(members)})
        self.flat_of[flat] = flat

    def _buffers(self, suffix: str) -> list[Family]:
        """The optimizer's buffers that every parameter has."""
        found: dict[str, dict[int, Var]] = {}
        for before, _ in self.program.states:
            _, optimizer, position, name = before.source  # type: ignore[misc]  # a buffer has a source
            for place, node in enumerate(self.nodes):
                if optimizer.parameters[position] is node:
                    found.setdefault(name, {})[place] = before
        whole = {name: [by[k] for k in range(len(by))] for name, by in found.items() if len(by) == len(self.nodes)}
        return [given(name + suffix, members, self.nodes) for name, members in whole.items()]

    def _packs(self, gradients: list[Var], name: str) -> list[Op]:
        """The gradients side by side: as the optimizer sees them, and as they were before they were clipped."""
        packs: list[Op] = []
        while len(set(gradients)) == len(self.nodes) and not any(var in self.lane for var in gradients):
            pack = call(words.packed, tuple(gradients), {"by_columns": turned(self.nodes)})
            pack.out.hint = name
            self._lay(pack.out, gradients)
            packs.append(pack)
            makers = [var.op for var in gradients]
            if not all(op is not None and op.function is np.multiply for op in makers):
                break
            first = [op.args[0] for op in makers if op is not None]
            gradients = [v for v in first if isinstance(v, Var)]
            if [v.shape for v in gradients] != [node._data.shape for node in self.nodes]:
                break
        return packs

    def fuse(self) -> list[Family]:
        """Make the calls on the flat arrays; the families, or none where a parameter goes its own way."""
        fused = self._fused()
        ends = {id(f.flat): [self._end(f, k) for k in range(len(self.nodes))] for f in self.families}
        for family in self.families:
            changed = [after for after in ends[id(family.flat)] if after not in family.members]
            if changed and not all(after in fused for after in ends[id(family.flat)]):
                return []
        self._rewrite(fused, ends)
        return self.families

    def _end(self, family: Family, place: int) -> Var:
        """What a member is at the end of the call."""
        before = family.members[place]
        changed = dict(self.program.states)
        return changed[before] if before in changed else self.program.data.get(self.nodes[place], before)

    def _fused(self) -> dict[Var, tuple[Op, int]]:
        """For each result of a call that is made for all: the one call on the flat arrays, and the place in it."""
        found: dict[Any, dict[int, Op]] = {}
        for op in self.program.ops:
            place, key = self._key(op)
            if key is not None:
                found.setdefault(key, {})[place] = op
                if op.out not in self.lane or self.lane[op.out][0] in self._packed():
                    self.lane[op.out] = key, place
        fused: dict[Var, tuple[Op, int]] = {}
        for key, ops in found.items():
            flat_args = (
                [self.flat_of.get(self.lane[a][0]) if a in self.lane else a for a in ops[0].args]
                if len(ops) == len(self.nodes)
                else [None]
            )
            if any(arg is None for arg in flat_args):
                continue  # not made for all, or on something that is not flat
            one = call(ops[0].function, tuple(flat_args), {}, ops[0])
            self.flat_of[key] = one.out
            fused.update({op.out: (one, place) for place, op in ops.items()})
        return fused

    def _packed(self) -> set[Var]:
        return {pack.out for pack in self.packs}

    def _key(self, op: Op) -> tuple[int, Any]:
        """The place of the parameter, and what is the same for an elementwise call on all of them; or (0, None)."""
        if not isinstance(op.function, np.ufunc) or op.function.signature is not None or op.kwargs:
            return 0, None
        what, places = [], set()
        for arg in op.args:
            if isinstance(arg, Var) and arg in self.lane:
                family, place = self.lane[arg]
                what.append(family)
                places.add(place)
            elif isinstance(arg, Var) and arg.shape != ():
                return 0, None
            else:
                what.append(arg if isinstance(arg, Var) else repr(arg))
        if len(places) != 1 or op.out.shape != self.nodes[min(places)]._data.shape:
            return 0, None
        return places.pop(), (op.function, tuple(what))

    def _rewrite(self, fused: dict[Var, tuple[Op, int]], ends: dict[int, list[Var]]) -> None:
        parameters = self.families[0]
        packs = [pack for pack in self.packs if not any(var in fused for var in pack.args)]
        new = {}
        for family in self.families:
            end = [fused[after][0].out for after in ends[id(family.flat)] if after in fused]
            family.after = end[0] if end else None
            new.update({var: parameters.view(family.flat, k) for k, var in enumerate(family.members)})
        for var, (one, place) in fused.items():
            new[var] = parameters.view(one.out, place)
            new[var].gradient_of = var.gradient_of
        if self.packs:
            last = self.packs[0]
            after = fused[last.args[0]][0].out if last.args[0] in fused else None
            first = packs[-1] if packs else last
            self.families.append(Family(first.out.hint, list(first.args), self.nodes, first.out, after))
        ones = {id(one): one for one, _ in fused.values()}
        kept = [op for op in self.program.ops if op.out not in fused]
        self.program.ops = kept
        self.program.replace(new)
        self.program.ops = ordered([*kept, *packs[-1:], *parameters.views.values(), *ones.values()])
        self._settle()

    def _settle(self) -> None:
        """What lies in the flat arrays at the end need not be kept one by one."""
        program, members = self.program, {var for family in self.families for var in family.members}
        program.flats += [var for family in self.families for var in (family.after, family.flat) if var is not None]
        program.flats = [var for var in program.flats if var.op is not None]
        for node in self.nodes:
            program.data.pop(node, None)
            if self.packs and program.grads.get(node) is not None:
                del program.grads[node]
        program.states = [(before, after) for before, after in program.states if before not in members]


def ordered(ops: list[Op]) -> list[Op]:
    """The calls in an order in which they can run: each where it was, but after its operands."""
    made = {op.out: op for op in ops}
    done: set[Var] = set()
    order: list[Op] = []
    for op in [op for op in ops if op.function not in (words.packed, words.member)]:
        stack = [op]
        while stack:
            waiting = [made[var] for var in stack[-1].inputs() if var in made and var not in done]
            if waiting:
                stack += waiting
            elif (top := stack.pop()).out not in done:
                done.add(top.out)
                order.append(top)
    return order
