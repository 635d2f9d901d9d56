"""Memory: where every value of a program lies, so that a step allocates none.

A value gets memory when it is made and gives it back when it was last looked at. An elementwise call writes over an
operand that nobody needs any more. What outlives a call (parameters, gradients, optimizers' buffers) has
its own memory, and is written there at once where that is safe. Read next: ``phrases.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import vocabulary as words
from .ir import Op, Var, evaluate
from .simplify import Program

FOREVER = 1 << 60


@dataclass(eq=False)
class Place:
    """Where a value lies.

    Attributes
    ----------
    kind : str
        "argument" (given at each call), "kept" (given once, outlives the calls), "constant", "memory" (made once),
        "shared" (the memory of another), "part" (of a flat array), "view" (of another, made once), or "local" (made at
        each call).
    array : ndarray
        An array with the layout that it will have; None for what is made at each call.
    of : Place or None
        Whose memory it is.
    op : Op or None
        For a view: the call that makes it.
    """

    kind: str
    array: Any
    of: Place | None = None
    op: Op | None = None

    @property
    def root(self) -> Place:
        """The place that the memory belongs to."""
        return self if self.of is None else self.of.root

    @property
    def is_static(self) -> bool:
        """Whether it is the same memory at every call."""
        return self.root.kind in ("kept", "constant", "memory")


def is_elementwise(op: Op) -> bool:
    """Whether each element of the result depends on the same elements of the operands only."""
    return isinstance(op.function, np.ufunc) and op.function.signature is None and op.function.nout == 1


def is_reduction(op: Op) -> bool:
    """Whether it is the ``reduce`` of a ufunc."""
    return isinstance(getattr(op.function, "__self__", None), np.ufunc) and op.function.__name__ == "reduce"


WRITES = frozenset((np.matmul, np.where, words.astype, words.fitted_to, words.updated, words.scattered, words.drawn,
                    words.at_labels, words.less_one_at,
                    *words.WITH_OUT))  # fmt: skip


def writes_into_memory(op: Op) -> bool:
    """Whether the call can write its result where it is told to."""
    if not isinstance(op.out.value, (np.ndarray, np.generic)):
        return False
    return is_elementwise(op) or is_reduction(op) or op.function in WRITES


def is_view(op: Op) -> bool:
    """Whether the call may look at its operand's memory in another way."""
    return op.function in words.VIEWS and not isinstance(op.out.value, (tuple, list))


