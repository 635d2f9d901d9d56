"""How a gradient rule goes wrong: each operator looks at one node of the syntax tree and proposes others.

An operator is a function ``(node, scope)`` that yields replacements for `node`, or none. It refuses to
know which function it is in, beyond the `Scope`: the parameters, and what is returned. Read next:
``plant.py``.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# Parameters that are no operands: shapes, axes, options. Anything else in a rule is an array.
OPTIONS = frozenset({
    "UPLO", "ord", "axis", "axis1", "axis2", "axes", "shape", "key", "keys", "dtype", "order", "source",
    "destination", "pad_width", "mode", "subscripts", "optimize", "i", "position", "k", "n", "keepdims", "ddof",
    "reduction", "row", "kwargs", "shift", "repeats", "offset", "method", "arrays", "step", "vectors", "diagonal",
    "exponent", "condition", "labels", "function", "args", "node", "nodes", "root", "wanted", "create_graph",
    "operand", "arg", "data", "needed", "indices", "sections", "size", "classes",
})  # fmt: skip
# What asks for facts about an array, and not for its elements.
FACTS = frozenset({
    "shape", "ndim", "size", "len", "isinstance", "hasattr", "type", "result_type", "zeros_like", "ones_like", "full_like",
})  # fmt: skip
# What is flat wherever it is smooth: the derivative of its arguments is zero.
FLAT = frozenset({
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "isnan", "isinf", "isfinite", "signbit", "sign",
    "rint", "floor", "ceil", "trunc", "floor_divide", "argsort", "argmax", "argmin", "heaviside",
})  # fmt: skip


@dataclass
class Scope:
    """What the operators may know of the function that they are in."""

    parameters: list[str]
    results: list[ast.expr] = field(default_factory=list)  # the expressions that it returns
    inert: set[ast.AST] = field(default_factory=set)  # nodes of which the elements do not matter
    options: set[str] = field(default_factory=set)  # parameters with a default: no operands
    bound: set[str] = field(default_factory=set)  # names assigned more than once, or parameters

    @property
    def is_rule(self) -> bool:
        """Whether it takes a gradient: a rule, or a helper that works on one."""
        return bool(self.parameters) and self.parameters[0] in ("g", "part")

    @property
    def arrays(self) -> list[str]:
        return [name for name in self.parameters if name not in OPTIONS | self.options]


def parse(text: str, **parts: ast.AST) -> ast.expr:
    """An expression with the names in capitals replaced by copies of other nodes."""

    class Fill(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return copy.deepcopy(parts[node.id]) if node.id in parts else node

    return Fill().visit(ast.parse(text, mode="eval").body)


def called(node: ast.AST) -> str:
    """The last name of the function in a call, such as ``sum`` in ``np.sum(…)``."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def of_numpy(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("np.")


# --------------------------------------------------------------------------- what a rule returns


