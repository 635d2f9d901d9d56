"""Simplify: what is computed twice is computed once, what is never used not at all.

Every rewriting keeps the values to the last bit, except where the comment says so. Nothing here knows memory or
text. Read next: ``families.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..node import Node
from . import vocabulary as words
from .ir import Op, Var, evaluate, mapped


@dataclass
class Program:
    """A traced function: its calls, and what is to be kept of them.

    Attributes
    ----------
    ops : list of Op
        In an order in which they can run.
    outputs : list of Var
        What the function returns.
    data, grads : dict
        The tensors whose data or gradients it changed, with the new values.
    states : list of tuple
        Optimizers' buffers: (before, after).
    steps : list of list
        For each optimizer step, the tensors that it updated and the gradients that it saw.
    flats : list of Var
        Flat arrays that hold several of these.
    """

    ops: list[Op]
    outputs: list[Var]
    data: dict[Node, Var] = field(default_factory=dict)
    grads: dict[Node, Var | None] = field(default_factory=dict)
    states: list[tuple[Var, Var]] = field(default_factory=list)
    steps: list[list[tuple[Node, Var]]] = field(default_factory=list)
    flats: list[Var] = field(default_factory=list)

    def kept(self) -> list[Var]:
        """Every value that someone looks at after the call."""
        grads = [var for var in self.grads.values() if var is not None]
        return [*self.outputs, *self.data.values(), *grads, *(after for _, after in self.states), *self.flats]

    def replace(self, new: dict[Var, Var]) -> None:
        """Put other Vars in the place of some, everywhere."""
        for op in self.ops:
            op.replace(new)
        self.outputs = [new.get(var, var) for var in self.outputs]
        self.data = {node: new.get(var, var) for node, var in self.data.items()}
        self.grads = {node: None if var is None else new.get(var, var) for node, var in self.grads.items()}
        self.states = [(before, new.get(after, after)) for before, after in self.states]
        self.steps = [[(node, new.get(g, g)) for node, g in step] for step in self.steps]


def simplified(program: Program) -> Program:
    """The same program with fewer calls."""
    for op in program.ops:
        plain_reduction(op)
    share(program)
    drop_unused(program)
    return program


def plain_reduction(op: Op) -> None:
    """``np.sum`` and its like are the ufunc's ``reduce``, in a wrapper that costs as much as a small sum."""
    ufunc = words.REDUCTIONS.get(op.function)
    if ufunc is None or not isinstance(op.args[0], Var) or op.args[0].dtype.kind not in "fbiu":
        return
    names = ("axis", "dtype")[: len(op.args) - 1] if op.function in (np.sum, np.prod) else ("axis",)
    kwargs = {"axis": None, **dict(zip(names, op.args[1:], strict=False)), **op.kwargs}
    unused = {name for name in ("dtype", "initial") if kwargs.get(name) is None}
    kwargs = {name: value for name, value in kwargs.items() if name not in unused and value is not np._NoValue}
    if len(op.args) <= 1 + len(names) and kwargs.keys() <= {"axis", "keepdims", "initial", "dtype"}:
        op.function, op.args, op.kwargs = ufunc.reduce, op.args[:1], kwargs


def share(program: Program) -> None:
    """Give calls of the same function on the same values one result, and leave out calls that change nothing."""
    known: dict[Any, Var] = {}
    new: dict[Var, Var] = {}
    for op in program.ops:
        op.replace(new)
        same = neutral(op)
        if same is None and op.function not in words.IMPURE:
            same = known.setdefault(key_of(op), op.out)
        if same is not None and same is not op.out:
            new[op.out] = same
            same.gradient_of = same.gradient_of or op.out.gradient_of
            same.called = same.called or op.out.called
    program.replace(new)


def key_of(op: Op) -> Any:
    """The same for two calls that compute the same."""
    return op.function, _frozen(op.args), _frozen(op.kwargs)


def _frozen(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value), tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return tuple(sorted((name, _frozen(item)) for name, item in value.items()))
    if isinstance(value, slice):
        return slice, _frozen((value.start, value.stop, value.step))
    if isinstance(value, (Var, np.dtype, type)) or callable(value):
        return id(value) if isinstance(value, Var) else value
    if isinstance(value, (int, float, str, bytes, type(None), type(Ellipsis), np.generic)):
        return type(value), repr(value)  # 1, 1.0 and True are equal, and 0.0 is -0.0, but they don't compute the same
    return id(value)


def neutral(op: Op) -> Var | None:
    """The operand that a call returns as it is: ``x * 1``, ``x / 1``, a cast to its own dtype."""
    if op.function in (np.multiply, np.divide) and len(op.args) == 2 and not op.kwargs:
        x, y = op.args
        if isinstance(x, Var) and _is_one(y) and (x.shape, x.dtype) == (op.out.shape, op.out.dtype):
            return x
        if op.function is np.multiply and isinstance(y, Var) and _is_one(x):
            return y if (y.shape, y.dtype) == (op.out.shape, op.out.dtype) else None
    if op.function in (np.reshape, np.ravel, np.broadcast_to) and isinstance(x := op.args[0], Var):
        return x if x.shape == op.out.shape else None
    if op.function is np.transpose and op.out.value.ndim < 2 and isinstance(op.args[0], Var):
        return op.args[0]
    if op.function is words.fitted_to and isinstance(x := op.args[0], Var):
        return x if (x.shape, x.dtype) == (op.out.shape, op.out.dtype) else None
    return None


def _is_one(value: Any) -> bool:
    if isinstance(value, Var):
        return value.is_constant and np.size(value.value) == 1 and bool(np.all(value.value == 1))
    return isinstance(value, (int, float)) and value == 1


def fold(program: Program) -> None:
    """Compute at once what depends on constants only."""
    new: dict[Var, Var] = {}
    for op in program.ops:
        op.replace(new)
        if op.function not in words.IMPURE and all(var.is_constant for var in op.inputs()):
            value = evaluate(op.function, op.args, op.kwargs, lambda var: var.value)
            new[op.out] = Var(value, source=("constant", value), hint=op.out.called or op.out.hint)
    program.replace(new)


def drop_unused(program: Program) -> None:
    """Leave out what nobody looks at."""
    wanted = set(program.kept())
    kept: list[Op] = []
    for op in reversed(program.ops):
        if op.out in wanted or op.function is words.check:
            wanted.update(op.inputs())
            kept.append(op)
        elif op.function is words.drawn:
            kept.append(op)  # the generator has to go on
    program.ops = kept[::-1]


def rewrite(program: Program, change: Callable[[Op], list[Op] | None]) -> None:
    """Put other calls in the place of some; the last of them has the result."""
    ops: list[Op] = []
    new: dict[Var, Var] = {}
    for op in program.ops:
        op.replace(new)
        other = change(op)
        if other:
            new[op.out] = other[-1].out
            last, was = other[-1].out, op.out
            last.gradient_of, last.hint, last.called = was.gradient_of, was.hint, was.called
        ops += other or [op]
    program.ops = ops
    program.replace(new)


def call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None, like: Op | None = None) -> Op:
    """A new call, computed on the spot."""
    kwargs = kwargs or {}
    value = evaluate(function, args, kwargs, lambda var: var.value)
    return Op(function, args, kwargs, value, like.origin if like else None)


__all__ = ["Program", "call", "drop_unused", "fold", "key_of", "mapped", "rewrite", "share", "simplified"]
