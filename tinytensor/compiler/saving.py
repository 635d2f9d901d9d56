"""Saving: a compiled function as two files that run with NumPy alone.

``step.py`` has the source and the few functions of tinytensor's rules that it calls; ``step.npz`` has the arrays that
it starts from. Nothing of tinytensor is imported. Read next: ``verify.py``.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from ..optim.optimizers import Adam, AdamW
from .binding import Binding
from .names import names_in
from .origins import CompileError


def save(binding: Binding, path: Any, name: str) -> None:
    """Write the source and its arrays.

    Parameters
    ----------
    binding : Binding
    path : str or path-like
        A file ending in ``.py``.
    name : str
        The function's name.

    Raises
    ------
    ValueError
        Where the path does not end in ``.py``.
    CompileError
        Where the source calls a function whose own source can't be written down.
    """
    path = Path(path)
    if path.suffix != ".py":
        raise ValueError(f"{name}.save: expected a file ending in .py, got {path}")
    arrays = {key: value for key, value in binding.arrays.items() if isinstance(value, np.ndarray)}
    generators = {key: value for key, value in binding.arrays.items() if isinstance(value, np.random.Generator)}
    text = binding.written.text.replace("import numpy as np\n", "from pathlib import Path\n\nimport numpy as np\n", 1)
    helpers = _sources(binding.written.helpers)
    text = text.replace("\n\n\ndef prepare(", f"\n\n\n{helpers}def prepare(", 1) if helpers else text
    lines = ["", f'arrays = dict(np.load(Path(__file__).with_suffix(".npz")))  # {", ".join(arrays) or "none"}']
    for key, generator in generators.items():
        kind = type(generator.bit_generator).__name__
        lines += [
            f"{key} = np.random.Generator(np.random.{kind}())",
            f"{key}.bit_generator.state = {_state(generator)}",
        ]
    given = "".join(f", {key}={key}" for key in generators)
    lines += _steps(binding, f"prepare(**arrays{given})")
    np.savez(path.with_suffix(".npz"), **arrays)  # type: ignore[arg-type]  # names, not flags
    path.write_text(text + "\n".join(lines), encoding="utf-8")


def _steps(binding: Binding, prepared: str) -> list[str]:
    """The lines that make ``step``: where the rates depend on how many steps there were, they are counted on."""
    if any(action[0] == "schedule" for action in binding.host):
        raise CompileError("save: the step moves a schedule, which is Python; move it outside of the function")
    names = {id(array): name for name, array in binding.arrays.items()}
    moving: list[str] = []
    for rate in binding.rates:
        optimizer = binding.host[rate.step][1]
        state = optimizer._state[rate.position]
        if "step" not in state:
            continue  # the same rates at every step
        if not isinstance(optimizer, Adam) or type(optimizer)._rates not in (Adam._rates, AdamW._rates):
            raise CompileError(f"save: how the rates of {type(optimizer).__name__} change is not known")
        (keep1, keep2), done = optimizer.betas, state["step"]
        formulas = {
            0: f"{optimizer.lr!r} * (1.0 - {keep2!r} ** t) ** 0.5 / (1.0 - {keep1!r} ** t)",
            1: f"{optimizer.eps!r} * (1.0 - {keep2!r} ** t) ** 0.5",
        }
        moving.append(f"    t = {done} + count")
        moving += [f"    {names[id(array)]}[()] = {formulas[k]}" for k, array in rate.arrays if k in formulas]
    if not moving:
        return [f"step = {prepared}", ""]
    moved = sorted({line.split("[()]")[0].strip() for line in moving if "[()]" in line})
    return [
        *(f'{name} = arrays["{name}"]' for name in moved),
        f"run, count = {prepared}, 0",
        "",
        "",
        "def step(*arguments):",
        '    """One step, with the rates of its number."""',
        "    global count",
        "    count += 1",
        *moving,
        "    try:",
        "        return run(*arguments)",
        "    except Exception:  # such as a label out of range: nothing was computed",
        "        count -= 1",
        "        raise",
        "",
    ]


def _state(generator: np.random.Generator) -> str:
    """A generator's state as Python text."""
    return re.sub(r"array\(", "np.array(", repr(generator.bit_generator.state)).replace("dtype=uint", "dtype=np.uint")


def _sources(helpers: dict[str, Any]) -> str:
    """The functions that the source calls and NumPy does not have, with all that they call in turn."""
    found: dict[str, str] = {}
    for name, function in helpers.items():
        _collect(name, function, found)
    return "".join(f"{text}\n\n\n" for text in found.values())


def _collect(name: str, function: Any, found: dict[str, str]) -> None:
    if name in found:
        return
    function = getattr(function, "forward", function)  # a primitive's own
    function = inspect.unwrap(function)
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise CompileError(
            f"save: the source of {name} can't be found; tinytensor is needed to run this step"
        ) from None
    if text.lstrip().startswith("@"):
        text = text[text.index("def ") :]
    if not text.startswith("def "):
        raise CompileError(f"save: {name} is no plain function (def …); tinytensor is needed to run this step")
    text = re.sub(r"^def \w+", f"def {name}", text)
    found[name] = ""  # it may call itself
    for used in names_in(function.__code__):
        value = function.__globals__.get(used)
        if inspect.isfunction(value) or hasattr(value, "forward"):
            _collect(used, value, found)
        elif inspect.ismodule(value) and value is not np:
            found.setdefault(f"import {used}", f"import {value.__name__}")
        elif isinstance(value, (int, float, str, tuple, frozenset)) and used not in found:
            found[used] = f"{used} = {value!r}"
    found.pop(name)
    found[name] = _without_annotations(text).rstrip()


def _without_annotations(text: str) -> str:
    """A function's text without its types, which may be ours."""
    lines = text.encode().splitlines(keepends=True)
    starts = [0, *itertools.accumulate(map(len, lines))]
    cuts = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg) and node.annotation is not None:
            first = starts[node.lineno - 1] + node.col_offset + len(node.arg.encode())
            cuts.append((first, starts[node.end_lineno - 1] + node.end_col_offset))  # type: ignore[operator]  # parsed
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            end = starts[node.returns.end_lineno - 1] + node.returns.end_col_offset  # type: ignore[operator]  # parsed
            cuts.append((b"".join(lines).rindex(b"->", 0, end - 1) - 1, end))
    code = b"".join(lines)
    for start, stop in sorted(cuts, reverse=True):
        code = code[:start] + code[stop:]
    return code.decode()
