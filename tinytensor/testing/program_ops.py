"""The operations that random programs are made of: what each needs of its operands, and its options.

An operation is a function of arrays that Tensors take as well. Beside it stand the domain that keeps
programs tame (no logarithm of what may be negative, no kink within 0.001), how its options are picked,
and how it is written in Python. Other frameworks are unknown here.
Read next: ``program_growth.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import fused, primitives
from . import program_options as option
from . import program_shapes as shapes
from .program_parts import (
    Array,
    Picker,
    Shape,
    Written,
    alike,
    anything,
    apart,
    broadcasting_partner,
    broadcasts,
    divisible,
    exponent,
    has_axis,
    in_right_half,
    joinable,
    joining_partner,
    kronable,
    matrix_partner,
    multipliable,
    nonzero,
    off_zero,
    positive,
    raisable,
    same_partner,
    written,
)

Options = dict[str, Any]


def no_options(p: Picker, *operands: Array) -> Options | None:
    """An operation without options."""
    return {}


@dataclass(frozen=True)
class Operation:
    """One row: a function, and what keeps programs with it differentiable and bounded.

    Parameters
    ----------
    name : str
        What `Step` and ``operations=`` call it.
    function : callable
        ``function(*operands, **options)``, on arrays and Tensors alike.
    code : str
        A template of the call: ``{0}`` and ``{1}`` are the operands, ``{axis}`` an option. A bare
        name, as ``"np.tanh"``, is called with the operands and the options.
    arity : int
        The number of operands, 1 or 2.
    fits : callable
        Whether the first operand, or both, lie in the domain.
    options : callable
        Picks the options for the operands; None where there are none that suit them.
    steady : callable
        Whether the operands and the options leave the result away from kinks.
    partner : callable
        The shape of a fresh second operand.
    fresh : tuple of float
        The bounds of fresh operands.
    """

    name: str
    function: Callable[..., Any]
    code: str
    arity: int = 1
    fits: Callable[..., bool] = anything
    options: Callable[..., Options | None] = no_options
    steady: Callable[..., bool] = anything
    partner: Callable[[Picker, Array], Shape] = broadcasting_partner
    fresh: tuple[float, float] = (-2.0, 2.0)

    def written(self, operands: tuple[str, ...], options: Options) -> str:
        """The call in Python."""
        if "{" in self.code:
            return self.code.format(*operands, **{k: Written(v) for k, v in options.items()})
        keywords = [f"{name}={written(value)}" for name, value in options.items()]
        return f"{self.code}({', '.join([*operands, *keywords])})"


ABOVE_ZERO = (0.25, 2.5)
OPERATIONS: dict[str, Operation] = {}
"""The table, by name; the simplest first, since a program shrinks towards them."""


def row(name: str, function: Callable[..., Any], code: str = "", **parts: Any) -> None:
    """Write one row; the code is that of a NumPy function of this name by default."""
    OPERATIONS[name] = Operation(name, function, code or f"np.{name}", **parts)


# ------------------------------------------------------------------------------------ elementwise

row("negative", np.negative)
row("tanh", np.tanh)
row("sin", np.sin)
row("cos", np.cos)
row("square", np.square)
row("sigmoid", primitives.sigmoid, "tt.sigmoid")
row("relu", primitives.relu, "tt.relu", fits=off_zero)
row("absolute", np.absolute, fits=off_zero)
row("exp", np.exp, fits=exponent)
row("expm1", np.expm1, fits=exponent)
row("log", np.log, fits=positive, fresh=ABOVE_ZERO)
row("log1p", np.log1p, fits=positive, fresh=ABOVE_ZERO)
row("sqrt", np.sqrt, fits=positive, fresh=ABOVE_ZERO)
row("reciprocal", np.reciprocal, fits=nonzero, fresh=ABOVE_ZERO)
row("log2", np.log2, fits=positive, fresh=ABOVE_ZERO)
row("cbrt", np.cbrt, fits=positive, fresh=ABOVE_ZERO)
row("arctan", np.arctan)
row("arcsinh", np.arcsinh)
row("sinh", np.sinh, fits=exponent)
row("power_by_number", lambda x, n: x**n, "{0} ** {n}", options=option.exponents)
row("clip", np.clip, options=option.bounds, steady=option.off_bounds)

row("add", np.add, arity=2, fits=broadcasts)
row("subtract", np.subtract, arity=2, fits=broadcasts)
row("multiply", np.multiply, arity=2, fits=broadcasts)
row("divide", np.divide, arity=2, fits=divisible, fresh=ABOVE_ZERO)
row("power", np.power, arity=2, fits=raisable, fresh=ABOVE_ZERO)
row("maximum", np.maximum, arity=2, fits=apart)
row("minimum", np.minimum, arity=2, fits=apart)
row("logaddexp", np.logaddexp, arity=2, fits=broadcasts)
row("hypot", np.hypot, arity=2, fits=divisible, fresh=ABOVE_ZERO)
row("arctan2", np.arctan2, arity=2, fits=in_right_half, fresh=ABOVE_ZERO)
row("where", lambda x, y, mask: np.where(mask, x, y), "np.where({mask}, {0}, {1})", arity=2, fits=broadcasts,
    options=option.mask)  # fmt: skip

# ------------------------------------------------------------------------------------- reductions

row("sum", np.sum, options=option.reduction)
row("prod", np.prod, options=option.reduction)
row("mean", np.mean, options=option.reduction_of_some)
row("max", np.max, options=option.reduction_of_some, steady=option.one_highest)
row("min", np.min, options=option.reduction_of_some, steady=option.one_lowest)
row("var", np.var, options=option.spread)
row("std", np.std, options=option.spread, steady=option.spread_out)
row("norm", np.linalg.norm, "np.linalg.norm", options=option.norm, steady=option.off_origin)
row("median", np.median, fits=has_axis, options=option.reduction_of_some, steady=option.no_two_near)
row("logsumexp", fused.logsumexp, "tt.logsumexp", options=option.reduction_of_some)

row("cumsum", np.cumsum, options=option.lane_axis)
row("cumprod", np.cumprod, options=option.lane_axis)
row("sort", np.sort, fits=has_axis, options=option.one_axis, steady=option.no_two_near)
row("diff", np.diff, fits=has_axis, options=option.differences)

# ----------------------------------------------------------------------------------------- shapes

row("reshape", lambda x, shape: np.reshape(x, shape), "np.reshape({0}, {shape})", options=shapes.new_shape)
row("ravel", np.ravel)
row("transpose", np.transpose, options=shapes.permutation)
row("swapaxes", lambda x, axis1, axis2: np.swapaxes(x, axis1, axis2), options=shapes.two_axes("axis1", "axis2"))
row("moveaxis", lambda x, source, destination: np.moveaxis(x, source, destination),
    options=shapes.two_axes("source", "destination"))  # fmt: skip
row("expand_dims", np.expand_dims, options=shapes.new_axis)
row("squeeze", np.squeeze, options=shapes.axis_of_one)
row("flip", np.flip, options=shapes.any_axis)
row("roll", lambda x, shift, axis: np.roll(x, shift, axis), "np.roll({0}, {shift}, {axis})", options=shapes.rolling)
row("tile", lambda x, reps: np.tile(x, reps), "np.tile({0}, {reps})", options=shapes.repetitions)
row("repeat", lambda x, repeats, axis: np.repeat(x, repeats, axis), "np.repeat({0}, {repeats}, {axis})",
    fits=has_axis, options=shapes.copies)  # fmt: skip
row("tril", lambda x, k: np.tril(x, k), "np.tril({0}, {k})", options=shapes.triangle)
row("take", lambda x, indices, axis: np.take(x, indices, axis), "np.take({0}, {indices}, {axis})",
    fits=has_axis, options=shapes.taken)  # fmt: skip
row("broadcast_to", np.broadcast_to, options=shapes.wider_shape)
row("pad", np.pad, options=shapes.padding)
row("getitem", lambda x, key: x[key], "{0}[{key.key}]", options=shapes.key)
row("split", lambda x, sections, axis, part: np.split(x, sections, axis)[part],
    "np.split({0}, {sections}, {axis})[{part}]", options=shapes.section)  # fmt: skip
row("concatenate", lambda x, y, axis: np.concatenate([x, y], axis=axis), "np.concatenate([{0}, {1}], axis={axis})",
    arity=2, fits=joinable, options=shapes.join_axis, partner=joining_partner)  # fmt: skip
row("stack", lambda x, y, axis: np.stack([x, y], axis=axis), "np.stack([{0}, {1}], axis={axis})",
    arity=2, fits=alike, options=shapes.stack_axis, partner=same_partner)  # fmt: skip

# --------------------------------------------------------------------------------- linear algebra

row("matmul", np.matmul, arity=2, fits=multipliable, partner=matrix_partner)
row("outer", np.outer, arity=2)
row("kron", np.kron, arity=2, fits=kronable)
row("tensordot", np.tensordot, arity=2, options=shapes.contraction, partner=matrix_partner, fits=shapes.contractible)
row("einsum", lambda x, y, subscripts: np.einsum(subscripts, x, y), "np.einsum({subscripts}, {0}, {1})", arity=2,
    fits=shapes.summable, options=shapes.subscripts, partner=shapes.summable_partner)  # fmt: skip
row("trace", np.trace, options=shapes.diagonal)

# -------------------------------------------------------------------------------- neural networks

row("softmax", fused.softmax, "tt.softmax", fits=has_axis, options=option.one_axis)
row("log_softmax", fused.log_softmax, "tt.log_softmax", fits=has_axis, options=option.one_axis)


def checked_operations(names: Any) -> tuple[str, ...]:
    """The names of operations in the table, in its order.

    Examples
    --------
    >>> checked_operations(["sum", "tanh"])
    ('tanh', 'sum')
    >>> checked_operations(["tan"])
    Traceback (most recent call last):
        ...
    ValueError: operations: there is no 'tan'; expected some of negative, tanh, sin, ...
    """
    if names is None:
        return tuple(OPERATIONS)
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"operations: expected a sequence of names such as ('tanh', 'sum'), got {names!r}")
    wanted = set(names)
    if not wanted or not wanted <= OPERATIONS.keys():
        problem = f"there is no {sorted(wanted - OPERATIONS.keys())[0]!r}" if wanted else "none is named"
        raise ValueError(f"operations: {problem}; expected some of {', '.join(OPERATIONS)}")
    return tuple(name for name in OPERATIONS if name in wanted)
