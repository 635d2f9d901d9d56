"""Compositions along an axis: differences, running sums, integrals, interpolation, convolution.

Read next: ``linalg.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..engine import apply
from ..errors import wrong_call
from ..node import Node
from ..operators import plain
from ..primitives import index
from ..rules.table import composed
from .elementwise import array_or_tensor, refuse

# ------------------------------------------------------------------------------------ differences


def along(a: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """``a[start:stop]`` along an axis."""
    return index(a, (slice(None),) * axis + (slice(start, stop),))


@composed(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """``np.diff``: each element minus the one before it, n times."""
    if n < 0:
        raise ValueError(f"diff: n must be 0 or more, got {n}")
    if n == 0:
        return a
    a = array_or_tensor(a)
    if not np.ndim(a):
        raise ValueError("diff: expected at least one axis, got shape ()")
    axis = normalize_axis_index(axis, np.ndim(a))
    ends = [prepend, append]
    if any(end is not None for end in ends):
        shape = tuple(1 if k == axis else size for k, size in enumerate(np.shape(a)))
        before, after = ([] if end is None else [_end(end, shape, a)] for end in ends)
        a = np.concatenate([*before, a, *after], axis=axis)
    for _ in range(n):
        a = along(a, axis, 1, None) - along(a, axis, None, -1)
    return a


def _end(end: Any, shape: tuple[int, ...], a: Any) -> Any:
    """What stands before or after: a number is spread out, and takes the dtype of what it stands beside."""
    if isinstance(end, (int, float)):
        end = np.asarray(end, np.result_type(plain(a), end))
    end = array_or_tensor(end)
    return np.broadcast_to(end, shape) if np.ndim(end) == 0 else end


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """``np.ediff1d``: the differences of all elements in a row, with others before and after."""
    differences = diff(np.ravel(ary))
    if to_end is None and to_begin is None:
        return differences
    dtype = differences.dtype
    ends = [[] if end is None else [_flat(end, dtype)] for end in (to_begin, to_end)]
    return np.concatenate([*ends[0], differences, *ends[1]])


def _flat(end: Any, dtype: Any) -> Any:
    """All elements of what stands before or after, numbers in the dtype of what they stand beside."""
    end = array_or_tensor(end) if isinstance(end, Node) else np.asarray(end, dtype)
    return end.reshape(-1)


@composed(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """``np.gradient``: central differences inside, one-sided at the ends, along one axis or several.

    Spacings are numbers, or the coordinates along the axis; tensors among them are differentiated.
    """
    f = array_or_tensor(f)
    axes = tuple(range(np.ndim(f))) if axis is None else normalize_axis_tuple(axis, np.ndim(f))
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2, got {edge_order!r}")
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(f"gradient: expected one spacing, or one for each of the {len(axes)} axes, got {len(varargs)}")
    spacings = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    if len(varargs) == 1 and len(axes) > 1 and np.ndim(varargs[0]):
        raise TypeError("gradient: coordinates are given for each axis; a single spacing is a number")
    out = tuple(_slope(f, k, spacing, edge_order) for k, spacing in zip(axes, spacings, strict=True))
    return out[0] if len(out) == 1 else out


def _slope(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    """The derivative along one axis."""
    size = np.shape(f)[axis]
    if size <= edge_order:
        raise ValueError(f"gradient: axis {axis} has {size} elements, expected at least {edge_order + 1}")
    f = np.moveaxis(f, axis, -1)
    if np.ndim(spacing) > 1 or (np.ndim(spacing) == 1 and np.shape(spacing) != (size,)):
        raise ValueError(f"gradient: coordinates of shape {np.shape(spacing)} for an axis of {size} elements")
    if np.ndim(spacing) == 0:
        step = spacing
        inside = (f[..., 2:] - f[..., :-2]) / (2 * step)
        first, second, last, before = (step,) * 4
    else:
        d = diff(spacing if isinstance(spacing, Node) else np.asarray(spacing, np.result_type(plain(f), 0.0)))
        left, right = d[:-1], d[1:]
        inside = (f[..., 2:] - f[..., 1:-1]) / right * (left / (left + right)) + (f[..., 1:-1] - f[..., :-2]) / left * (
            right / (left + right)
        )
        first, second, last, before = d[0], d[min(1, size - 2)], d[-1], d[max(-2, 1 - size)]
    begin, end = (f[..., 1:2] - f[..., :1]) / first, (f[..., -1:] - f[..., -2:-1]) / last
    if edge_order == 2:  # the slope of the parabola through three elements
        begin = begin + (begin - (f[..., 2:3] - f[..., 1:2]) / second) * (first / (first + second))
        end = end + (end - (f[..., -2:-1] - f[..., -3:-2]) / before) * (last / (last + before))
    return np.moveaxis(np.concatenate([begin, inside, end], axis=-1), -1, axis)


# ------------------------------------------------------------------------ running sums, integrals


def _cumulative(function: Any, running: Any, start: int, x: Any, axis: int | None, include_initial: bool) -> Any:
    if axis is None and np.ndim(x) != 1:
        raise ValueError(f"{function.__name__}: name the axis of an array of shape {np.shape(x)}")
    axis = 0 if axis is None else normalize_axis_index(axis, np.ndim(x))
    out = running(x, axis=axis)
    if not include_initial:
        return out
    shape = tuple(1 if k == axis else size for k, size in enumerate(np.shape(x)))
    return np.concatenate([np.full(shape, start, out.dtype), out], axis=axis)


def cumulative_sum(x: Any, /, *, axis: int | None = None, include_initial: bool = False, **others: Any) -> Any:
    """``np.cumulative_sum``: the running sum, after a 0 where `include_initial` is set."""
    refuse(np.cumulative_sum, others)
    return _cumulative(np.cumulative_sum, np.cumsum, 0, x, axis, include_initial)


def cumulative_prod(x: Any, /, *, axis: int | None = None, include_initial: bool = False, **others: Any) -> Any:
    """``np.cumulative_prod``: the running product, after a 1 where `include_initial` is set."""
    refuse(np.cumulative_prod, others)
    return _cumulative(np.cumulative_prod, np.cumprod, 1, x, axis, include_initial)


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    composed(np.cumulative_sum)(cumulative_sum)
    composed(np.cumulative_prod)(cumulative_prod)


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """``np.trapezoid``: the integral of the line through the points, differentiable in y, x and dx."""
    y = array_or_tensor(y)
    axis = normalize_axis_index(axis, np.ndim(y))
    step = dx
    if x is not None:
        step = diff(x) if np.ndim(x) == 1 else diff(x, axis=axis)
        if np.ndim(x) == 1:
            step = np.reshape(step, (-1,) + (1,) * (np.ndim(y) - 1 - axis))
    return np.sum(step * (along(y, axis, 1, None) + along(y, axis, None, -1)) / 2, axis=axis)


# --------------------------------------------------------------------- interpolation, convolution


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: None = None) -> Any:
    """``np.interp``: the value at x of the line through the points (xp, fp), differentiable in all three.

    At a point its slope is that of the piece to the right; outside it is 0. float32 stays float32.
    """
    if period is not None:
        raise wrong_call(np.interp, "period= has no rule; repeat the points and take np.remainder(x, period)")
    x, xp, fp = map(array_or_tensor, (x, xp, fp))
    count = np.size(xp)
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp) or not count:
        raise ValueError(f"interp: xp and fp are points in a row, got the shapes {np.shape(xp)} and {np.shape(fp)}")
    where, places = plain(x), plain(xp)
    if count == 1:
        out = np.where(np.isnan(x), x, fp)  # the same everywhere
    else:
        piece = np.clip(np.searchsorted(places, where, side="right") - 1, 0, count - 2)
        start, end = index(xp, piece), index(xp, piece + 1)
        part = np.clip((x - start) / (end - start), 0, 1)
        low, high = index(fp, piece), index(fp, piece + 1)
        out = low * (1 - part) + high * part
    out = out if left is None else np.where(where < places[0], left, out)
    return out if right is None else np.where(where > places[-1], right, out)


@composed(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """``np.convolve``: the sum of products of one sequence with the other in reverse, at every shift."""
    return apply(np.convolve, (*_sequences(np.convolve, a, v, mode), mode))


@composed(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """``np.correlate``: as `convolve`, without the reversal."""
    a, v = _sequences(np.correlate, a, v, mode)
    if np.size(v) > np.size(a):  # NumPy exchanges them, and reverses the result
        return np.flip(convolve(v, np.flip(a), mode))
    return convolve(a, np.flip(v), mode)


def _sequences(function: Any, a: Any, v: Any, mode: Any) -> list[Any]:
    """Both operands with one axis, or an error."""
    if mode not in ("full", "same", "valid"):
        raise wrong_call(function, f"mode must be 'full', 'same' or 'valid', got {mode!r}")
    if np.ndim(a) > 1 or np.ndim(v) > 1 or not np.size(a) or not np.size(v):
        raise ValueError(
            f"{function.__name__}: expected two sequences with elements, got {np.shape(a)} and {np.shape(v)}"
        )
    return [np.reshape(x, (-1,)) for x in map(array_or_tensor, (a, v))]
