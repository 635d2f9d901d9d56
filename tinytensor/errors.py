"""The words of the errors: each names the operation, the shapes and the fix.

Nothing here decides anything; the engine finds what is wrong and asks this file how to say it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .rules.table import name_of

ADDING = 'see the page "Adding an operation" in the docs'

# What to write instead of a call that would leave the graph.
INSTEAD = {
    "out": "out= would write into an array that the graph cannot see; use the returned tensor",
    "where": "where= is not differentiated; select with np.where(mask, a, b) or index with the mask",
    "dtype": "dtype= is not differentiated here; call .astype(dtype) on the operand",
    "initial": "initial= is not differentiated; combine the result with np.maximum, np.minimum, + or *",
}


def shapes_of(args: Any) -> str:
    """The shapes of a call's array arguments, in words.

    Examples
    --------
    >>> shapes_of((np.ones((2, 3)), 4.0, [np.ones(3), np.ones(2)]))
    '(2, 3), 4.0, [(3,), (2,)]'
    """

    return ", ".join(map(_shape_of, args))


def _shape_of(arg: Any) -> str:
    if isinstance(arg, np.ndarray):
        return str(arg.shape)
    if isinstance(arg, list) and any(isinstance(item, np.ndarray) for item in arg):
        return f"[{', '.join(map(_shape_of, arg))}]"
    text = repr(arg)
    return text if len(text) <= 40 else text[:37] + "…"


def explain(error: Exception, function: Callable[..., Any], args: Any) -> Exception:
    """NumPy's complaint, with the operation, the shapes and where possible the fix."""
    name = name_of(function)
    kind = type(error)
    if kind not in (np.exceptions.AxisError, np.linalg.LinAlgError):
        kind = next(base for base in (TypeError, IndexError, ValueError) if isinstance(error, base))
    fix = _fix(name, args, str(error))
    if not fix and str(error).startswith(name) and not isinstance(function, np.ufunc):  # it has been said already
        return error
    return kind(f"{name}({shapes_of(args)}): {fix or error}")


def _fix(name: str, args: Any, complaint: str) -> str:
    shapes = [arg.shape for arg in args if isinstance(arg, np.ndarray)]
    if len(shapes) == 2 and name == "matmul":
        return _fix_matmul(*shapes)
    if len(shapes) >= 2 and "could not be broadcast together" in complaint:
        return (
            f"the shapes {' and '.join(map(str, shapes))} do not broadcast: aligned from the right, sizes must be "
            "equal or 1. Add axes of size 1 with reshape or np.expand_dims"
        )
    return ""


def _fix_matmul(x: tuple[int, ...], y: tuple[int, ...]) -> str:
    if not x or not y:
        return "@ needs at least 1 axis on both sides; multiply by a number with *"
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] == inner:
        return "the batch axes (all but the last two) do not broadcast"
    hint = ". Did you mean x @ y.mT?" if len(y) > 1 and x[-1] == y[-1] else ""
    return f"the inner sizes differ, {x[-1]} against {inner}{hint}"


def no_rule(function: Any) -> Exception:
    """The error for a function that is not in the table."""
    name = name_of(function)
    return NotImplementedError(
        f"{name} has no gradient rule. To use it without a gradient, call it on tensor.data; to write the rule, "
        f"{ADDING}"
    )


def wrong_call(function: Callable[..., Any], problem: str, keyword: str = "") -> Exception:
    """The error for a call that the rule was not written for."""
    instead = f". {INSTEAD[keyword]}" if keyword in INSTEAD else ""
    return TypeError(f"{name_of(function)}: {problem}{instead}")


def not_differentiable(function: Callable[..., Any], dtype: Any) -> Exception:
    """The error for a result of a dtype that no gradient is defined for."""
    return TypeError(
        f"{name_of(function)}: the result would be {dtype}, and tinytensor differentiates floating tensors only; "
        "detach() the tensors, or use their real and imaginary parts"
    )


def misshapen(function: Callable[..., Any], position: int, got: Any, shape: Any, spread: Any) -> Exception:
    """The error for a rule whose result does not fit its operand."""
    allowed = f"{shape}" if shape == spread else f"{shape}, or {spread} as it was broadcast"
    hint = "" if shape != spread else ". If the operation broadcasts its operands, say so with broadcasts=True"
    return ValueError(
        f"{name_of(function)}: the rule for argument {position} returned a gradient of shape {tuple(got)}; "
        f"expected {allowed}{hint}"
    )


def changed(function: Any, tensor: Any, is_result: bool) -> Exception:
    """The error for data that were changed between forward and backward."""
    which = f"the tensor {tensor.label!r}" if tensor.label else "a tensor"
    role = "its result, " if is_result else "an operand, "
    return RuntimeError(
        f"{name_of(function)}: {role}{which} of shape {np.shape(tensor._data)}, was changed after the forward pass "
        "(.data = …, .data -= …, an optimizer step), so the gradient would be wrong. Run forward again before backward"
    )
