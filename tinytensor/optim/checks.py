"""What optimizers, schedules and clipping accept, and the words of their refusals.

Nothing here computes. Read next: ``optimizers.py``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..node import Node
from ..rules.table import name_of
from ..tensor import Tensor

# What to write instead of a thing that is often given for a Tensor.
INSTEAD: dict[type, str] = {
    dict: "there are no parameter groups, make one optimizer for each",
    tuple: "pass parameters(), not named_parameters()",
    str: "pass parameters(), not state_dict()",
    np.ndarray: "make it a tt.Tensor(array, requires_grad=True)",
}


def number(
    owner: str, name: str, value: Any, low: float = 0.0, below: float = math.inf, infinite: bool = False
) -> float:
    """`value` as a Python float in [low, below), or an error that says what it is instead."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{owner}: {name}: expected a number, got {value!r}; float(…) makes one of a 0-d tensor")
    if low <= value < below or (infinite and value == math.inf):
        return float(value)  # NumPy's scalars would promote float32 to float64
    room = f"≥ {low:g}" if math.isinf(below) else f"in [{low:g}, {below:g})"
    raise ValueError(f"{owner}: {name}: expected a {'' if infinite else 'finite '}number {room}, got {value}")


def whole(owner: str, name: str, value: Any, low: int) -> int:
    """`value` as a Python int ≥ low, or an error that says what it is instead."""
    try:
        found = operator.index(value) if not isinstance(value, bool) else low - 1
    except TypeError:
        found = low - 1
    if found < low:
        raise ValueError(f"{owner}: {name}: expected a whole number ≥ {low}, got {value!r}")
    return found


def flag(owner: str, name: str, value: Any) -> bool:
    """`value`, where it is True or False: a number here is an argument in the wrong place."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{owner}: {name}: expected True or False, got {value!r}")
    return bool(value)


def keys(owner: str, what: str, found: Any, expected: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Nothing, where `found` is a dict with the expected keys, perhaps the optional ones, and no others."""
    if not isinstance(found, dict):
        raise TypeError(f"{owner}: {what}: expected a dict from state_dict(), got {type(found).__name__}")
    missing, unknown = set(expected) - set(found), set(map(str, found)) - {*expected, *optional}
    if missing or unknown:
        raise ValueError(
            f"{owner}: {what}: missing {sorted(missing)}, unknown {sorted(unknown)}; give what state_dict() gave"
        )


def named(position: int, tensor: Node) -> str:
    """A parameter as errors call it: its position, its label where it has one, its shape."""
    label = f" {tensor.label!r}" if tensor.label else ""
    return f"parameter {position}{label} of shape {np.shape(tensor._data)}"


def listed(owner: str, parameters: Iterable[Tensor]) -> list[Tensor]:
    """The parameters as a list of different Tensors, at least one."""
    if isinstance(parameters, Tensor):
        raise TypeError(f"{owner}: got one Tensor, whose rows would be taken for parameters; pass [tensor]")
    try:
        found = list(parameters)
    except TypeError:
        kind = type(parameters).__name__
        raise TypeError(f"{owner}: expected an iterable of Tensors, got {kind}; pass model.parameters()") from None
    if not found:
        raise ValueError(f"{owner}: no parameters. A generator is empty once consumed; call model.parameters() again")
    seen: dict[Tensor, int] = {}
    for position, tensor in enumerate(found):
        if not isinstance(tensor, Tensor):
            hint = next((text for kind, text in INSTEAD.items() if isinstance(tensor, kind)), "pass model.parameters()")
            raise TypeError(f"{owner}: parameter {position} is a {type(tensor).__name__}, not a Tensor; {hint}")
        if tensor in seen:
            first = f"is parameter {seen[tensor]} again; list it once"
            raise ValueError(f"{owner}: {named(position, tensor)} {first}, or it would be updated twice")
        seen[tensor] = position
    return found


def trainable(owner: str, parameters: list[Tensor]) -> None:
    """Nothing, where every parameter is a leaf that requires a gradient and can be updated."""
    for position, tensor in enumerate(parameters):
        which = f"{owner}: {named(position, tensor)}"
        if tensor._function is not None:
            made = f"was computed by {name_of(tensor._function)}"
            raise ValueError(f"{which} {made}; pass the tensor that it was made from, or its detach()")
        if not tensor._requires_grad:
            raise ValueError(f"{which} does not require a gradient; set requires_grad=True, or leave it out")
    writable(owner, parameters)


def writable(owner: str, parameters: list[Tensor]) -> None:
    """Nothing, where every parameter can be updated in place."""
    for position, tensor in enumerate(parameters):
        if isinstance(tensor._data, np.ndarray) and not tensor._data.flags.writeable:  # a Value has no array
            which = f"{owner}: {named(position, tensor)}"
            raise ValueError(f"{which} has a read-only array and can't be updated; make it of a copy, array.copy()")
