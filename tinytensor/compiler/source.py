"""Source: the program as the NumPy that a person would have written.

``prepare`` takes what outlives a call, makes memory and views once, and returns ``step``. Each group of lines says
which operation in which line of the user's code it computes. Read next: ``compiled.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..node import Node
from . import vocabulary as words
from .families import Family
from .idioms import inlined
from .ir import Op, Var
from .memory import Memory, Place, is_elementwise, same_memory
from .names import Names
from .origins import Origin
from .phrases import expression, literal, member_text, spelled, statements, word_for
from .simplify import Program

# ``quick.aligned``, as it stands in every source: a source needs nothing but itself.
ALIGNED = '''def aligned(shape, dtype):
    """np.empty from the start of a cache line on; NumPy's own large arrays begin 16 bytes into one."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + 63, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return memory[start : start + size].view(dtype).reshape(shape)


'''


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


@dataclass
class Written:
    """A program as text, and what it has to be given."""

    text: str
    kept: list[Kept]
    helpers: dict[str, Callable[..., Any]]
    shown: str  # the same text, with every call's operands and result shown to `_seen`
    ops: list[Op]


class Writer:
    """Writes one program.

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
    title : str
        The first line of the docstring.
    """

    def __init__(
        self,
        program: Program,
        families: list[Family],
        arguments: list[tuple[str, Var]],
        given: dict[Node, tuple[Var, Var | None]],
        names: dict[Node, str],
        title: str,
    ) -> None:
        self.program, self.families, self.arguments, self.given = program, families, arguments, given
        self.tensor_names = names
        self.title = title
        self.names = Names()
        self.kept: list[Kept] = []
        self.helpers: dict[str, Callable[..., Any]] = {}
        self._constants: dict[Any, str] = {}
        self.setup: dict[str, list[str]] = {"state": [], "numbers": [], "memory": [], "views": []}
        self.body: list[str] = []
        self.shown: list[str] = []
        self._places: dict[Var, Place] = {}
        self._homes: list[tuple[Var, Place]] = []
        self._parts: dict[Var, Place] = {}

    # ------------------------------------------------------------------------------------ what is given

    def write(self) -> Written:
        """The text, and what it needs."""
        for name, var in self.arguments:
            self.names.give(var, name)
            self._places[var] = Place("argument", None)
        self._keep_families()
        self._keep_single()
        stored = {var for var, _ in self._homes}
        local = {var for var in self.program.outputs if var not in stored}
        self.memory = Memory(self.program, self._places, self._homes, self._parts, local, inlined(self.program))
        self._name_values()
        self._body()
        return Written(self._text(self.body), self.kept, self.helpers, self._text(self.shown), self.program.ops)

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

    # ----------------------------------------------------------------------------------------- the body

    def name(self, item: Any) -> str:
        """The text for a value, a function or a generator."""
        if callable(item) and not isinstance(item, Var):
            if item not in self.helpers.values():
                self.helpers[self.names.give(item, item.__name__.strip("<>"))] = item
            return next(name for name, function in self.helpers.items() if function is item)
        return self.names.of[item]

    def _body(self) -> None:
        origin: Origin | None = None
        for index, op in enumerate(self.program.ops):
            lines = [f"np.copyto({self.names.of[p]}, {self.name(v)})" for p, v in self.memory.packing.get(index, [])]
            lines += self._lines(op)
            if lines and op.origin != origin and op.origin is not None:
                origin = op.origin
                self.body.append(comment(origin))
            self.body += lines
            self._show(index, op, lines)
        last = [f"np.copyto({self.names.of[place]}, {self.name(var)})" for place, var in self.memory.copies]
        last.append(self._return())
        self.body += last
        self.shown += last

    def _show(self, index: int, op: Op, lines: list[str]) -> None:
        if not lines or op.function in words.IMPURE:
            self.shown += lines
            return
        operands = "".join(f"np.array({self.name(var)}), " for var in op.inputs())
        self.shown += [f"_now = ({operands})", *lines, f"_seen({index}, _now, {self.names.of[op.out]})"]

    def _lines(self, op: Op) -> list[str]:
        place = self.memory.of[op.out]
        if op in self.memory.inline:
            self.names.of[op.out] = inline_text(op, self.name)
            return []
        if op.function in (words.at_labels, words.less_one_at) and (lines := self._by_position(op, place)):
            return lines
        if op.function is words.packed or place.kind == "view" or (place.op is op and place.is_static):
            return []
        if place.kind == "local":
            return statements(self._with_numbers(op), None, self.names.of[op.out], self.name)
        return statements(self._with_numbers(op), self.names.of[op.out], "", self.name)

    def _by_position(self, op: Op, place: Place) -> list[str]:
        """Reads or changes of the labels' elements by their places in memory, which NumPy does at once."""
        x, rows, labels = op.args
        source = self.memory.of[x] if op.function is words.at_labels else place
        if not source.is_static or source.array is None or not place.is_static:
            return []
        by_columns = not source.array.flags.c_contiguous
        if by_columns and not source.array.flags.f_contiguous:
            return []
        positions, lines = self._positions(labels, rows, x.shape, by_columns)
        name = self.names.of[x] if op.function is words.at_labels else self.names.of[op.out]
        flat = self._flat(name, by_columns)
        if op.function is words.at_labels:
            return [*lines, f'{flat}.take({positions}, out={self.names.of[op.out]}, mode="clip")']
        picked = self._scratch("picked", (x.shape[0],), x.dtype)
        one = self.name(self._number(1, x.dtype, None))
        same = same_memory(self.memory.of[x].array, place.array)
        lines += [] if same else [f"np.copyto({name}, {self.name(x)})"]
        lines.append(f'{flat}.take({positions}, out={picked}, mode="clip")')
        return [*lines, f"np.subtract({picked}, {one}, out={picked})", f"{flat}[{positions}] = {picked}"]

    def _positions(self, labels: Var, rows: Var, shape: tuple[int, ...], by_columns: bool) -> tuple[str, list[str]]:
        """The name of the places of the labels' elements, and the lines that compute them where they are new."""
        key = ("positions", labels, shape, by_columns)
        if key in self._constants:
            return self._constants[key], []
        name = self._constants[key] = self._scratch("positions", (shape[0],), np.dtype(np.intp))
        if by_columns:
            height = self.name(self._number(shape[0], np.dtype(np.intp), None))
            return name, [
                f"np.multiply({self.name(labels)}, {height}, out={name})",
                f"np.add({name}, {self.name(rows)}, out={name})",
            ]
        starts = f"np.arange(0, {shape[0] * shape[1]}, {shape[1]})"
        if starts not in self._constants:
            self._constants[starts] = self.names.give(starts, "row_starts")
            self.setup["numbers"].append(f"{self._constants[starts]} = {starts}")
        return name, [f"np.add({self.name(labels)}, {self._constants[starts]}, out={name})"]

    def _scratch(self, wish: str, shape: tuple[int, ...], dtype: Any) -> str:
        key = (wish, shape, dtype)
        if wish != "picked" or key not in self._constants:
            self._constants[key] = self.names.give(key, wish)
            self.setup["memory"].append(f"{self._constants[key]} = aligned({shape[0]}, {literal(dtype)})")
        return self._constants[key]

    def _flat(self, name: str, by_columns: bool) -> str:
        text = f"{name}{'.T' if by_columns else ''}.reshape(-1)"
        if text not in self._constants:
            self._constants[text] = self.names.give(text, f"{name}_flat")
            self.setup["views"].append(f"{self._constants[text]} = {text}")
        return self._constants[text]

    def _with_numbers(self, op: Op) -> Op:
        """The call with its Python numbers as arrays made once, which NumPy takes three times as fast."""
        if not is_elementwise(op) or op.kwargs:
            return op
        dtypes = {var.dtype for var in op.inputs() if type(var.value) is not float}
        if len(dtypes) != 1 or (dtype := dtypes.pop()).kind != "f":
            return op
        full = op.function in (np.maximum, np.minimum) and op.out.value.ndim > 0
        args = tuple(self._number(arg, dtype, op if full else None) for arg in op.args)
        other = Op(op.function, args, {}, op.out.value, op.origin)
        self.memory.of[other.out] = self.memory.of[op.out]
        return other

    def _number(self, arg: Any, dtype: Any, like: Op | None) -> Any:
        constant = isinstance(arg, Var) and arg.is_constant and arg.shape == ()
        if not constant and type(arg) not in (int, float) and not isinstance(arg, np.generic):
            return arg
        value = np.array(arg.value if isinstance(arg, Var) else arg, dtype)
        array = None if like is None else self.memory.of[like.out].array
        if array is None and isinstance(arg, Var):
            return arg
        text, wish = small_constant(value), constant_name(value)
        if like is not None and array is not None:
            # NumPy's maximum of two whole arrays is several times as fast as of an array and a number.
            shape = array.shape if array.flags.c_contiguous else array.shape[::-1]
            text = f"np.full({shape}, {literal(value[()].item())}, {literal(value.dtype)})"
            text = (
                text.replace("np.full", "np.zeros").replace(f", {literal(value[()].item())},", ",", 1)
                if value == 0
                else text
            )
            text += "" if array.flags.c_contiguous else ".T"
            wish = "zeros_like" if value == 0 else f"all_{wish}"
        if text not in self._constants:
            self._constants[text] = self.names.give(text, wish)
            self.setup["numbers"].append(f"{self._constants[text]} = {text}")
        var = Var(value, source=("constant", value))
        self.names.of[var] = self._constants[text]
        return var

    def _return(self) -> str:
        texts = []
        for var in self.program.outputs:
            own = self.memory.of[var].kind == "local" if var in self.memory.of else False
            is_new = own and not (var.op is not None and var.op.function in words.VIEWS)
            texts.append(self.name(var) if is_new else f"{self.name(var)}.copy()")
        return "return " + (", ".join(texts) + "," * (len(texts) == 1) if texts else "()")

    def _text(self, body: list[str]) -> str:
        given = ", ".join(kept.name for kept in self.kept)
        lines = [
            f'"""{self.title}',
            "",
            "Written by tinytensor. It needs NumPy alone.",
            '"""',
            "",
            "import numpy as np",
            "",
            "",
            *(ALIGNED.splitlines() if self.setup["memory"] else ()),
        ]
        lines += [
            f"def prepare({given}):",
            '    """Make the memory and the views once; `step` is what runs at every call."""',
        ]
        titles = {
            "state": "the model, the gradients and the optimizer's buffers: parts of flat arrays",
            "numbers": "numbers",
            "memory": "memory for what is computed on the way",
            "views": "other views of the same memory",
        }
        for part, text in titles.items():
            if self.setup[part]:
                lines += [f"    # {text}", *(f"    {line}" for line in self.setup[part]), ""]
        arguments = ", ".join(self.names.of[var] for _, var in self.arguments)
        lines += [f"    def step({arguments}):", *(f"        {line}" for line in body), "", "    return step", ""]
        return "\n".join(lines)


COMPARISONS = {np.greater_equal: ">=", np.greater: ">", np.less: "<", np.less_equal: "<=", np.equal: "==",
               np.bitwise_and: "and", np.logical_and: "and"}  # fmt: skip


def inline_text(op: Op, name: Callable[[Any], str]) -> str:
    """A call on numbers as a part of a line."""
    if op.function is np.logical_not:
        return f"not ({name(op.args[0])})"
    if op.function in COMPARISONS:
        x, y = (spelled(arg, name) for arg in op.args)
        return f"{x} {COMPARISONS[op.function]} {y}"
    return expression(op, name)


def comment(origin: Origin) -> str:
    """The comment above the lines of one operation."""
    what = f"gradient of {origin.operation}" if origin.backward else origin.operation
    return f"# {what}: {origin}" if what else f"# {origin}"


def small_constant(value: Any) -> str:
    """A small array as an expression, or nothing."""
    array = np.asarray(value)
    dtype = literal(array.dtype)
    if array.ndim == 0:
        return f"np.array({shortest(array)}, {dtype})"
    if not array.size:
        return f"np.empty({array.shape}, {dtype})"
    if array.ndim == 1 and array.dtype.kind == "i" and array.size and np.array_equal(array, np.arange(array.size)):
        return f"np.arange({array.size}, dtype={dtype})"
    if array.size and array.dtype.kind == "f" and array.size > 1 and bool(np.all(array == array.flat[0])):
        number = array.flat[0].item()
        made = (
            f"np.ones({array.shape}, {dtype})" if number == 1 else f"np.full({array.shape}, {literal(number)}, {dtype})"
        )
        return made.replace("(1,)", "1") if array.ndim != 1 else made.replace(f"({array.size},)", str(array.size))
    if array.size <= 8:
        return f"np.array({array.tolist()}, {dtype})".replace("inf", "np.inf").replace("nan", "np.nan")
    return ""


def shortest(number: Any) -> str:
    """The fewest digits that give the same number in its own dtype."""
    number = np.asarray(number)
    return str(number[()]) if number.dtype.kind == "f" and np.isfinite(number) else literal(number.item())


def constant_name(value: Any) -> str:
    """A name for a constant: a number by its digits."""
    array = np.asarray(value)
    if array.ndim:
        is_same = bool(array.size) and bool(np.all(array == array.flat[0]))
        return "indices" if array.dtype.kind == "i" else "ones" if is_same and array.flat[0] == 1 else "constant"
    names = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half", -1.0: "minus_one"}
    number = array.item()
    if number in names:
        return names[number]
    return "number_" + shortest(array).removesuffix(".0").replace("-", "minus_").replace(".", "_").replace("+", "")
