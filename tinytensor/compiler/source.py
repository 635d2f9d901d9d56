"""Source: the program as the NumPy that a person would have written.

``prepare`` takes what outlives a call, makes memory and views once, and returns ``step``. Each group of lines says
which operation in which line of the user's code it computes. How a call is spelled is left to ``phrases.py``.
Read next: ``compiled.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import vocabulary as words
from .constants import constant_name, small_constant
from .given import Given, Kept
from .ir import Op, Var
from .memory import Place, is_elementwise, same_memory
from .origins import Origin
from .phrases import expression, literal, spelled, statements

# ``quick.aligned``, as it stands in every source: a source needs nothing but itself.
ALIGNED = '''def aligned(shape, dtype):
    """np.empty from the start of a cache line on; NumPy's own large arrays begin 16 bytes into one."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + 63, np.uint8)
    start = -memory.__array_interface__["data"][0] % 64
    return memory[start : start + size].view(dtype).reshape(shape)


'''


@dataclass
class Written:
    """A program as text, and what it has to be given."""

    text: str
    kept: list[Kept]
    helpers: dict[str, Callable[..., Any]]
    shown: str  # the same text, with every call's operands and result shown to `_seen`
    ops: list[Op]


class Writer(Given):
    """Writes one program, of what `Given` has named."""

    def write(self, title: str) -> Written:
        """The text, with `title` as its docstring's first line, and what it needs."""
        self.name_all()
        self.body: list[str] = []
        self.shown: list[str] = []
        self._body()
        text, shown = self._text(title, self.body), self._text(title, self.shown)
        return Written(text, self.kept, self.helpers, shown, self.program.ops)

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

    def _text(self, title: str, body: list[str]) -> str:
        given = ", ".join(kept.name for kept in self.kept)
        lines = [
            f'"""{title}',
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
