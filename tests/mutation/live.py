"""Plant a mistake in the running program: change a live function, or write the rows of the table anew.

Also the other way round: which rows a statement of the rules has to do with, and which a test runs. It refuses to know
pytest. Read next: ``worker.py``.
"""

from __future__ import annotations
import __future__

import ast
import functools
import types
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from .operators import called
from .plant import ENGINE, Mutant, files


def module_name(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def run_statement(statement: ast.stmt, file: str, namespace: dict[str, Any]) -> None:
    path = str(Path(file).resolve())  # the compiler tells tinytensor's own frames from the user's by their files
    code = compile(
        ast.Module([statement], []), path, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True
    )
    exec(code, namespace)


def is_row(statement: ast.stmt) -> bool:
    """Whether a module's statement writes rows of the table."""
    return not isinstance(statement, (ast.FunctionDef, ast.ClassDef)) and any(
        called(node) == "rule" for node in ast.walk(statement)
    )


def apply_mutant(root: Path, mutant: Mutant) -> None:
    """Plant the mistake in this process: change the live function, then write all rows anew."""
    changed = ast.parse(mutant.source((root / mutant.file).read_text())).body[mutant.statement]
    replace(changed, mutant.file)
    write_rows(root, mutant, changed)


def apply_nothing(root: Path) -> None:
    """Plant every function and row as it is: tests that fail after this would fail on every mutant."""
    for file in files(root):
        for statement in ast.parse((root / file).read_text()).body:
            replace(statement, file)
    write_rows(root)


def replace(changed: ast.stmt, file: str) -> None:
    """Make a function's definition, or another assignment, that of `changed`."""
    module = import_module(module_name(file))
    if isinstance(changed, (ast.FunctionDef, ast.Assign)) and not is_row(changed):
        fresh = dict(vars(module))
        run_statement(changed, file, fresh)
        for name in {k for k, v in fresh.items() if vars(module).get(k) is not v} - {"__builtins__"}:
            old, new = vars(module)[name], fresh[name]
            if isinstance(old, types.FunctionType) and isinstance(new, types.FunctionType):
                # Others have imported it by name: change the function itself.
                old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
            else:
                setattr(module, name, new)


def write_rows(root: Path, mutant: Mutant | None = None, changed: ast.stmt | None = None) -> None:
    """Write all rows of the table again: they may have been made by what has been changed."""
    for file in (f for f in files(root) if f not in ENGINE):
        for k, statement in enumerate(ast.parse((root / file).read_text()).body):
            if is_row(statement):
                planted = mutant is not None and (file, k) == (mutant.file, mutant.statement)
                run_statement(
                    changed if planted and changed else statement, file, vars(import_module(module_name(file)))
                )


def rows_by_statement(root: Path) -> dict[tuple[str, int], set[Any]]:
    """Which functions of the table each statement of the rules has to do with, through the names it uses."""
    from tinytensor.rules.table import RULES as TABLE

    uses: dict[tuple[str, int], set[str]] = {}
    defines: dict[str, set[tuple[str, int]]] = {}
    written: dict[tuple[str, int], set[Any]] = {}
    for file in (f for f in files(root) if f not in ENGINE):
        for k, statement in enumerate(ast.parse((root / file).read_text()).body):
            names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
            uses[file, k] = {node.id for node in names if isinstance(node.ctx, ast.Load)}
            # A function binds its own name: its local variables are no business of the others.
            bound = {statement.name} if isinstance(statement, ast.FunctionDef) else set()
            if isinstance(statement, (ast.Assign, ast.AnnAssign)):
                bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
            if is_row(statement):
                before = dict(TABLE)
                run_statement(statement, file, vars(import_module(module_name(file))))
                written[file, k] = {f for f, row in TABLE.items() if before.get(f) is not row}
            else:
                for name in bound:
                    defines.setdefault(name, set()).add((file, k))
    concerned = {place: set(functions) for place, functions in written.items()}
    for place, functions in written.items():
        stack, seen = [place], {place}
        while stack:
            for name in uses[stack.pop()]:
                for used in defines.get(name, set()) - seen:
                    seen.add(used)
                    stack.append(used)
                    concerned.setdefault(used, set()).update(functions)
    return concerned


def name_row(function: Any) -> str:
    """A name for a row that is the same in every process."""
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__name__', function)}"


def trace_rows(touched: set[str]) -> None:
    """From now on, each row of which a rule runs is added to `touched`."""
    from tinytensor.rules.table import RULES as TABLE

    def traced(name: str, function: Callable[..., Any] | None) -> Callable[..., Any] | None:
        if function is None:
            return None

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            touched.add(name)
            return function(*args, **kwargs)

        code = getattr(function, "__code__", run.__code__)
        run.__code__ = run.__code__.replace(co_filename=code.co_filename)  # as a frame of tinytensor's own
        return run

    for function, row in TABLE.items():
        row.vjps = tuple(traced(name_row(function), vjp) for vjp in row.vjps)
