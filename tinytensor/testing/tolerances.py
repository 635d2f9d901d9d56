"""How close is close enough: tolerances from the dtype's rounding error and the number of operations.

No number here is a matter of taste. One operation rounds by at most eps/2 relatively; n operations in
a row by about n times that; a difference quotient loses a third of the digits (central differences)
or none (complex step). Read next: ``gradcheck.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine import newest_first
from ..node import Node
from ..rules.table import RULES, everywhere

STEEPNESS = 1e4  # a third derivative that many times the first is still measured right
SAFETY = 8.0  # rounding errors of one operation, in units of eps, that libraries' functions are allowed


@dataclass(frozen=True)
class Tolerance:
    """A relative tolerance, and an absolute one in units of the largest magnitude compared.

    Examples
    --------
    >>> Tolerance(1e-6, 1e-6).close(np.array([1.0, 1e6]), np.array([1.0 + 1e-8, 1e6 + 0.1]))
    array([ True,  True])
    """

    rtol: float
    atol: float

    def close(self, actual: Any, expected: Any) -> Any:
        """Elementwise, whether `actual` is `expected` within the tolerance; nan equals nan.

        The absolute part is scaled by the largest finite magnitude in `expected`, so that it means the
        same for gradients of 1e-6 and of 1e6.
        """
        finite = np.abs(np.where(np.isfinite(expected), expected, 0))
        scale = float(np.max(finite, initial=0.0)) or 1.0
        return np.isclose(actual, expected, rtol=self.rtol, atol=self.atol * scale, equal_nan=True)


def tolerance(dtype: npt.DTypeLike, operations: int = 1) -> Tolerance:
    """The tolerance for comparing two ways of computing the same thing in `dtype`.

    Parameters
    ----------
    dtype : dtype_like
        The floating dtype that both computed in (the coarser of the two).
    operations : int
        How many roundings lie one after another; see `count_operations`.

    Returns
    -------
    Tolerance
        ``8 * operations * eps``, relative, and absolute in units of the largest value.

    Raises
    ------
    TypeError
        Where `dtype` is not floating.
    ValueError
        Where `operations` is below 1.

    Examples
    --------
    >>> tolerance(np.float32, operations=10).rtol
    9.5367431640625e-06
    """
    dtype = np.dtype(dtype)
    if dtype.kind != "f":
        raise TypeError(f"tolerance: expected a floating dtype, got {dtype}")
    if operations < 1:
        raise ValueError(f"tolerance: operations is {operations}; at least one operation rounds")
    error = SAFETY * operations * float(np.finfo(dtype).eps)
    return Tolerance(error, error)


def difference_tolerance(complex_step: bool = False) -> Tolerance:
    """The tolerance for difference quotients in float64.

    Central differences with step eps^(1/3) err by about eps^(2/3) (rounding and the third derivative
    in balance; Nocedal & Wright 2006, section 8.1), and the function may be steep; a complex step has
    no subtraction and errs by rounding only (Squire & Trapp 1998).

    Examples
    --------
    >>> f"{difference_tolerance().rtol:.0e}, {difference_tolerance(complex_step=True).rtol:.0e}"
    '4e-07, 2e-11'
    """
    eps = float(np.finfo(np.float64).eps)
    error = STEEPNESS * (SAFETY * eps if complex_step else eps ** (2 / 3))
    return Tolerance(error, error)


def count_operations(output: Node) -> int:
    """How many roundings lie behind a result, counted in its graph.

    An elementwise operation rounds once; a reduction or a product as often as its largest operand has
    elements.

    Examples
    --------
    >>> import tinytensor as tt
    >>> x = tt.ones((3, 4), requires_grad=True)
    >>> count_operations((x * 2).sum())  # one multiplication, a sum of 12
    13
    """
    total = 0
    for node in newest_first(output):
        if node._function is not None:
            row = RULES.get(node._function)
            elementwise = row is not None and row.spread is everywhere
            total += 1 if elementwise else max(max((int(np.size(o._data)) for o in node._operands), default=1), 1)
    return max(total, 1)
