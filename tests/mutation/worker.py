"""One process that runs the ordinary tests on one mutant after another.

pytest collects the suite once; for each mutant the process forks, the child plants the mistake in the
live functions and rows, and runs the collected tests, the most relevant first, until one fails. So
no mutant sees another, a hanging one is killed, and nothing is imported twice. Run by
``tests/mutants.py`` on a private copy of the tree. Read next: ``equivalent.py``.
"""

from __future__ import annotations
import __future__

import ast
import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
import time
import types
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .operators import called
from .plant import ENGINE, Mutant, files, plant

# What concerns the engine itself, before all the rest.
ENGINE_TESTS = (
    "test_engine",
    "test_primitive",
    "test_conventions",
    "test_numpy",
    "test_value",
    "test_tensor",
    "test_errors",
)
# These run programs of their own and test no rule.
LEFT_OUT = ("test_examples", "test_cli")
MEMORY = 4 << 30  # what a mutant may take beyond the worker's own

FIRST_TEST = {"first-order": "test_higher_derivatives", "widened": "test_float32_stays_float32"}


# ---------------------------------------------------------------------------------- the live code


def module_name(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def run_statement(statement: ast.stmt, file: str, namespace: dict[str, Any]) -> None:
    code = compile(
        ast.Module([statement], []), file, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True
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


# ------------------------------------------------------------------------------------- the worker


class Worker:
    """The pytest plugin that runs mutants in place of the usual loop over the tests."""

    def __init__(self, requests: Any, replies: Any) -> None:
        self.requests, self.replies = requests, replies
        self.root = Path.cwd()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """The suite's own examples, always the same ones; a failure is not shrunk, since nobody reads it."""
        from hypothesis import HealthCheck, Phase, settings  # not before pytest, which wants to import it itself

        settings.register_profile(
            "mutants", derandomize=True, deadline=None, database=None, report_multiple_bugs=False,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow],
        )  # fmt: skip
        settings.load_profile("mutants")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        import tinytensor

        assert Path(tinytensor.__file__).is_relative_to(self.root), "a mutant would be planted in the wrong tree"
        self.items = [item for item in session.items if not item.path.stem.startswith(LEFT_OUT)]
        self.mutants = {mutant.id: mutant for mutant in plant(self.root)}
        self.rows = rows_by_statement(self.root)
        self.warm_up()
        for line in self.requests:
            self.replies.write(json.dumps(self.examine(**json.loads(line))) + "\n")
            self.replies.flush()
        return True

    def warm_up(self) -> None:
        """Import here what the first test would import in every child, and keep its collector off the worker's objects."""
        for item in [item for item in self.items if item.path.stem in ("test_rules", "test_conventions")][::40]:
            runtestprotocol(item, log=False, nextitem=None)
        gc.collect()
        gc.freeze()

    def examine(
        self, id: str, skip: list[str], timeout: float, everything: bool, concerned: list[str] | None, share: list[int]
    ) -> dict[str, Any]:
        """Run the tests on one mutant; where `id` is empty on none, those tests that concern these mutants."""
        mutant = self.mutants[id] if id else None
        first, rest = self.ordered(mutant, set(skip))
        if concerned is not None:
            wanted = {item for other in concerned for item in self.ordered(self.mutants[other], set())[0]}
            first = [item for item in first if item in wanted]
        first = first[share[0] :: share[1]]
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            self.child(mutant, first + (rest if everything else []), writer, stop=bool(id))
        os.close(writer)
        started, text = time.perf_counter(), b""
        outcome = {"outcome": "timeout", "by": f"{timeout:g} s"}
        while (left := started + timeout - time.perf_counter()) > 0 and select.select([reader], [], [], left)[0]:
            chunk = os.read(reader, 1 << 16)
            text += chunk
            if not chunk:
                outcome = json.loads(text) if text else {"outcome": "killed", "by": "the process died"}
                break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reader)
        return {"id": id, "seconds": round(time.perf_counter() - started, 3), **outcome}

    def ordered(self, mutant: Mutant | None, skip: set[str]) -> tuple[list[pytest.Item], list[pytest.Item]]:
        """The tests that concern a mutant, and the rest of the suite."""
        items = [item for item in self.items if item.nodeid not in skip]
        if mutant is None:
            return items, []
        if mutant.file in ENGINE:
            rank = {name: k for k, name in enumerate(ENGINE_TESTS)}
            first = sorted((i for i in items if i.path.stem in rank), key=lambda i: rank[i.path.stem])
        else:
            rows = self.rows.get((mutant.file, mutant.statement), set())
            wanted = FIRST_TEST.get(mutant.operator, "test_forward_and_gradient")
            case = lambda item: getattr(item, "callspec", None) and item.callspec.params.get("case")
            first = [i for i in items if case(i) is not None and (not rows or rows & set(case(i).covers))]
            first.sort(key=lambda item: not item.name.startswith(wanted))
            first += [i for i in items if i.path.stem == "test_conventions"]
        chosen = set(first)
        return first, [item for item in items if item not in chosen]

    def child(self, mutant: Mutant | None, items: list[pytest.Item], writer: int, stop: bool) -> None:
        """In the fork: plant, test, answer, and end without ceremony."""
        answer: dict[str, Any] = {"outcome": "survived", "by": ""}
        try:
            own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (own + MEMORY, own + MEMORY))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                apply_nothing(self.root) if mutant is None else apply_mutant(self.root, mutant)
            failed = []
            for item in items:
                if any(report.failed for report in runtestprotocol(item, log=False, nextitem=None)):
                    failed.append(item.nodeid)
                    if stop:
                        break
            if failed:
                answer = {"outcome": "killed", "by": failed[0], "failed": failed}
        except BaseException as error:  # the parent has to hear of it: this process has no other voice
            answer = {"outcome": "error", "by": f"{type(error).__name__}: {error}"}
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)


def main(requests: int, replies: int) -> None:
    with os.fdopen(requests) as reading, os.fdopen(replies, "w") as writing:
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler", "--tb=no", "tests"]
        pytest.main(options, plugins=[Worker(reading, writing)])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
