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

from .operators import FACTS, FLAT, OPERATORS, Scope, called

ENGINE = ("tinytensor/engine.py", "tinytensor/calls.py")
RULES = "tinytensor/rules"
MACHINERY = ("__init__.py", "table.py")  # of the rules: no calculus

Definition = ast.FunctionDef | ast.Lambda
Aside = dict[str, set[int]]  # function name -> positions of parameters of which only facts are used


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
    signature: str  # the file, the function, and the changed lines: it stays when counts and line numbers move

    @property
    def operator(self) -> str:
        return self.id.split(":")[2]

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
    texts = {file: (root / file).read_text() for file in files(root)}
    aside = shape_only([ast.parse(text) for text in texts.values()])
    return [mutant for file, text in texts.items() for mutant in plant_in(file, text, aside)]


def plant_in(file: str, text: str, aside: Aside) -> Iterator[Mutant]:
    """Every mutant of one file."""
    module, offsets, raw = ast.parse(text), line_offsets(text), text.encode()
    counts: Counter[str] = Counter()
    seen: set[tuple[int, str]] = set()
    for statement, top in enumerate(module.body):
        for name, nodes, scope in targets(top, aside):
            for node, operator, new in proposals(nodes, scope):
                start, end = (offsets[line - 1] + column for line, column in span(node))
                after = ast.unparse(ast.fix_missing_locations(new))
                after = f"({after})" if isinstance(new, ast.expr) and not is_simple(new) else after
                key = f"{Path(file).name}:{name}:{operator}"
                line = raw[offsets[node.lineno - 1] : start].decode() + after  # type: ignore[attr-defined]
                line += raw[end : offsets[node.end_lineno]].decode()  # type: ignore[attr-defined]  # what can be replaced has a place
                if isinstance(new, ast.Pass) or operator == "branch":
                    line += f" in place of {ast.unparse(node)}"
                signature = f"{Path(file).name}:{name}: {' '.join(line.split())}"
                if (node.lineno, signature) in seen:  # type: ignore[attr-defined]
                    continue  # two operators have the same idea
                seen.add((node.lineno, signature))  # type: ignore[attr-defined]
                counts[key] += 1
                yield Mutant(f"{key}:{counts[key]}", file, statement, start, end, ast.unparse(node), after, signature)


def proposals(nodes: list[ast.AST], scope: Scope) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """What the operators make of the nodes, where it is another program."""
    for node in nodes:
        for operator, propose in OPERATORS.items():
            for new in propose(node, scope):
                if ast.dump(new) != ast.dump(node):
                    yield node, operator, new


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


def targets(top: ast.stmt, aside: Aside) -> Iterator[tuple[str, list[ast.AST], Scope]]:
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
        yield name, list(inside(definition)), scope_of(definition, aside)


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


def scope_of(definition: Definition, aside: Aside) -> Scope:
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
        scope.inert.update(flat_parts(node, aside))
    scope.bound |= {name for name, times in assigned.items() if times > 1}
    return scope


def flat_parts(node: ast.AST, aside: Aside) -> Iterator[ast.AST]:
    """The parts of a node of which the elements, or their derivatives, do not matter."""
    if isinstance(node, ast.Compare) or called(node) in FACTS | FLAT or called(node).endswith(("_shape", "_shapes")):
        yield from set(ast.walk(node)) - {node}
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield from ast.walk(node.test)
    if isinstance(node, ast.Attribute) and node.attr in ("dtype", "shape", "ndim", "size"):
        yield node.value
    if isinstance(getattr(node, "ctx", None), ast.Store):
        yield node
    if isinstance(node, ast.Call):
        for k, argument in enumerate(node.args):
            if k in aside.get(called(node), ()):
                yield argument


def shape_only(modules: list[ast.Module]) -> Aside:
    """Of each function, the positions of those parameters of which it uses nothing but facts, such as the shape."""
    functions = {d.name: d for module in modules for d in module.body if isinstance(d, ast.FunctionDef)}
    functions |= {
        s.targets[0].id: s.value  # type: ignore[misc]  # an assigned lambda
        for module in modules
        for s in module.body
        if isinstance(s, ast.Assign) and isinstance(s.value, ast.Lambda) and isinstance(s.targets[0], ast.Name)
    }
    aside: Aside = {}
    for _ in range(4):  # as deep as the helpers call each other
        for name, definition in functions.items():
            scope = scope_of(definition, aside)
            nodes = [n for n in inside(definition) if isinstance(n, ast.Name) and n not in scope.inert]
            used = {n.id for n in nodes}
            aside[name] = {k for k, parameter in enumerate(scope.parameters) if parameter not in used}
    return aside
