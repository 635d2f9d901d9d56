"""Oracles: the same function in two frameworks must have the same values and gradients.

PyTorch and JAX are the usual ones; any other through the three functions of `Framework`.
Read next: ``strategies.py``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..node import Node
from ..operators import plain
from .check import random_weight
from .errors import FunctionError, GradientError
from .frameworks import as_tuple, framework_of
from .tolerances import Tolerance, count_operations, tolerance

Array = np.ndarray[Any, Any]


def assert_matches(
    fn: Callable[..., Any],
    other_fn: Callable[..., Any],
    *inputs: Any,
    framework: Any = "torch",
    order: int = 1,
    seed: int = 0,
    tolerance: Tolerance | None = None,
) -> None:
    """Assert that a function of Tensors and one of another framework agree in values and gradients.

    Parameters
    ----------
    fn : callable
        Of tinytensor's Tensors, to one or a tuple of them.
    other_fn : callable
        The same function, of the other framework's tensors.
    *inputs : array_like or Tensor
        In the dtype to compare in; floating ones are differentiated.
    framework : str or object
        ``"torch"``, ``"jax"``, or your own: see `Framework`.
    order : int
        Compare derivatives up to this order; 0 compares the values only.
    seed : int
        Of the random upstream gradients.
    tolerance : Tolerance, optional
        By default from the dtype and the number of operations in the graph of `fn`.

    Raises
    ------
    GradientError
        Where values, shapes, dtypes or gradients differ. An AssertionError.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> assert_matches(np.tanh, jnp.tanh, [0.5, 1.0], framework="jax", order=3)
    """
    if not isinstance(order, int) or order < 0:
        raise ValueError(f"assert_matches: order is {order!r}; expected 0 or more")
    here, there = framework_of("tinytensor"), framework_of(framework)
    arrays = [np.array(plain(x)) for x in inputs]
    name = getattr(fn, "__name__", type(fn).__name__)
    rng = np.random.default_rng(seed)
    close = tolerance
    ours, theirs = fn, other_fn
    for n in range(order + 1):
        results = as_tuple(ours(*[here.tensor(a) for a in arrays]))
        if n == 0 and not all(isinstance(y, Node) for y in results):
            raise FunctionError(f"{name} returns a {type(results[0]).__name__}, not a Tensor: its graph is lost inside")
        close = close or default_tolerance(results, arrays)
        actual = [here.array(y) for y in results]
        expected = [there.array(y) for y in as_tuple(theirs(*[there.tensor(a) for a in arrays]))]
        compare(name, there.name, n, actual, expected, close)
        weights = [random_weight(y.shape, rng).astype(y.dtype) for y in actual]
        ours, theirs = here.pullback(ours, weights), there.pullback(theirs, weights)
        close = Tolerance(close.rtol * 4, close.atol * 4)  # each order runs a few operations for every one below


def assert_matches_torch(fn: Callable[..., Any], torch_fn: Callable[..., Any], *inputs: Any, **options: Any) -> None:
    """`assert_matches` against PyTorch.

    Examples
    --------
    >>> import torch
    >>> assert_matches_torch(np.tanh, torch.tanh, np.array([0.5, 1.0]), order=3)
    >>> assert_matches_torch(np.tanh, torch.sin, np.array([0.5, 1.0]))
    Traceback (most recent call last):
        ...
    tinytensor.testing.errors.GradientError: tanh and torch disagree in output 0 at index (1,)
      tinytensor  0.761594155956
      torch       0.841470984808
    """
    assert_matches(fn, torch_fn, *inputs, framework="torch", **options)


def default_tolerance(results: tuple[Any, ...], arrays: list[Array]) -> Tolerance:
    """From the coarsest dtype and the operations behind the results."""
    dtypes = [y.dtype for y in results if y.dtype.kind == "f"] + [a.dtype for a in arrays if a.dtype.kind == "f"]
    coarsest = max(dtypes, key=lambda d: float(np.finfo(d).eps), default=np.dtype(np.float64))
    return tolerance(coarsest, sum(count_operations(y) for y in results) or 1)


def compare(name: str, other: str, order: int, actual: list[Array], expected: list[Array], close: Tolerance) -> None:
    """Raise at the first place where two frameworks' results differ, in one readable error."""
    what = "output" if order == 0 else f"order-{order} gradient of operand"
    if len(actual) != len(expected):
        raise GradientError(f"{name} and {other} disagree: {len(actual)} results against {len(expected)}")
    for k, (a, b) in enumerate(zip(actual, expected, strict=True)):
        if a.shape != b.shape:
            raise GradientError(f"{name} and {other} disagree in {what} {k}: shape {a.shape} against {b.shape}")
        wrong = ~np.asarray(close.close(a, b))
        if a.dtype.kind == "f" and np.any(wrong):
            index = tuple(int(i) for i in np.argwhere(wrong)[np.argmax(np.abs(a - b)[wrong])])
            raise GradientError(
                f"{name} and {other} disagree in {what} {k} at index {index}\n"
                f"  tinytensor  {a[index]:.12g}\n  {other:<11} {b[index]:.12g}"
            )


def probe_conventions(framework: Any = "torch") -> dict[str, float]:
    """The gradients that a framework chooses at ties and kinks, asked of the installed one.

    Returns
    -------
    dict
        From the name of the point to the gradient there. tinytensor's are PyTorch's.

    Examples
    --------
    >>> probe_conventions("torch") == probe_conventions("tinytensor")
    True
    >>> probe_conventions("torch")["relu at 0"]
    0.0
    """
    frame = framework_of(framework)
    functions: Any = {"torch": "torch", "jax": "jax.numpy"}.get(frame.name, "numpy")
    functions = importlib.import_module(functions)
    clip = functions.clip
    greatest = functions.amax if frame.name == "torch" else functions.max
    points: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
        "relu at 0": (lambda x: x.relu() if hasattr(x, "relu") else functions.maximum(x, 0.0), (0.0,)),
        "abs at 0": (functions.abs, (0.0,)),
        "sign at 0": (functions.sign, (0.0,)),
        "maximum of equals": (functions.maximum, (1.0, 1.0)),
        "minimum of equals": (functions.minimum, (1.0, 1.0)),
        "max over a tie": (greatest, ([2.0, 2.0],)),
        "clip at its bound": (lambda x: clip(x, -1.0, 1.0), (1.0,)),
    }
    found = {}
    for name, (function, values) in points.items():
        arrays = [np.array(v) for v in values]
        gradient = frame.pullback(function, [np.array(1.0)])(*[frame.tensor(a) for a in arrays])[0]
        found[name] = float(np.ravel(frame.array(gradient))[0])
    return found
