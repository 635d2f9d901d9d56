"""The rule of a function as it is written in the source: the very row of the table, found through its lambdas.

Read next: ``rules/elementwise.py``.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...rules.table import RULES, Function

HERE = Path(__file__).parents[2]


def row_source(function: Function) -> list[dict[str, Any]]:
    """The statements that a rule is written in: each with its file, its line and its text.

    The row of the table first, then the functions that it names.
    """
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for vjp in RULES[function].vjps:
        if vjp is None or not inspect.isfunction(vjp):
            continue
        file, line = vjp.__code__.co_filename, vjp.__code__.co_firstlineno
        for start, end in _statements(file, line, vjp.__name__):
            text = "".join(linecache.getlines(file)[start - 1 : end]).rstrip()
            found.setdefault((file, start), {"place": f"{_shown(file)}:{start}", "text": text})
    return sorted(found.values(), key=lambda entry: entry["text"].startswith("def "))


def _statements(file: str, line: int, name: str) -> list[tuple[int, int]]:
    """The first and last lines of the statement that holds a line, and of the row that names its function."""
    spans = [(s.lineno, s.end_lineno or s.lineno) for s in _parsed(file) if s.lineno <= line <= (s.end_lineno or 0)]
    innermost = max(spans, default=None)
    rows = [
        (s.lineno, s.end_lineno or s.lineno)
        for s in _parsed(file)
        if isinstance(s, ast.Expr)
        and isinstance(s.value, ast.Call)
        and any(isinstance(arg, ast.Name) and arg.id == name for arg in s.value.args)
    ]
    return [*([innermost] if innermost else []), *rows]


@lru_cache(maxsize=64)
def _parsed(file: str) -> list[ast.stmt]:
    """Every statement of a file; none where the source is not at hand."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]


def _shown(file: str) -> str:
    """The path from the package on, or the bare name of a user's file."""
    path = Path(file)
    if path.is_relative_to(HERE):
        return f"{HERE.name}/{path.relative_to(HERE).as_posix()}"
    return "notebook cell" if "ipykernel" in file else path.name
