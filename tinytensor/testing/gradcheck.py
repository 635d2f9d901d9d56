"""`gradcheck`: is the gradient the derivative?

Reverse mode is compared with difference quotients, under random upstream gradients, in forward
direction too, in several memory layouts, to any order, for tinytensor or any other framework. A point
where no derivative exists is reported as one, not as a mistake. Read next: ``check.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..operators import plain
from .check import Check, Report
from .frameworks import framework_of
from .memory import LAYOUTS
from .tolerances import Tolerance, difference_tolerance

Array = np.ndarray[Any, Any]


def gradcheck(
    fn: Callable[..., Any],
    *inputs: Any,
    order: int = 1,
    framework: Any = "tinytensor",
    seed: int = 0,
    layouts: Sequence[str] | None = None,
    max_elements: int = 100,
    tolerance: Tolerance | None = None,
) -> Report:
    """Check the gradients of a function against its derivatives.

    Parameters
    ----------
    fn : callable
        Maps the framework's tensors to one tensor or a tuple of them. Deterministic, and it leaves its
        inputs as they are.
    *inputs : array_like or Tensor
        Where to check. Floating inputs are differentiated, in float64; others are passed as they are.
    order : int
        Check the derivatives up to this order; order 2 checks the gradient of the gradient.
    framework : str or object
        ``"tinytensor"``, ``"torch"``, ``"jax"``, or your own engine: see `Framework`.
    seed : int
        Of the random upstream gradients and directions.
    layouts : sequence of str, optional
        Memory layouts that must give the same gradients; all of `tinytensor.testing.LAYOUTS` by default.
    max_elements : int
        Of each order at most so many single derivatives are compared, drawn at random; directions
        through all elements are compared besides.
    tolerance : Tolerance, optional
        `difference_tolerance()` by default.

    Returns
    -------
    Report
        Truthy; its `kinks` are the places where the function has no derivative.

    Raises
    ------
    GradientError
        Where a gradient is wrong: function, operand, index, both values, the relative error, and the
        likely cause where it can be told. An AssertionError.
    FunctionError
        Where the function can't be checked: it returns no tensor, changes its inputs, gives another
        result each time, or nan.
    TypeError, ValueError
        Where an argument is impossible.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from tinytensor.testing import gradcheck
    >>> print(gradcheck(np.tanh, [0.5, -1.0], order=2))
    tanh: 4 derivatives agree
    >>> print(gradcheck(tt.relu, [0.0, 1.0]))
    relu: 1 derivatives agree; not differentiable in operand 0 at (0,) (order 1)
    >>> softplus = tt.primitive(lambda x: np.logaddexp(0, x))
    >>> _ = softplus.defvjp(lambda g, out, x: g * tt.sigmoid(-x))
    >>> gradcheck(softplus, [-1.0, 2.0])
    Traceback (most recent call last):
        ...
    tinytensor.testing.errors.GradientError: the gradient of <lambda> is wrong in operand 0 ...
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"gradcheck: order is {order!r}; expected 1 or more")
    if not callable(fn):
        raise TypeError(f"gradcheck: the first argument is the function, got {type(fn).__name__}")
    check = Check(fn, [to_float64(x, k) for k, x in enumerate(inputs)], framework_of(framework), seed)
    check.tolerance = tolerance or difference_tolerance()
    check.sharp = tolerance or difference_tolerance(complex_step=True)
    if not check.wanted:
        raise ValueError("gradcheck: no floating input to differentiate with respect to")
    names = tuple(LAYOUTS) if layouts is None else tuple(layouts)
    if unknown := set(names) - set(LAYOUTS):
        raise ValueError(f"gradcheck: unknown layouts {sorted(unknown)}; expected some of {', '.join(LAYOUTS)}")
    check.function_itself()
    for n in range(1, order + 1):
        check.one_order(n, max_elements)
    if getattr(check.framework, "name", "") in ("tinytensor", "torch", "jax"):
        check.forward_mode()
    check.layouts(names)
    return check.report


def to_float64(x: Any, position: int) -> Array:
    """An input as an array: float64 where it is floating, and its own memory."""
    array = np.array(plain(x))
    if array.dtype.kind not in "biuf":
        raise TypeError(f"gradcheck: input {position} is not an array of real numbers but {array.dtype}")
    return array.astype(np.float64) if array.dtype.kind == "f" else array
