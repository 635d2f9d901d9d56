"""The options of elementwise operations and reductions, and what kinks they must leave alone.

Each function takes a `Picker` and the operands, and returns keywords, or None where the operation has
nothing to do on such operands. Read next: ``program_shapes.py``, the other half.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .program_parts import KINK, Array, Picker, lowest, positive

Options = dict[str, Any] | None
DEVIATION = 0.05  # the smallest norm or standard deviation: both have a kink at 0


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
    """Whether the order of the elements is beyond doubt: along an axis, or else among all of them."""
    along = x.reshape(-1) if axis is None or isinstance(axis, tuple) else np.moveaxis(x, axis, -1)
    return lowest(np.diff(np.sort(along, axis=-1), axis=-1)) > KINK


def lane_axis(p: Picker, x: Array) -> Options:
    """One axis; None flattens."""
    return {"axis": p.axis(x.ndim, several=False)}


def differences(p: Picker, x: Array) -> Options:
    """First or second differences."""
    return {"n": p.pick((1, 2)), "axis": p.axis(x.ndim, none=False, several=False)}
