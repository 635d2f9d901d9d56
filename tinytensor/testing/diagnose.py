"""From a wrong gradient to its likely cause.

The mistakes that people make in rules are few, and each leaves its own trace in the numbers: a factor,
a transpose, another operand's gradient, a lost upstream gradient, a missing sum. Nothing here decides
whether a gradient is wrong. Read next: ``oracles.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def likely_cause(
    actual: Array,
    expected: Array,
    operands: Sequence[Array],
    outputs: Sequence[Array] = (),
    others: Sequence[Array] = (),
    doubled: Array | None = None,
    names: Sequence[str] = (),
) -> str:
    """In one sentence, what makes `actual` from `expected`; empty where nothing fits.

    Parameters
    ----------
    actual, expected : ndarray
        The gradient as it came, and as it should be.
    operands, outputs : sequence of ndarray
        What went into the function and what came out; the first operand is the gradient's own.
    others : sequence of ndarray
        The expected gradients of the other operands.
    doubled : ndarray, optional
        The gradient as it came for twice the upstream gradient.
    names : sequence of str
        What to call the other operands.

    Examples
    --------
    >>> likely_cause(np.array([-1.0, -2.0]), np.array([1.0, 2.0]), [np.ones(2)])
    'the sign is wrong'
    >>> likely_cause(np.array([[1.0, 3.0], [2.0, 4.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]), [np.ones((2, 2))])
    'it is transposed'
    """
    names = [*names, *(f"operand {k + 1}" for k in range(len(names), max(len(operands), len(others) + 1)))]
    if actual.shape != expected.shape:
        return shape_cause(actual, expected)
    if not np.any(actual):
        return "no gradient arrives at all: the graph was left, or a rule is None"
    if doubled is not None and same(doubled, actual):
        return "it does not depend on the upstream gradient: a rule has lost its g"
    if doubled is not None and not same(doubled, 2 * actual):
        return "it is not proportional to the upstream gradient: g is used twice, or not as a factor"
    if actual.ndim >= 2 and actual.shape[-1] == actual.shape[-2] and same(np.swapaxes(actual, -1, -2), expected):
        return "it is transposed"
    for axis in range(actual.ndim):
        if actual.shape[axis] > 1 and same(np.flip(actual, axis), expected):
            return f"it is reversed along axis {axis}"
    for position, other in enumerate(others):
        if other.shape == actual.shape and same(actual, other):
            return f"it is the gradient of {names[position]}: the operands are swapped"
    return factor_cause(actual, expected, operands, outputs, names)


def shape_cause(actual: Array, expected: Array) -> str:
    """Why a gradient may have a shape that is not its operand's."""
    extra = actual.ndim - expected.ndim
    if extra >= 0:
        padded = (1,) * extra + expected.shape
        axes = tuple(
            k for k, (a, e) in enumerate(zip(actual.shape, padded, strict=True)) if e == 1 and (a != 1 or k < extra)
        )
        if same(np.sum(actual, axis=axes, keepdims=True).reshape(-1), expected.reshape(-1)):
            named = f"axes {', '.join(map(str, axes))}" if len(axes) > 1 else f"axis {axes[0]}"
            return f"the sum over the broadcast {named} is missing"
    if actual.size == expected.size and same(actual.reshape(expected.shape), expected):
        return "only the shape is wrong: reshape it to the operand's"
    return ""


def factor_cause(
    actual: Array, expected: Array, operands: Sequence[Array], outputs: Sequence[Array], names: Sequence[str]
) -> str:
    """Which factor, constant or not, lies between the two."""
    nonzero = np.abs(expected) > 1e-9 * np.max(np.abs(expected), initial=0)
    if not np.any(nonzero) or not np.all(np.isfinite(actual)):
        return ""
    ratio = actual[nonzero] / expected[nonzero]
    factor = float(np.median(ratio))
    if same(actual, factor * expected) and factor != 0:
        if np.isclose(factor, -1):
            return "the sign is wrong"
        sizes = {size for y in outputs if y.shape != actual.shape for size in y.shape if size > 1}
        count = round(1 / factor) if abs(factor) < 1 else 0
        if count in sizes and np.isclose(factor, 1 / count):
            return f"it is 1/{count} of what it should be: a mean where the sum over an axis of size {count} belongs"
        return f"it is {factor:.6g} times what it should be: a factor is wrong"
    named = [("its operand", operands[0]), *zip(names, operands[1:], strict=False)]
    for name, value in [*named, *(("the output", output) for output in outputs)]:
        if value.shape == actual.shape:
            if same(actual, expected * value):
                return f"it has {name} as a factor too many"
            if same(actual * value, expected):
                return f"it lacks {name} as a factor"
    if np.all(np.isclose(actual, expected, rtol=1e-5) | np.isclose(actual, 0)):
        return "it is right in some elements and 0 in the others: a mask is wrong, or repeated uses are not added up"
    return ""


def same(a: Array, b: Array) -> bool:
    """Whether two arrays agree as well as difference quotients do."""
    scale = float(np.max(np.abs(b), initial=0.0))
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-5, atol=1e-6 * scale))
