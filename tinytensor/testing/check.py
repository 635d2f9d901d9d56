"""One run of `gradcheck`, step by step: the function itself, each order, directions, forward mode, layouts.

Read next: ``diagnose.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..node import Node
from .diagnose import likely_cause
from .differences import Array, Place, Scalar, central, complex_step, is_kink
from .errors import FunctionError, GradientError
from .frameworks import as_tuple
from .memory import lay_out
from .tolerances import Tolerance


@dataclass
class Report:
    """What `gradcheck` found where it raised nothing.

    Attributes
    ----------
    elements : int
        How many derivatives were compared, over all orders.
    kinks : list
        Where the function has no derivative: (order, operand, index). The gradient there is a
        convention, and was not compared.
    """

    function: str
    elements: int = 0
    kinks: list[tuple[int, int, tuple[int, ...]]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        places = ", ".join(f"operand {k} at {i} (order {n})" for n, k, i in self.kinks[:3])
        more = f" and {len(self.kinks) - 3} more" if len(self.kinks) > 3 else ""
        kinks = f"; not differentiable in {places}{more}" if self.kinks else ""
        return f"{self.function}: {self.elements} derivatives agree{kinks}"


class Check:
    """One run of `gradcheck`."""

    tolerance: Tolerance  # for central differences
    sharp: Tolerance  # for the complex step

    def __init__(self, fn: Callable[..., Any], arrays: list[Array], framework: Any, seed: int) -> None:
        self.fn, self.arrays, self.framework = fn, arrays, framework
        self.name = getattr(fn, "__name__", type(fn).__name__)
        self.rng = np.random.default_rng(seed)
        self.wanted = [k for k, a in enumerate(arrays) if a.dtype.kind == "f"]
        self.report = Report(self.name)
        self.size = 0.0  # the largest magnitude so far, of which rounding errors are a fraction
        self.levels: list[Callable[..., Any]] = [fn]  # the function, its gradient, the gradient of that, …
        self.weights: list[list[Array]] = []

    def values(self, function: Callable[..., Any], arrays: Sequence[Array]) -> list[Array]:
        """What the framework makes of arrays, as arrays."""
        outputs = as_tuple(function(*[self.framework.tensor(a) for a in arrays]))
        return [self.framework.array(y) for y in outputs]

    def function_itself(self) -> None:
        """Refuse a function that no gradient can be checked of, in one sentence."""
        tensors = [self.framework.tensor(a.copy()) for a in self.arrays]
        outputs = as_tuple(self.fn(*tensors))
        for y in outputs:
            if self.framework.name == "tinytensor" and not isinstance(y, Node):
                raise FunctionError(f"{self.name} returns a {type(y).__name__}, not a Tensor: its graph is lost inside")
        first = [np.array(self.framework.array(y)) for y in outputs]
        for k, (t, a) in enumerate(zip(tensors, self.arrays, strict=True)):
            if not np.array_equal(self.framework.array(t), a, equal_nan=a.dtype.kind == "f"):
                raise FunctionError(f"{self.name} changes its input {k} in place; it must leave its inputs as they are")
        for y in first:
            if np.isnan(y).any():
                raise FunctionError(f"{self.name} returns nan at these inputs; choose inputs in its domain")
            if y.dtype.kind != "f":
                raise FunctionError(f"{self.name} returns {y.dtype}, which has no gradient; expected a floating dtype")
        for y, z in zip(first, self.values(self.fn, self.arrays), strict=True):
            if not np.array_equal(y, z):
                raise FunctionError(f"{self.name} gives another result each time; fix its random seed inside")

    def one_order(self, n: int, max_elements: int) -> None:
        """Compare the gradient of level n - 1 with differences of it."""
        below = self.levels[-1]
        outputs = self.values(below, self.arrays)
        weights = [random_weight(y.shape, self.rng) for y in outputs]
        pulled = self.framework.pullback(below, weights)
        actual = self.reverse(below, weights, pulled, self.arrays)

        def scalar(arrays: list[Array]) -> Any:
            return sum(np.sum(w * y) for w, y in zip(weights, self.values(below, arrays), strict=True))

        places = self.places(max_elements)
        expected = {place: central(scalar, self.arrays, place) for place in places}
        exact = self.exactly(scalar, expected) if n == 1 else {}
        # A difference quotient rounds in proportion to the function, also where the derivative is 0.
        size = sum(float(np.sum(np.abs(w * y))) for w, y in zip(weights, outputs, strict=True))
        self.size = max(self.size, size)
        self.compare(n, actual, expected, exact, scalar, (self.size, below, weights, outputs))
        self.directions(n, actual, scalar)
        self.levels.append(pulled)
        self.weights.append(weights)

    def reverse(self, below: Any, weights: list[Array], pulled: Any, arrays: list[Array]) -> list[Array]:
        """The gradients by reverse mode: as stored by backward() and as returned, which must be the same."""
        returned = self.values(pulled, arrays)
        if not hasattr(self.framework, "backward"):
            return returned
        stored: list[Array] = self.framework.backward(below, weights, [self.framework.tensor(a) for a in arrays])
        for k in self.wanted:
            if not np.allclose(stored[k], returned[k], rtol=1e-9, atol=1e-9, equal_nan=True):
                raise GradientError(
                    f"the gradient of {self.name} in operand {k} is another in backward() than in "
                    "grad(create_graph=True)\n"
                    "  likely cause: a rule does different things to arrays and to Tensors"
                )
        return stored

    def places(self, most: int) -> list[Place]:
        """The elements to compare: all, or so many at random."""
        every = [(k, i) for k in self.wanted for i in np.ndindex(self.arrays[k].shape)]
        if len(every) <= most:
            return every
        return [every[int(k)] for k in sorted(self.rng.choice(len(every), most, replace=False))]

    def exactly(self, scalar: Scalar, rough: dict[Place, float]) -> dict[Place, float]:
        """The complex step where the function takes complex numbers and means the same by them."""
        found = {}
        for place, value in rough.items():
            with np.errstate(all="ignore"):  # a function of reals may compare or overflow here; it is checked next
                exact = complex_step(scalar, self.arrays, place)
            if exact is None:
                return {}
            if np.isclose(exact, value, rtol=self.tolerance.rtol, atol=self.tolerance.atol):
                found[place] = exact
        return found

    def compare(
        self,
        n: int,
        actual: list[Array],
        expected: dict[Place, float],
        exact: dict[Place, float],
        scalar: Scalar,
        made: tuple[Any, ...],
    ) -> None:
        """Raise at the first element that is wrong, unless the function has a kink there."""
        scale = max([made[0], *map(abs, expected.values())])
        for (k, i), rough in expected.items():
            if actual[k].shape != self.arrays[k].shape:
                raise self.failure(n, (k, i), None, rough, "", expected, actual, made)
            value, close, how = float(actual[k][i]), self.tolerance, "central differences"
            truth = exact.get((k, i), rough)
            if (k, i) in exact:
                close, how = self.sharp, "complex step"
            if abs(value - truth) <= close.rtol * abs(truth) + close.atol * scale:
                self.report.elements += 1
            elif is_kink(scalar, self.arrays, (k, i)):
                self.report.kinks.append((n, k, i))
            else:
                raise self.failure(n, (k, i), value, truth, how, expected, actual, made)

    def failure(
        self, n: int, place: Place, value: Any, truth: float, how: str, expected: Any, actual: Any, made: Any
    ) -> GradientError:
        """One readable error: where, both values, how far apart, and why if it can be told."""
        k, i = place
        _, below, weights, outputs = made
        arrays = {j: np.full(self.arrays[j].shape, np.nan) for j in self.wanted}
        for (j, at), x in expected.items():
            arrays[j][at] = x
        complete = not any(np.isnan(a).any() for a in arrays.values())
        cause = ""
        if complete:
            rest = [j for j in range(len(self.arrays)) if j != k]
            own = [self.arrays[k], *(self.arrays[j] for j in rest)]
            twice = self.values(self.framework.pullback(below, [2 * w for w in weights]), self.arrays)
            cause = likely_cause(
                actual[k], arrays[k], own, outputs, [arrays.get(j, np.zeros(0)) for j in rest],
                twice[k] if twice[k].shape == actual[k].shape else None, [f"operand {j}" for j in rest],
            )  # fmt: skip
        lines = [f"the gradient of {self.name} is wrong in operand {k} at index {i}, order {n}"]
        if value is None:
            lines[0] = f"the gradient of {self.name} is wrong in operand {k}, order {n}: its shape is {actual[k].shape}"
            lines.append(f"  expected shape {self.arrays[k].shape}")
        else:
            error = abs(value - truth) / max(abs(truth), 1e-300)
            lines += [
                f"  reverse mode  {value:.10g}",
                f"  derivative    {truth:.10g}   ({how}; relative error {error:.2g})",
            ]
        if cause:
            lines.append(f"  likely cause: {cause}")
        return GradientError("\n".join(lines))

    def directions(self, n: int, actual: list[Array], scalar: Scalar, count: int = 3) -> None:
        """Random directions through all elements at once, where there are too many to compare one by one."""
        if sum(self.arrays[k].size for k in self.wanted) <= 100:
            return
        origin, place = [np.array(0.0)], (0, ())
        for _ in range(count):
            v = {k: self.rng.standard_normal(self.arrays[k].shape) for k in self.wanted}
            length = math.sqrt(sum(float(np.sum(a * a)) for a in v.values()))
            line = self.along(scalar, {k: np.asarray(a / length) for k, a in v.items()})
            slope = central(line, origin, place)
            value = sum(float(np.sum(actual[k] * v[k])) for k in self.wanted) / length
            if abs(value - slope) > 10 * self.tolerance.rtol * max(abs(slope), 1.0) and not is_kink(
                line, origin, place
            ):
                raise GradientError(
                    f"the gradient of {self.name} is wrong along a random direction, order {n}\n"
                    f"  reverse mode  {value:.10g}\n  derivative    {slope:.10g}"
                )

    def along(self, scalar: Scalar, v: dict[int, Array]) -> Scalar:
        """The function on a line through the inputs, of the distance from them."""
        return lambda s: scalar([a + s[0] * v[k] if k in v else a for k, a in enumerate(self.arrays)])

    def forward_mode(self) -> None:
        """Forward mode, as the reverse mode of the reverse mode, against the reverse mode."""
        weights = self.weights[0]
        vs = [self.rng.standard_normal(a.shape) if k in self.wanted else a * 0.0 for k, a in enumerate(self.arrays)]
        tensors = [self.framework.tensor(a) for a in self.arrays]
        forward = self.framework.pullback(lambda *us: self.framework.pullback(self.fn, us)(*tensors), vs)
        pushed = self.values(forward, weights)
        back = self.values(self.levels[1], self.arrays)
        left = sum(float(np.sum(w * p)) for w, p in zip(weights, pushed, strict=True))
        right = sum(float(np.sum(back[k] * vs[k])) for k in self.wanted)
        scale = sum(float(np.sum(np.abs(back[k] * vs[k]))) for k in self.wanted)
        if abs(left - right) > self.tolerance.rtol * max(scale, 1e-300):
            raise GradientError(
                f"forward and reverse mode of {self.name} disagree: {left:.10g} against {right:.10g}\n"
                "  likely cause: a rule is not linear in its g, or leaves the graph (.data, a plain array)"
            )

    def layouts(self, names: Sequence[str]) -> None:
        """The same values laid out otherwise in memory must have the same gradients."""
        contiguous = self.reverse(self.fn, self.weights[0], self.levels[1], self.arrays)
        for name in names:
            arrays = [lay_out(a, name) if a.dtype.kind == "f" else a for a in self.arrays]
            found = self.reverse(self.fn, self.weights[0], self.levels[1], arrays)
            for k, (a, b) in enumerate(zip(found, contiguous, strict=True)):
                if a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True):
                    raise GradientError(
                        f"the gradient of {self.name} in operand {k} depends on the memory layout: "
                        f"it is another for {name} operands than for contiguous ones"
                    )


def random_weight(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """An upstream gradient with neither zeros nor ones: ones would hide a wrong sum or transpose."""
    return np.asarray(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape))
