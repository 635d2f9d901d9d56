"""The options of operations that move elements, and of linear algebra: which axes, which index, which letters.

As in ``program_options.py``: keywords picked for the operands, or None. Read next: ``program_ops.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .program_parts import Array, Picker, Shape

Options = dict[str, Any] | None

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