class Memory:
    """The places of all values of a program.

    Parameters
    ----------
    program : Program
    places : dict
        The places of what is given: arguments, parameters, constants.
    homes : dict
        For values that outlive the call: the place where each has to be at the end.
    parts : dict
        For the members of a flat array that is computed part by part: where in it each has to be.
    local : set of Var
        Values that must have memory of their own at each call: what is returned.
    inline : set of Op
        Calls that are written into the line of another.
    """

    def __init__(
        self,
        program: Program,
        places: dict[Var, Place],
        homes: list[tuple[Var, Place]],
        parts: dict[Var, Place],
        local: set[Var],
        inline: set[Op],
    ) -> None:
        self.program, self.of, self.local = program, places, local
        self.copies: list[tuple[Place, Var]] = []  # to be made at the end of a call
        self.inline = inline
        self.packing: dict[int, list[tuple[Place, Var]]] = {}  # before a call: members that could not be made in place
        self.parts = parts
        self.free: dict[Any, list[Place]] = {}
        self._wanted: dict[Var, Place] = {}
        for var, place in homes:
            if self._wanted.setdefault(var, place) is not place:
                self.copies.append((place, var))
        self._last = self._last_uses()
        self._busy: dict[Place, int] = {}  # until when what lies in a place is needed
        for var, place in places.items():
            self._busy[place] = max(self._busy.get(place, -1), self._last.get(var, -1))
        self._live: list[tuple[Var, Place]] = []
        for index, op in enumerate(program.ops):
            self._step(index, op)
        for var, place in self._wanted.items():
            if self.of.get(var) is not place:
                self.copies.append((place, var))

    # ---------------------------------------------------------------------------------- how long

    def _last_uses(self) -> dict[Var, int]:
        """The index of the last call that looks at each value, or at a view of it."""
        last = dict.fromkeys((*self.program.kept(), *(var for _, var in self.copies)), FOREVER)
        for index in range(len(self.program.ops) - 1, -1, -1):
            op = self.program.ops[index]
            for var in op.inputs():
                until = last.get(op.out, index) if is_view(op) or op.function is words.packed else index
                last[var] = max(last.get(var, -1), until, index)
        return last

    def _step(self, index: int, op: Op) -> None:
        if op.function is words.packed:
            self.of[op.out] = self._wanted[op.out]
            self.packing[index] = [(self.parts[v], v) for v in op.inputs() if self.of[v] is not self.parts[v]]
            return
        if is_view(op) and self._as_view(op):
            return
        if op.out in self.local or op in self.inline or not writes_into_memory(op):
            self.of[op.out] = Place("local", None)
        else:
            self._give(index, op)
        for var, place in [pair for pair in self._live if self._last.get(pair[0], -1) <= index]:
            self._live.remove((var, place))
            self.free.setdefault((place.array.nbytes, place.array.dtype), []).append(place)

    def _as_view(self, op: Op) -> bool:
        source = self.of[op.args[0]]
        if not source.is_static or source.array is None:
            self.of[op.out] = Place("local", None, of=source, op=op)
            return True
        try:
            array = evaluate(op.function, op.args, op.kwargs, lambda var: self.of[var].array)
        except (ValueError, TypeError, IndexError):
            return False  # another layout than when it was watched
        if not np.may_share_memory(array, source.array):
            return False
        self.of[op.out] = Place("view", array, of=source, op=op)
        return True

    # ------------------------------------------------------------------------------------ where

    def _give(self, index: int, op: Op) -> None:
        home = self.parts.get(op.out) or self._wanted.get(op.out)
        if home is not None and self._is_safe(index, op, home):
            self._busy[home] = self._last.get(op.out, index)
            self.of[op.out] = home
            return
        over = next(self._dying_operands(index, op), None)
        if over is not None:
            shared = Place("shared", over.array, of=over.root)  # its views are made later
            self._live = [(v, p) for v, p in self._live if p is not over.root]
            self._live.append((op.out, over.root))
        else:
            shared = self._fresh(op)
        self.of[op.out] = shared

    def _is_safe(self, index: int, op: Op, home: Place) -> bool:
        """Whether a kept place may be written now: nobody looks at what is there any more."""
        if home.array.dtype != op.out.dtype or home.array.shape != op.out.shape:
            return False
        related = [place for place in self._busy if place is home or place.root is home.root]
        overlapping = [p for p in related if p is home or np.may_share_memory(p.array, home.array)]
        until = max((self._busy[place] for place in overlapping), default=-1)
        if until < index:
            return True
        reads_only_there = all(
            self.of[var].root is not home.root
            or same_memory(self.of[var].array, home.array)
            or not np.may_share_memory(self.of[var].array, home.array)
            for var in op.inputs()
        )
        return until == index and is_elementwise(op) and reads_only_there

    def _dying_operands(self, index: int, op: Op) -> Iterator[Place]:
        """Operands that a call may write over."""
        if not is_elementwise(op) and op.function not in (words.updated, words.less_one_at):
            return
        for var in op.inputs() if is_elementwise(op) else (op.args[0],):
            place = self.of[var]
            if place.root.kind != "memory" or place.array is None or self._last.get(var, -1) > index:
                continue
            owners = [v for v, p in self._live if p is place.root]
            fits = place.array.shape == op.out.shape and place.array.dtype == op.out.dtype
            alone = all(self._last.get(v, -1) <= index for v in owners)
            others = [self.of[v] for v in op.inputs() if v is not var and self.of[v].root is place.root]
            if fits and alone and same_memory(place.array, place.root.array) and not others:
                yield place

    def _fresh(self, op: Op) -> Place:
        shape, dtype = op.out.shape, op.out.dtype
        by_columns = self._by_columns(op)
        reusable = self.free.get((np.empty(shape, dtype).nbytes, dtype), [])
        if reusable and np.prod(shape) > 64:  # small ones are not worth a second name
            root = reusable.pop()
            self._live.append((op.out, root))
            flat = (root.array if root.array.flags.c_contiguous else root.array.T).reshape(-1)
            return Place("shared", flat.reshape(shape[::-1]).T if by_columns else flat.reshape(shape), of=root)
        place = Place("memory", np.empty(shape[::-1], dtype).T if by_columns else np.empty(shape, dtype))
        self._live.append((op.out, place))
        return place

    def _by_columns(self, op: Op) -> bool:
        """Whether an array of few columns lies column by column, so that calls along its rows run on long columns."""
        shape = op.out.shape
        if len(shape) != 2 or shape[0] < 2 or shape[1] < 2:
            return False
        if is_elementwise(op) or op.function is words.astype:
            operands = [self.of[v].array for v in op.inputs() if v.shape == shape]
            known = [a for a in operands if a is not None and not (a.flags.c_contiguous and a.flags.f_contiguous)]
            if known:
                return all(a.flags.f_contiguous for a in known)
        return bool(op.function is np.matmul and shape[1] <= 16 and shape[0] > 2 * shape[1])


def same_memory(a: Any, b: Any) -> bool:
    """Whether two arrays are the same elements in the same order."""
    if a is None or b is None:
        return False
    return bool(
        a.__array_interface__["data"] == b.__array_interface__["data"] and (a.shape, a.strides) == (b.shape, b.strides)
    )
