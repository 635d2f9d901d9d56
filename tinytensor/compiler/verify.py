"""Verify: a compiled function has to agree with the eager one before anybody uses it.

The source runs once on copies, the function runs once as it is, and all they leave behind is compared: what they
return, parameters, gradients, optimizers' buffers. Where they differ, the source runs again call by call, and the
first call that does not give what NumPy gives for the same operands is named. Read next: ``compiled.py``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .binding import Binding
from .ir import Op, evaluate
from .origins import CompileError
from .trace import Trace


@contextmanager
def unchanged(trace: Trace) -> Iterator[None]:
    """Run a block, and give all that the trace knows its values back."""
    tensors = [(node, node._data, np.array(node._data), node._grad, copy.copy(node._grad)) for node in trace.tensors]
    optimizers = {id(a[1]): a[1] for a in trace.host if a[0] == "step"}
    schedules = [a[1] for a in trace.host if a[0] == "schedule"]
    states = [(o, copy.deepcopy(o._state), list(o._state), o._lr) for o in optimizers.values()]
    positions = [(s, dict(vars(s)), s.optimizer._lr) for s in schedules]
    generators = [(g, copy.deepcopy(g.bit_generator.state)) for g, _ in trace.generators.values()]
    try:
        yield
    finally:
        for node, data, values, grad, grad_values in tensors:
            np.copyto(data, values)
            node._data = data
            if grad is not None:
                np.copyto(grad, grad_values)
            node._grad = grad
        for optimizer, saved, states_now, rate in states:
            for state, before in zip(states_now, saved, strict=True):
                arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
                state.clear()
                state.update(before)
                for name, array in arrays.items():
                    if name in before:
                        np.copyto(array, before[name])
                        state[name] = array
            optimizer._lr = rate
        for schedule, attributes, rate in positions:
            vars(schedule).update(attributes)
            schedule.optimizer._lr = rate
        for generator, state in generators:
            generator.bit_generator.state = state


def left_behind(trace: Trace, outputs: list[Any]) -> dict[str, Any]:
    """Copies of all that a call returned and changed, by a name."""
    found = {f"result {k}": np.array(value) for k, value in enumerate(outputs)}
    for k, node in enumerate(trace.tensors):
        found[f"data of tensor {k} of shape {node._data.shape}"] = np.array(node._data)
        if node._grad is not None:
            found[f"gradient of tensor {k} of shape {node._data.shape}"] = np.array(node._grad)
    for action in trace.host:
        if action[0] == "step":
            for position in action[2]:
                for name, value in action[1]._state[position].items():
                    found[f"{name} of parameter {position}"] = np.array(value)
    return found


def differing(found: dict[str, Any], expected: dict[str, Any], slack: float = 256.0, largest: float = 0.0) -> list[str]:
    """What differs by more than rounding, in words; what is nothing but rounding of numbers up to `largest` may."""
    names = [f"{name} is only there in one" for name in found.keys() ^ expected.keys()]
    for name in found.keys() & expected.keys():
        a, b = found[name], expected[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            names.append(f"{name} has shape {a.shape} and dtype {a.dtype} in place of {b.shape} and {b.dtype}")
        elif not (close(a, b, slack) or (is_rounding(a, largest) and is_rounding(b, largest))):
            names.append(f"{name} differs by up to {np.nanmax(np.abs(np.subtract(a, b, dtype=np.float64))):.3g}")
    return names


def close(a: Any, b: Any, slack: float) -> bool:
    """Whether arrays agree to rounding, measured by the largest magnitude in them."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind not in "fc":
        return bool(np.array_equal(a, b))
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    if not finite.any():
        return True
    scale = float(np.max(np.abs(b[finite])))
    return bool(np.max(np.abs(a[finite] - b[finite])) <= slack * float(np.finfo(a.dtype).eps) * scale)


def is_rounding(a: Any, largest: float) -> bool:
    """Whether all numbers are as small as the errors of computing with numbers up to `largest`.

    The gradient of a sum of a softmax is an example: it is 0, but for rounding, which may differ from call to call.
    """
    return a.dtype.kind == "f" and bool(np.all(np.abs(a) <= 8 * float(np.finfo(a.dtype).eps) * largest))


def largest_in(trace: Trace) -> float:
    """The largest magnitude on the way."""
    arrays = [np.abs(op.out.value) for op in trace.ops if op.out.dtype.kind == "f"]
    return max((float(np.max(a, initial=0.0, where=np.isfinite(a))) for a in arrays), default=0.0)


def first_difference(binding: Binding, arrays: list[Any]) -> tuple[Op, float] | None:
    """Run the source call by call; the first call that does not give what NumPy gives on the same operands."""
    found: list[tuple[Op, float]] = []

    def seen(op: Op, operands: dict[Any, Any], result: Any) -> None:
        if found:
            return
        expected = evaluate(op.function, op.args, op.kwargs, lambda var: operands[var])
        if isinstance(result, np.ndarray | np.generic) and not close(result, np.asarray(expected, result.dtype), 64.0):
            found.append((op, float(np.nanmax(np.abs(np.subtract(result, expected, dtype=np.float64))))))

    step = binding.prepared_to_show(seen)
    step(*arrays)
    return found[0] if found else None


def verify(function: Callable[[], list[Any]], binding: Binding, trace: Trace, arrays: list[Any], watched: Any) -> None:
    """Raise CompileError unless the source and the function agree.

    Parameters
    ----------
    function : callable
        Runs the function as it is; its results as a flat list of arrays.
    binding : Binding
    trace : Trace
    arrays : list of ndarray
        The arguments.
    watched : list of ndarray
        What the function returned while it was watched.
    """
    with unchanged(trace):
        expected = left_behind(trace, function())
    repeated = {f"result {k}": np.array(value) for k, value in enumerate(watched)}
    results = {name: value for name, value in expected.items() if name.startswith("result")}
    again = differing(repeated, results, 1024.0, largest_in(trace))
    if again:
        raise CompileError(
            "tt.compile: the function gives another result when it is called again on the same data "
            f"({again[0]}). NumPy's random numbers, or a state outside, would stand still in the source; use "
            "nn.Dropout, or give them as an argument."
        )
    with unchanged(trace):
        binding.adopt()
        found = left_behind(trace, list(binding.run(arrays)))
    wrong = differing(found, expected)
    if not wrong:
        return
    with unchanged(trace):
        binding.adopt()
        first = first_difference(binding, arrays)
    if first is not None:
        op, difference = first
        raise CompileError(
            f"tt.compile: the source does not agree with the function: {'; '.join(wrong[:3])}.\n  The first call that "
            f"differs is {op}, by {difference:.3g}, for {op.origin}. Please report this; meanwhile call the function "
            "without compile."
        )
