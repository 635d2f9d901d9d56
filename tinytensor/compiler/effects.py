"""Effects: what a function does to the world outside, seen in its code before it is watched.

A compiled function runs the source, not the function: a counter that it increased, a name that it rebound, would stand
still from the second call on. Read next: ``compiled.py``.
"""

from __future__ import annotations

import dis
from types import CodeType
from typing import Any

from .names import functions_within
from .origins import CompileError, Origin

STORES = {
    "STORE_GLOBAL": "assigns to the global {}",
    "DELETE_GLOBAL": "deletes the global {}",
    "STORE_ATTR": "assigns to the attribute .{}",
    "DELETE_ATTR": "deletes the attribute .{}",
}


def refuse_effects(function: Any) -> None:
    """Raise where a function's own code, or that of the user's functions that it names, changes what lives outside."""
    for each in (function, *functions_within(function)):
        _refuse_effects_of(each)


def _refuse_effects_of(function: Any) -> None:
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if not isinstance(code, CodeType):
        return
    if code.co_flags & 0x2A0:  # generator, coroutine, asynchronous generator
        raise CompileError(f"tt.compile: {function.__name__} is a generator or coroutine; give a plain function")
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        line = _line_of(instruction, line)
        what = STORES.get(instruction.opname)
        if instruction.opname == "STORE_DEREF" and instruction.argval in code.co_freevars:
            what = "assigns to {}, which belongs to the function around it"
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and instruction.argval in ("print", "input", "open"):
            what = "calls {}"
        if what is not None:
            raise CompileError(
                f"tt.compile: {Origin(code.co_filename, line)}\n  The function {what.format(instruction.argval)}. "
                "A compiled function runs its NumPy source, so this would happen at the first calls only; return the "
                "value, and do it outside."
            )


def _line_of(instruction: dis.Instruction, before: int) -> int:
    """The line of an instruction; its attributes have other names before Python 3.13."""
    number = getattr(instruction, "line_number", None)
    if number is None and isinstance(instruction.starts_line, int) and not isinstance(instruction.starts_line, bool):
        number = instruction.starts_line
    return before if number is None else int(number)
