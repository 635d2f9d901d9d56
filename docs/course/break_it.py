"""For the boxes "Break it": change a function for a while, and find the simplest thing that goes wrong.

The changed copy is made from the function's own source, so what is broken is the thing itself, with one phrase altered.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import find, settings
from hypothesis.strategies import SearchStrategy

QUIET = settings(derandomize=True, database=None, deadline=None, max_examples=200)
"""For `hypothesis.find`: the same search each time, and nothing written to disk."""


def smallest(strategy: SearchStrategy[Any], wrong: Callable[[Any], bool]) -> Any:
    """The simplest thing that `strategy` can draw and that is `wrong`.

    Hypothesis draws until `wrong` says yes, then makes what it found simpler for as long as it stays wrong.

    Raises
    ------
    hypothesis.errors.NoSuchExample
        Where 200 draws found nothing.

    Examples
    --------
    >>> from hypothesis import strategies as st
    >>> smallest(st.lists(st.integers()), lambda numbers: sum(numbers) >= 10)
    [10]
    """
    return find(strategy, wrong, settings=QUIET)


@contextmanager
def changed(home: Any, name: str, old: str, new: str) -> Iterator[None]:
    """Within the block, `home.name` is that function with `old` in its source replaced by `new`.

    Examples
    --------
    >>> from tinytensor import engine
    >>> import numpy as np
    >>> with changed(engine, "unbroadcast", "g.sum(", "g.mean("):
    ...     engine.unbroadcast(np.ones((4, 3)), (3,))
    array([1., 1., 1.])
    >>> engine.unbroadcast(np.ones((4, 3)), (3,))
    array([4., 4., 4.])
    """
    function = getattr(home, name)
    text = textwrap.dedent(inspect.getsource(function))
    if old not in text:
        raise ValueError(f"{name} has no {old!r} in its source")
    copies: dict[str, Any] = {}
    exec(compile(text.replace(old, new), f"<{name}, changed>", "exec"), function.__globals__, copies)
    setattr(home, name, copies[name])
    try:
        yield
    finally:
        setattr(home, name, function)
