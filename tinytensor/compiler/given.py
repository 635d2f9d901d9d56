"""What a written program is given, and what everything in it is called.

The parameters of ``prepare``, a place and a name for every value, and the lines that make memory, constants and views
once. It writes no line of ``step``. Read next: ``source.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..node import Node
from . import vocabulary as words
from .constants import constant_name, small_constant
from .families import Family
from .idioms import inlined
from .ir import Var
from .memory import Memory, Place
from .names import Names
from .phrases import expression, literal, member_text, word_for
from .simplify import Program


@dataclass
class Kept:
    """Something that ``prepare`` is given: its name, and where it comes from.

    Attributes
    ----------
    name : str
        The parameter's name.
    kind : str
        "flat", "tensor", "grad", "state", "rate", "generator" or "constant".
    of : Any
        The family, tensor, Var, generator or array that it is.
    """

    name: str
    kind: str
    of: Any


class Given:
    """The names of one program, and what it needs from outside.

    Parameters
    ----------
    program : Program
    families : list of Family
    arguments : list of tuple
        The Vars of the function's arguments, with their names.
    given : dict
        For each tensor from outside: the Vars of its data and its gradient.
    names : dict
        What the model and the user call the tensors.
    """

    def __init__(
        self,
        program: Program,
        families: list[Family],
        arguments: list[tuple[str, Var]],
        given: dict[Node, tuple[Var, Var | None]],
        names: dict[Node, str],
    ) -> None:
        self.program, self.families, self.arguments, self.given = program, families, arguments, given
        self.tensor_names = names
        self.names = Names()
        self.kept: list[Kept] = []
        self.helpers: dict[str, Callable[..., Any]] = {}
        self._constants: dict[Any, str] = {}
        self.setup: dict[str, list[str]] = {"state": [], "numbers": [], "memory": [], "views": []}
        self._places: dict[Var, Place] = {}
        self._homes: list[tuple[Var, Place]] = []
        self._parts: dict[Var, Place] = {}

    # ------------------------------------------------------------------------------------ what is given

    def name_all(self) -> None:
        """Name what is given, find a place for every value of the program, and name these."""
        for name, var in self.arguments:
            self.names.give(var, name)
            self._places[var] = Place("argument", None)
        self._keep_families()
        self._keep_single()
        stored = {var for var, _ in self._homes}
        local = {var for var in self.program.outputs if var not in stored}
        self.memory = Memory(self.program, self._places, self._homes, self._parts, local, inlined(self.program))
        self._name_values()

    def _keep(self, kind: str, of: Any, wish: str, var: Var | None, array: Any) -> Place:
        name = self.names.give(var if var is not None else object(), wish)
        self.kept.append(Kept(name, kind, of))
        place = Place("kept", array)
        self.names.of[place] = name
        if var is not None:
            self._places[var] = place
        return place

    def _keep_families(self) -> None:
        for family in self.families:
            is_gradient = family.flat.op is not None
            flat = np.asarray(family.flat.value)
            place = self._keep("flat", family, family.name, None if is_gradient else family.flat, flat)
            if is_gradient:
                self._homes.append((family.flat, place))
                for member, node, bounds in zip(family.members, family.nodes, family.bounds(), strict=True):
                    part = Place("part", words.member(flat, *bounds), of=place)
                    self._parts[member] = part
                    before = self.given[node][1]
                    name = self.names.of[part] = self.names.give(part, f"d_{self._tensor_name(node)}")
                    self.setup["state"].append(f"{name} = {member_text(family.name, *bounds)}")
                    if before is not None:
                        self._places[before] = part
                        self.names.of[before] = self.names.of[part]
            if family.after is not None:
                self._homes.append((family.after, place))

    def _tensor_name(self, node: Node) -> str:
        return self.tensor_names.get(node, "tensor")

    def _keep_single(self) -> None:
        """What is not in a family: single tensors, gradients and buffers, rates, generators, constants."""
        used = {var for op in self.program.ops for var in op.inputs()} | set(self.program.kept())
        flat_nodes = {id(node) for family in self.families if family.flat.op is not None for node in family.nodes}
        for node, (data, grad) in self.given.items():
            if data in used or node in self.program.data:
                place = self._keep("tensor", node, self._tensor_name(node), data, data.value)
                if node in self.program.data:
                    self._homes.append((self.program.data[node], place))
            after = self.program.grads.get(node)
            if id(node) not in flat_nodes and (after is not None or grad in used):
                value = np.empty_like(data.value)  # a gradient lies as its tensor
                home = self._keep("grad", node, f"d_{self._tensor_name(node)}", grad, value)
                if after is not None:
                    self._homes.append((after, home))
        flat_states = {var for family in self.families for var in family.members}
        for before, after in self.program.states:
            if before not in flat_states and (before in used or after is not before):
                place = self._keep("state", before, f"{before.hint}", before, before.value)
                if after is not before:
                    self._homes.append((after, place))
        for op in self.program.ops:
            if op.function is words.drawn and op.args[0] not in self.names.of:
                self.names.of[op.args[0]] = self._keep_plain("generator", op.args[0], "generator")
            for var in op.inputs():
                if var.source is not None and var not in self._places:
                    self._keep_given(var)
        for var in self.program.outputs:
            if var.op is None and var not in self._places:
                self._keep_given(var)

    def _keep_plain(self, kind: str, of: Any, wish: str) -> str:
        name = self.names.give(of, wish)
        self.kept.append(Kept(name, kind, of))
        return name

    def _keep_given(self, var: Var) -> None:
        if var.source is not None and var.source[0] == "rate":
            self._keep("rate", var, var.hint, var, var.value)
        elif var.is_constant and (text := small_constant(var.value)):
            name = self._constants.get(text) or self.names.give(var, var.hint or constant_name(var.value))
            if text not in self._constants:
                self.setup["numbers"].append(f"{name} = {text}")
            self._constants[text] = self.names.of[var] = name
            self._places[var] = Place("constant", var.value)
        else:
            self._keep("constant", var.value, var.hint or "constant", var, var.value)
            self._places[var].kind = "constant"

    # ---------------------------------------------------------------------------------------- names

    def name(self, item: Any) -> str:
        """The text for a value, a function or a generator."""
        if callable(item) and not isinstance(item, Var):
            if item not in self.helpers.values():
                self.helpers[self.names.give(item, item.__name__.strip("<>"))] = item
            return next(name for name, function in self.helpers.items() if function is item)
        return self.names.of[item]

    def _name_values(self) -> None:
        for op in self.program.ops:
            var, place = op.out, self.memory.of[op.out]
            if place in self.names.of:
                self.names.of[var] = self.names.of[place]
                continue
            self.names.give(var, self._wish(var, place))
            if place.kind == "view":
                self.setup["views" if place.root.kind != "kept" or op.function is not words.member else "state"].append(
                    f"{self.names.of[var]} = {expression(op, self.name)}"
                )
            elif place.kind in ("memory", "shared"):
                self.setup["memory"].append(f"{self.names.of[var]} = {self._memory_text(place)}")
            if place.kind in ("memory", "shared", "view"):
                self.names.of[place] = self.names.of[var]

    def _wish(self, var: Var, place: Place) -> str:
        op = var.op
        assert op is not None  # what is given has its name already
        if op.function is words.member:
            family = next((f for f in self.families if op.args[0] in (f.flat, f.after)), None)
            if family is not None:
                k = [bounds[0] for bounds in family.bounds()].index(op.args[1])
                prefix = {"parameters": "", "gradients": "d_"}.get(family.name.split("_")[0], family.name + "_")
                return prefix + self._tensor_name(family.nodes[k])
        if var.called:
            return var.called
        if var.gradient_of is not None:
            base = self.names.of.get(var.gradient_of)
            if base is not None:
                return f"d_{base}"
        if place.kind == "view" or (op.function in words.VIEWS and isinstance(op.args[0], Var)):
            base = self.names.of.get(op.args[0], "value")
            base = base.removesuffix("_view")
            return base + ("_T" if op.function in (np.transpose, np.swapaxes) and var.value.ndim == 2 else "_view")
        return var.hint or word_for(op)

    def _memory_text(self, place: Place) -> str:
        array = place.array
        by_columns = array.ndim == 2 and not array.flags.c_contiguous
        if place.kind == "memory":
            dtype = literal(array.dtype)
            if by_columns:
                return f"aligned({array.shape[::-1]}, {dtype}).T  # column by column"
            return f"aligned({array.shape}, {dtype})"
        owner: Any = place.of
        name = self.names.of[owner]
        if owner.array.shape == array.shape and owner.array.strides == array.strides:
            return f"{name}  # its memory again"
        flat = name if owner.array.flags.c_contiguous else f"{name}.T"
        if by_columns:
            return f"{flat}.reshape{array.shape[::-1]}.T  # its memory again"
        return f"{flat}.reshape({', '.join(map(str, array.shape)) or '()'})  # its memory again"
