"""Find every rule in the source, and plant one mistake at a time.

Nothing is named by hand: the functions and rows are those that the syntax tree of the files shows. A
mutant is a piece of source text with a replacement, so that its diff is what a person would have
typed. This file runs nothing. Read next: ``worker.py``.
"""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .operators import FACTS, OPERATORS, Scope, called

ENGINE = ("tinytensor/engine.py", "tinytensor/calls.py")
RULES = "tinytensor/rules"
MACHINERY = ("__init__.py", "table.py")  # of the rules: no calculus

Definition = ast.FunctionDef | ast.Lambda


@dataclass(frozen=True)
class Mutant:
    """One planted mistake: a span of a file (in bytes) and what stands there instead."""

    id: str
    file: str
    statement: int  # which of the module's statements it is in
    start: int
    end: int
    before: str
    after: str

    @property
    def operator(self) -> str:
        return self.id.split(":")[2]

    @property
    def signature(self) -> str:
        """Where it is and what it changes, without the count: another way to name it."""
        return f"{self.id.rsplit(':', 1)[0]}: {self.before} -> {self.after}"

    def source(self, original: str) -> str:
        """The text of the whole file with the mistake in it."""
        raw = original.encode()
        return (raw[: self.start] + self.after.encode() + raw[self.end :]).decode()

    def diff(self, original: str) -> str:
        lines = (original.splitlines(keepends=True), self.source(original).splitlines(keepends=True))
        return "".join(difflib.unified_diff(*lines, self.file, f"{self.file} ({self.id})", n=1))


def files(root: Path) -> list[str]:
    rules = sorted(p.name for p in (root / RULES).glob("*.py"))
    return [f"{RULES}/{name}" for name in rules if name not in MACHINERY] + list(ENGINE)


def plant(root: Path) -> list[Mutant]:
    """Every mutant of the tree at `root`, in the order of the source."""
    return [mutant for file in files(root) for mutant in plant_in(file, (root / file).read_text())]


def plant_in(file: str, text: str) -> Iterator[Mutant]:
    """Every mutant of one file."""
    module, offsets = ast.parse(text), line_offsets(text)
    counts: Counter[str] = Counter()
    seen: set[tuple[int, int, str]] = set()
    for statement, top in enumerate(module.body):
        for name, nodes, scope in targets(top):
            for node in nodes:
                for operator, propose in OPERATORS.items():
                    for new in propose(node, scope):
                        if ast.dump(new) == ast.dump(node):
                            continue
                        start, end = (offsets[line - 1] + column for line, column in span(node))
                        after = ast.unparse(ast.fix_missing_locations(new))
                        after = f"({after})" if isinstance(new, ast.expr) and not is_simple(new) else after
                        if (start, end, after) in seen:
                            continue
                        seen.add((start, end, after))
                        key = f"{Path(file).name}:{name}:{operator}"
                        counts[key] += 1
                        yield Mutant(f"{key}:{counts[key]}", file, statement, start, end, ast.unparse(node), after)


def is_simple(node: ast.expr) -> bool:
    return isinstance(node, (ast.Name, ast.Call, ast.Attribute, ast.Subscript)) or (
        isinstance(node, ast.Constant) and not str(node.value).startswith("-")
    )


def line_offsets(text: str) -> list[int]:
    """Where each line starts, in bytes."""
    offsets = [0]
    for line in text.encode().splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    return offsets


def span(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


# --------------------------------------------------------------------------------------- targets


def targets(top: ast.stmt) -> Iterator[tuple[str, list[ast.AST], Scope]]:
    """The rules in one statement of a module: a name, the nodes to change, and the scope."""
    if isinstance(top, (ast.Import, ast.ImportFrom, ast.ClassDef)):
        return
    named: dict[Definition, str] = {}
    for call in ast.walk(top):
        if called(call) == "rule" and isinstance(call, ast.Call) and call.args:
            function = ast.unparse(call.args[0]).removeprefix("np.")
            yield function, [call], Scope([])
            named |= {arg: f"{function}.{k}" for k, arg in enumerate(call.args[1:]) if isinstance(arg, ast.Lambda)}
            named |= {k.value: f"{function}.{k.arg}" for k in call.keywords if isinstance(k.value, ast.Lambda)}
    outer = (
        ast.unparse(top.targets[0]) if isinstance(top, ast.Assign) else getattr(top, "name", type(top).__name__.lower())
    )
    for definition in definitions(top):
        name = named.get(definition) or getattr(definition, "name", outer)
        yield name, list(inside(definition)), scope_of(definition)


def definitions(top: ast.AST) -> list[Definition]:
    """The functions in a statement, those within another function included."""
    return [node for node in ast.walk(top) if isinstance(node, (ast.FunctionDef, ast.Lambda))]


def inside(definition: Definition) -> Iterator[ast.AST]:
    """The nodes that belong to a function itself: no annotation, no docstring, no message, no inner function."""
    stack: list[ast.AST] = list(definition.body) if isinstance(definition, ast.FunctionDef) else [definition.body]
    while stack:
        node = stack.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            continue
        if hasattr(node, "lineno"):
            yield node
        if isinstance(node, (ast.Raise, ast.JoinedStr)):
            continue
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.AnnAssign):
            children = [node.value] if node.value else []
        stack = children + stack


def scope_of(definition: Definition) -> Scope:
    """What the operators need to know of a function."""
    arguments = definition.args
    scope = Scope([a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)])
    optional = arguments.kwonlyargs + arguments.args[len(arguments.args) - len(arguments.defaults) :]
    scope.options = {a.arg for a in optional} - {"bias"}
    scope.bound = set(scope.parameters)
    assigned: Counter[str] = Counter()
    if isinstance(definition, ast.Lambda):
        scope.results = [definition.body]
    for node in inside(definition):
        if isinstance(node, ast.Return) and node.value is not None:
            scope.results.append(node.value)
        if isinstance(node, ast.If):
            node.test.is_test = True  # type: ignore[attr-defined]  # a note for `branch`
            scope.inert.add(node.test)
        if isinstance(node, ast.Assign):
            assigned.update(t.id for t in node.targets if isinstance(t, ast.Name))
        if isinstance(node, ast.Compare) or called(node) in FACTS:
            scope.inert |= set(ast.walk(node)) - {node}
        if isinstance(node, ast.Attribute) and node.attr in ("dtype", "shape", "ndim", "size"):
            scope.inert.add(node.value)
        if isinstance(getattr(node, "ctx", None), ast.Store):
            scope.inert.add(node)
    scope.bound |= {name for name, times in assigned.items() if times > 1}
    return scope
