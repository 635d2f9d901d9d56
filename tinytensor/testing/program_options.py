"""The options of each operation, picked for the operands at hand; and what kinks they must leave alone.

Each picker takes a `Picker` and the operands, and returns keywords, or None where the operation has
nothing to do on such operands. Read next: ``program_ops.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .program_parts import KINK, Array, Picker, Shape, lowest, positive, written, written_key

Options = dict[str, Any] | None
DEVIATION = 0.05  # the smallest norm or standard deviation: both have a kink at 0


class Written:
    """An option in a template of code: ``{axis}`` is its value in Python, ``{key.key}`` an index."""

    def __init__(self, value: Any) -> None:
        self.value = value

    @property
    def key(self) -> str:
        """The value as it stands between brackets."""
        return written_key(self.value)

    def __str__(self) -> str:
        return written(self.value)


# ------------------------------------------------------------------------------------ elementwise


def exponents(p: Picker, x: Array) -> Options:
    """Whole powers of anything; others of what is positive."""
    return {"n": p.pick((2, 3, -1, 0.5, 1.5, -0.5) if positive(x) else (2, 3))}


BOUNDS = ((-1.0, 1.0), (0.0, None), (None, 0.75), (-0.5, 2.0))


def bounds(p: Picker, x: Array) -> Options:
    """A lower bound, an upper one, or both."""
    low, high = p.pick(BOUNDS)
    return {"a_min": low, "a_max": high}


def off_bounds(x: Array, a_min: float | None, a_max: float | None) -> bool:
    """Whether no element lies on a bound."""
    return all(bound is None or lowest(np.abs(x - bound)) > KINK for bound in (a_min, a_max))


def mask(p: Picker, x: Array, y: Array) -> Options:
    """A mask along the last axis of the result."""
    shape = np.broadcast_shapes(x.shape, y.shape)[-1:]
    return {"mask": np.array([p.pick((True, False)) for _ in range(math.prod(shape))], np.bool).reshape(shape)}


# ------------------------------------------------------------------------------------- reductions


def reduction(p: Picker, x: Array) -> Options:
    """Any axes, kept or not."""
    keepdims = p.pick((False, True))
    return {"axis": p.axis(x.ndim), "keepdims": keepdims}


def lane(x: Array, axis: Any) -> int:
    """How many elements are reduced to one."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return math.prod(x.shape[k] for k in axes)


def reduction_of_some(p: Picker, x: Array) -> Options:
    """Axes with elements, which a mean or a maximum needs."""
    found = reduction(p, x)
    return found if found and lane(x, found["axis"]) else None


def one_highest(x: Array, axis: Any, keepdims: bool) -> bool:
    """Whether each maximum is attained once, and nearly attained by no other element."""
    near = np.abs(x - np.max(x, axis=axis, keepdims=True)) <= KINK
    return bool(np.all(np.sum(near, axis=axis) == 1))


def one_lowest(x: Array, axis: Any, keepdims: bool) -> bool:
    """The same of each minimum."""
    return one_highest(-x, axis, keepdims)


def spread(p: Picker, x: Array) -> Options:
    """Axes with more elements than the degrees of freedom that are lost."""
    ddof, found = p.pick((0, 1)), reduction(p, x)
    # torch warns of too few degrees of freedom where there are no elements.
    return {**found, "ddof": ddof} if found and x.size and lane(x, found["axis"]) > ddof else None


def spread_out(x: Array, axis: Any, keepdims: bool, ddof: int) -> bool:
    """Whether the elements differ enough for a deviation to be smooth."""
    return lowest(np.std(x, axis=axis)) > DEVIATION


def norm(p: Picker, x: Array) -> Options:
    """The 2-norm of vectors, or of everything."""
    found = reduction_of_some(p, x)
    return None if found and isinstance(found["axis"], tuple) else found


def off_origin(x: Array, axis: Any, keepdims: bool) -> bool:
    """Whether no norm is near its kink at 0."""
    return lowest(np.sqrt(np.sum(x * x, axis=axis))) > DEVIATION


def one_axis(p: Picker, x: Array) -> Options:
    """One axis, with elements."""
    axis = p.axis(x.ndim, none=False, several=False)
    return {"axis": axis} if x.shape[axis] else None