def result_as(text: str, scaled: bool = False) -> Callable[[ast.AST, Scope], Iterator[ast.expr]]:
    """The operator that wraps everything that a rule returns; -0 and 2 * 0 are 0, so a `scaled` one spares zeros."""

    def wrap(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
        if scope.is_rule and node in scope.results and (scaled is False or called(node) != "zeros_like"):
            yield parse(text, E=node)

    return wrap


def dropped_chain(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """Forget the arriving gradient."""
    if isinstance(node, ast.Name) and node.id == "g" and scope.is_rule and node not in scope.inert:
        yield parse("np.ones_like(g)")


def first_order(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """Read the array out of the Tensor: right at first order, and wrong at every higher one."""
    if isinstance(node, ast.Name) and node.id in scope.arrays and node not in scope.inert:
        yield parse(f'getattr({node.id}, "_data", {node.id})')


def wrong_operand(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """Take another operand, or the output, in place of one."""
    if scope.is_rule and isinstance(node, ast.Name) and node.id in scope.arrays[1:]:
        for other in scope.arrays[1:]:
            if other != node.id:
                yield ast.Name(other)


# ------------------------------------------------------------------------------------ arithmetic

OTHER = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
         ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.FloorDiv: ast.Div, ast.Mod: ast.Mult}  # fmt: skip
ORDERED = (ast.Sub, ast.Div, ast.Pow, ast.FloorDiv, ast.Mod, ast.MatMult)


def operation(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """+ for -, * for /, & for |."""
    if isinstance(node, ast.BinOp) and type(node.op) in OTHER:
        yield ast.BinOp(node.left, OTHER[type(node.op)](), node.right)


def dropped_operand(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """A factor or a term forgotten."""
    if isinstance(node, ast.BinOp):
        yield from (node.left, node.right)


def swapped(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """The operands in the other order."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ORDERED):
        yield ast.BinOp(node.right, node.op, node.left)
    first = {"matmul": 0, "floor_divide": 0, "less": 0, "greater": 0, "arctan2": 0, "divide": 0, "subtract": 0, "power": 0,
             "linear": 0, "where": 1, "moveaxis": 1}.get(called(node))  # fmt: skip
    if first is not None and isinstance(node, ast.Call) and len(node.args) > first + 1:
        args = list(node.args)
        args[first : first + 2] = args[first + 1], args[first]
        yield ast.Call(node.func, args, node.keywords)


def unary(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """A minus, a `not` or a `~` forgotten."""
    if isinstance(node, ast.UnaryOp):
        yield node.operand


def off_by_one(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """An exponent, an axis, a count: one more, one less; another float doubled."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        yield from (ast.Constant(node.value + 1), ast.Constant(node.value - 1))
    elif isinstance(node, ast.Constant) and type(node.value) is float:
        yield ast.Constant(node.value * 2 or 1.0)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and not isinstance(node.right, ast.Constant):
        yield parse("A ** (B + 1)", A=node.left, B=node.right)


# ------------------------------------------------------------------------------ axes and layouts


def keepdims(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """The other answer to keepdims (a constant one is turned over by `condition`)."""
    if isinstance(node, ast.Call):
        for k, keyword in enumerate(node.keywords):
            if keyword.arg == "keepdims" and not isinstance(keyword.value, ast.Constant):
                turned = ast.keyword("keepdims", ast.UnaryOp(ast.Not(), keyword.value))
                yield ast.Call(node.func, node.args, [*node.keywords[:k], turned, *node.keywords[k + 1 :]])


def axis(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """All axes in place of those given; one axis too few."""
    if called(node) == "tuple":
        yield from (parse("E[1:]", E=node), parse("E[:-1]", E=node))
    if isinstance(node, ast.Call):
        for k, keyword in enumerate(node.keywords):
            if keyword.arg == "axis" and not isinstance(keyword.value, ast.Constant):
                every = ast.keyword("axis", ast.Constant(None))
                yield ast.Call(node.func, node.args, [*node.keywords[:k], every, *node.keywords[k + 1 :]])


def dropped_call(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """The call forgotten: its first argument as it is."""
    known = of_numpy(node) or called(node) in (
        "restore",
        "back",
        "index",
        "spread_out",
        "unbroadcast",
        "sigmoid",
        "astype",
    )
    if known and called(node) not in FACTS and node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    elif called(node) == "astype" and isinstance(node.func, ast.Attribute):
        yield node.func.value


# ------------------------------------------------------------------------------------ conditions

COMPARED = {ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE), ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE),
            ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
            ast.NotIn: (ast.In,)}  # fmt: skip
COMPARING = {"less": "less_equal", "less_equal": "less", "greater": "greater_equal", "greater_equal": "greater",
             "equal": "not_equal", "not_equal": "equal"}  # fmt: skip


def mask(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """>= for >, and the other way round."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in COMPARED.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [other()], node.comparators)
    if of_numpy(node) and called(node) in COMPARING:
        yield ast.Call(ast.Attribute(ast.Name("np"), COMPARING[called(node)]), node.args, node.keywords)


def condition(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    """A case forgotten: a branch always or never taken, a part of a condition left out, a flag turned over."""
    if isinstance(node, ast.BoolOp):
        for k in range(len(node.values)):
            rest = [*node.values[:k], *node.values[k + 1 :]]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)) and any(c.ifs for c in node.generators):
        every = copy.deepcopy(node)
        for clause in every.generators:
            clause.ifs = []
        yield every


def branch(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """The test of an `if` statement: always, or never."""
    if node in scope.inert and getattr(node, "is_test", False):
        yield from (ast.Constant(True), ast.Constant(False))


# ------------------------------------------------------------------------------------ statements


def dropped_statement(node: ast.AST, scope: Scope) -> Iterator[ast.stmt]:
    """A step left out: a call, an accumulation, a refusal, a second assignment."""
    if (
        isinstance(node, (ast.AugAssign, ast.Raise, ast.Continue))
        or (isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant))
        or (
            isinstance(node, ast.Assign)
            and (not isinstance(node.targets[0], (ast.Name, ast.Tuple)) or ast.unparse(node.targets[0]) in scope.bound)
        )
    ):
        yield ast.Pass()


# ------------------------------------------------------------------------------------------ rows


def row(node: ast.AST, scope: Scope) -> Iterator[ast.expr]:
    """A row of the table with its rules exchanged, one missing, or without its spread."""
    if called(node) != "rule" or not isinstance(node, ast.Call) or len(node.args) < 2:
        return
    function, *vjps = node.args
    for k, vjp in enumerate(vjps):
        for other in range(k + 1, len(vjps)):
            exchanged = list(vjps)
            exchanged[k], exchanged[other] = vjps[other], vjp
            yield ast.Call(node.func, [function, *exchanged], node.keywords)
        if not (isinstance(vjp, (ast.Constant, ast.Starred))):
            yield ast.Call(node.func, [function, *vjps[:k], ast.Constant(None), *vjps[k + 1 :]], node.keywords)
    if any(keyword.arg == "spread" for keyword in node.keywords):
        yield ast.Call(node.func, node.args, [keyword for keyword in node.keywords if keyword.arg != "spread"])


OPERATORS: dict[str, Callable[[ast.AST, Scope], Iterator[ast.AST]]] = {
    "sign": result_as("-E", scaled=True),
    "factor": result_as("2 * E", scaled=True),
    "transposed": result_as("np.transpose(E)"),
    "widened": result_as("E * np.float64(1)"),
    "dropped-chain": dropped_chain,
    "first-order": first_order,
    "wrong-operand": wrong_operand,
    "operation": operation,
    "dropped-operand": dropped_operand,
    "swapped": swapped,
    "unary": unary,
    "off-by-one": off_by_one,
    "keepdims": keepdims,
    "axis": axis,
    "dropped-call": dropped_call,
    "mask": mask,
    "condition": condition,
    "branch": branch,
    "dropped-statement": dropped_statement,
    "row": row,
}
