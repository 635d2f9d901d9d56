"""Random programs for Hypothesis: expression graphs that reuse intermediates, and shrink to a few operations.

Read next: ``program.py`` (what a program is), ``program_growth.py`` (how it is drawn),
``program_torch.py`` (what it is compared with).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy.typing as npt

from .program import Program, Step
from .program_growth import LENGTH, Gene, grow, seeded_program
from .program_ops import OPERATIONS, checked_operations
from .program_torch import Disagreement, check_program
from .strategy_arguments import checked_dtype, checked_int, st

__all__ = [
    "programs", "Program", "Step", "check_program", "Disagreement", "seeded_program", "OPERATIONS",
]  # fmt: skip

MOST_NODES = 500  # what fits in the choices that Hypothesis makes for one example


def programs(
    min_nodes: int = 5,
    max_nodes: int = 60,
    *,
    operations: Iterable[str] | None = None,
    dtype: npt.DTypeLike = "float64",
) -> st.SearchStrategy[Program]:
    """Random programs: graphs of tensors with intermediates used again, broadcasting and empty arrays.

    All values stay within ±30 and 0.001 away from kinks, so that two right frameworks agree to
    rounding. A program prints as Python code to paste and run.

    Parameters
    ----------
    min_nodes, max_nodes : int
        How many inputs and operations there are together. The minimum holds for what is drawn at random;
        the simplest programs, those that Hypothesis tries first and shrinks to, are smaller.
    operations : iterable of str, optional
        Names in `OPERATIONS`; all of them by default.
    dtype : dtype_like
        Of the inputs, and so of everything.

    Returns
    -------
    strategy of Program

    Raises
    ------
    ValueError, TypeError
        At once, where the sizes can't be or an operation is unknown.

    Examples
    --------
    >>> from hypothesis import given, settings
    >>> @settings(max_examples=10, deadline=None)
    ... @given(programs(max_nodes=20))
    ... def test(program):
    ...     check_program(program)
    >>> test()
    >>> programs(operations=["tan"])
    Traceback (most recent call last):
        ...
    ValueError: operations: there is no 'tan'; expected some of negative, tanh, ...
    """
    checked_int("programs", "min_nodes", min_nodes, 2, MOST_NODES)
    checked_int("programs", "max_nodes", max_nodes, 3, MOST_NODES)
    if min_nodes > max_nodes:
        raise ValueError(f"programs: min_nodes={min_nodes} is above max_nodes={max_nodes}; swap them")
    names, found = checked_operations(operations), checked_dtype("programs", dtype)
    gene = st.binary(min_size=LENGTH, max_size=LENGTH)
    genes = st.lists(gene, min_size=min_nodes, max_size=max_nodes)
    return genes.map(lambda drawn: grow(map(Gene.read, drawn), names, found, max_nodes))