def no_two_near(x: Array, axis: Any, **options: Any) -> bool:
    """Whether the order of the elements is beyond doubt, along an axis or among all (also where several are reduced)."""
    along = x.reshape(-1) if axis is None or isinstance(axis, tuple) else np.moveaxis(x, axis, -1)
    return lowest(np.diff(np.sort(along, axis=-1), axis=-1)) > KINK


def lane_axis(p: Picker, x: Array) -> Options:
    """One axis; None flattens."""
    return {"axis": p.axis(x.ndim, several=False)}


def differences(p: Picker, x: Array) -> Options:
    """First or second differences."""
    return {"n": p.pick((1, 2)), "axis": p.axis(x.ndim, none=False, several=False)}


# ----------------------------------------------------------------------------------------- shapes


def new_shape(p: Picker, x: Array) -> Options:
    """Another shape of as many elements."""
    n, choices = x.size, [(x.size,), x.shape[::-1], (1, *x.shape), (*x.shape, 1)]
    choices += [(k, n // k) for k in (2, 3) if n and n % k == 0]
    return {"shape": p.pick(choices)}


def permutation(p: Picker, x: Array) -> Options:
    """An order of the axes; None reverses them."""
    if not p.pick((0, 1)):
        return {"axes": None}
    left, axes = list(range(x.ndim)), []
    while left:
        axes.append(left.pop(p.pick(range(len(left)))))
    return {"axes": tuple(axes)}


def two_axes(first: str, second: str) -> Callable[[Picker, Array], Options]:
    """Two axes by these names."""

    def picked(p: Picker, x: Array) -> Options:
        if not x.ndim:
            return None
        return {name: p.axis(x.ndim, none=False, several=False) for name in (first, second)}

    return picked


def new_axis(p: Picker, x: Array) -> Options:
    """Where a new axis goes."""
    return {"axis": p.axis(x.ndim + 1, none=False, several=False)}


def axis_of_one(p: Picker, x: Array) -> Options:
    """An axis of size 1, or all of them."""
    return {"axis": p.pick([None, *(k for k, size in enumerate(x.shape) if size == 1)])}


def any_axis(p: Picker, x: Array) -> Options:
    """None, an axis, or two."""
    return {"axis": p.axis(x.ndim)}


def rolling(p: Picker, x: Array) -> Options:
    """A shift along an axis, or of all elements in a row."""
    return {"shift": p.pick((1, -1, 2)), "axis": p.axis(x.ndim, several=False)}


def repetitions(p: Picker, x: Array) -> Options:
    """How often the whole is repeated along each axis."""
    return {"reps": p.pick(((2,), (2, 1), (1, 2), (1,) * x.ndim, (0,)))}


def copies(p: Picker, x: Array) -> Options:
    """How often each element is repeated."""
    return {"repeats": p.pick((2, 1, 3)), "axis": p.axis(x.ndim, several=False)}


def triangle(p: Picker, x: Array) -> Options:
    """A diagonal, from which on everything is 0."""
    return {"k": p.pick((0, 1, -1))} if x.ndim >= 2 else None


def taken(p: Picker, x: Array) -> Options:
    """Positions along an axis."""
    axis = p.axis(x.ndim, none=False, several=False)
    return {"indices": _positions(p, x.shape[axis]), "axis": axis}


def wider_shape(p: Picker, x: Array) -> Options:
    """A shape that this one broadcasts to."""
    stretched = tuple(3 if size == 1 else size for size in x.shape)
    return {"shape": p.pick([(2, *x.shape), stretched, (2, *stretched), x.shape])}


def padding(p: Picker, x: Array) -> Options:
    """Constants before and after each axis."""
    if not x.ndim:
        return None
    value = p.pick((0.0, 1.5))
    return {"pad_width": tuple((p.pick((1, 0)), p.pick((0, 2))) for _ in x.shape), "constant_values": value}


def key(p: Picker, x: Array) -> Options:
    """An index: basic, a mask, integers that repeat, or a mixture."""
    kind = p.pick(("basic", "integers", "mask", "mixed")) if x.size and x.ndim else "basic"
    if kind == "mask":
        return {"key": np.array([p.pick((True, False)) for _ in range(x.shape[0])])}
    if kind == "integers":
        return {"key": _positions(p, x.shape[0])}
    parts: list[Any] = [_part(p, size) for size in x.shape]
    if kind == "mixed":
        axis = p.pick((0, -1))
        parts[axis] = _positions(p, x.shape[axis])
    parts.insert(p.pick(range(len(parts) + 1)), p.pick((..., None)))
    return {"key": tuple(parts)}


def _part(p: Picker, size: int) -> Any:
    slices = (slice(None), slice(1, None), slice(None, None, -1), slice(None, None, 2), slice(-1, None, -2))
    return p.pick((*slices, 0, -1, size // 2) if size else slices)


def _positions(p: Picker, size: int) -> Array:
    """Two or three positions, from either end; elements may repeat."""
    return np.array([p.pick(range(-size, size)) for _ in range(p.pick((2, 3)))], np.int64)


def section(p: Picker, x: Array) -> Options:
    """One of several sections along an axis."""
    if not x.ndim:
        return None
    axis = p.axis(x.ndim, none=False, several=False)
    sections = p.pick([n for n in (2, 3, 1) if x.shape[axis] % n == 0])
    return {"sections": sections, "axis": axis, "part": p.pick(range(sections))}


def join_axis(p: Picker, x: Array, y: Array) -> Options:
    """The axis along which the shapes differ, or any."""
    differing = [k for k in range(x.ndim) if x.shape[k] != y.shape[k]]
    return {"axis": p.pick(differing or [*range(x.ndim), -1])}


def stack_axis(p: Picker, x: Array, y: Array) -> Options:
    """Where the new axis goes."""
    return new_axis(p, x)


# --------------------------------------------------------------------------------- linear algebra


def contractible(x: Array, y: Array | None = None) -> bool:
    """Whether the last axis of the first fits the first axis of the second."""
    return x.ndim > 0 if y is None else y.ndim > 0 and x.shape[-1] == y.shape[0]


def contraction(p: Picker, x: Array, y: Array) -> Options:
    """How many axes are summed."""
    both = x.ndim > 1 and y.ndim > 1 and x.shape[-2:] == y.shape[:2]
    return {"axes": p.pick((1, 0, 2) if both else (1, 0))}


SUBSCRIPTS = ("ij,jk->ik", "ij,kj->ik", "ij,ij->i", "ij,ij->", "i,i->", "i,j->ji", "ij,j->i", "ij,i->j", "ii,ij->j",
              "ij,jk->", "ijk,kl->ijl", "i,ij->ij", "ijk,ji->k", "i,ijk->kj")  # fmt: skip


def fitting(subscripts: str, x: Array, y: Array) -> bool:
    """Whether two operands fit the letters."""
    sizes: dict[str, int] = {}
    terms = subscripts.split("->")[0].split(",")
    return all(len(term) == a.ndim for term, a in zip(terms, (x, y), strict=True)) and all(
        sizes.setdefault(letter, size) == size
        for term, a in zip(terms, (x, y), strict=True)
        for letter, size in zip(term, a.shape, strict=True)
    )


def summable(x: Array, y: Array | None = None) -> bool:
    """Whether some of the subscripts fit."""
    return 1 <= x.ndim <= 3 if y is None else any(fitting(subscripts, x, y) for subscripts in SUBSCRIPTS)


def subscripts(p: Picker, x: Array, y: Array) -> Options:
    """Subscripts that fit."""
    return {"subscripts": p.pick([found for found in SUBSCRIPTS if fitting(found, x, y)])}


def summable_partner(p: Picker, x: Array) -> Shape:
    """A shape for the second term of subscripts of which the first fits."""
    terms = [found.split("->")[0].split(",") for found in SUBSCRIPTS]
    first, second = p.pick([pair for pair in terms if len(pair[0]) == x.ndim])
    sizes = dict(zip(first, x.shape, strict=True))
    return tuple(sizes.get(letter, 2) for letter in second)


def diagonal(p: Picker, x: Array) -> Options:
    """A diagonal of the matrices in two axes."""
    if x.ndim < 2:
        return None
    axis1, axis2 = p.pick(((0, 1), (1, 0), (-1, 0), (-2, -1)))
    offset = p.pick((0, 1, -1))
    inside = -x.shape[axis1] <= offset <= x.shape[axis2]
    return {"offset": offset if inside else 0, "axis1": axis1, "axis2": axis2}
