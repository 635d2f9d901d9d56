"""A program as data: inputs, and steps that each apply one operation to earlier results.

What it runs on is up to the caller: arrays, Tensors, or another framework's tensors with a table of its
functions. Printed, a program is Python that a person can paste and run. This file knows neither how
programs are drawn nor with what they are compared. Read next: ``program_ops.py``.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .program_ops import OPERATIONS
from .program_parts import written
from .values import upstream_values

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Step:
    """One operation: its name in the table of operations, what it is applied to, its options.

    `operands` are numbers: the inputs come first, then the steps, in their order.
    """

    operation: str
    operands: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Program:
    """A straight-line program over arrays; its outputs are the results that no other step uses.

    Parameters
    ----------
    inputs : tuple of ndarray
        What it starts from; the gradients are asked with respect to these.
    steps : tuple of Step
        The operations, in order.

    Examples
    --------
    >>> program = Program((np.array([0.5, -1.0]),), (Step("tanh", (0,)), Step("multiply", (0, 1))))
    >>> print(program)
    import numpy as np
    import tinytensor as tt
    <BLANKLINE>
    x0 = tt.Tensor(np.array([0.5, -1.0]), requires_grad=True)
    v0 = np.tanh(x0)
    v1 = np.multiply(x0, v0)
    y = (v1 * np.array([-1.78, -1.46])).sum()
    y.backward()
    >>> len(program), program.outputs
    (3, (2,))
    >>> program.run()
    (array([0.23105858, 0.76159416]),)
    """

    inputs: tuple[Array, ...]
    steps: tuple[Step, ...]

    def __len__(self) -> int:
        """The number of nodes: inputs and steps."""
        return len(self.inputs) + len(self.steps)

    @functools.cached_property
    def outputs(self) -> tuple[int, ...]:
        """The numbers of the results that no step uses."""
        used = {operand for step in self.steps for operand in step.operands}
        return tuple(k for k in range(len(self)) if k not in used)

    @property
    def operations(self) -> Counter[str]:
        """How often each operation is applied."""
        return Counter(step.operation for step in self.steps)

    def trace(
        self, tensors: Sequence[Any] | None = None, functions: Mapping[str, Callable[..., Any]] | None = None
    ) -> list[Any]:
        """Every value on the way: the inputs, then the results of the steps.

        Parameters
        ----------
        tensors : sequence, optional
            What to run on; the inputs themselves by default, as plain arrays.
        functions : mapping, optional
            Another framework's function for the name of each operation, with NumPy's options. By
            default NumPy's and tinytensor's own, which take arrays and Tensors alike.

        Raises
        ------
        ValueError
            Where the number of tensors is not that of the inputs.
        NotImplementedError
            Where `functions` lacks an operation of this program.
        """
        values = list(self.inputs if tensors is None else tensors)
        if len(values) != len(self.inputs):
            raise ValueError(f"program: {len(values)} tensors are given, and it has {len(self.inputs)} inputs")
        for step in self.steps:
            if functions is None:
                function = OPERATIONS[step.operation].function
            elif step.operation in functions:
                function = functions[step.operation]
            else:
                raise NotImplementedError(
                    f"program: there is no function for {step.operation!r}; add one to functions, or draw "
                    "programs(operations=…) without it"
                )
            values.append(function(*(values[k] for k in step.operands), **step.options))
        return values

    def run(
        self, tensors: Sequence[Any] | None = None, functions: Mapping[str, Callable[..., Any]] | None = None
    ) -> tuple[Any, ...]:
        """The outputs, for these tensors; see `trace` for the parameters."""
        values = self.trace(tensors, functions)
        return tuple(values[k] for k in self.outputs)

    def upstream(self, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
        """A gradient that arrives at each output, of these shapes; the same every time, never ones."""
        dtype = self.inputs[0].dtype if self.inputs else np.dtype(np.float64)
        return [upstream_values(shape, seed, dtype) for seed, shape in enumerate(shapes)]

    def only(self, number: int) -> Program:
        """One step alone, on the values that it met in this program.

        A disagreement of a long program is nearly always one of a single step; this finds it.

        Examples
        --------
        >>> program = Program((np.array([0.5, -1.0]),), (Step("tanh", (0,)), Step("multiply", (0, 1))))
        >>> print(program.only(2).line(2), [x.round(2).tolist() for x in program.only(2).inputs])
        v0 = np.multiply(x0, x1) [[0.5, -1.0], [0.46, -0.76]]
        """
        step, values = self.steps[number - len(self.inputs)], self.trace()
        used = sorted(set(step.operands))
        operands = tuple(map(used.index, step.operands))
        return Program(tuple(np.array(values[k]) for k in used), (Step(step.operation, operands, step.options),))

    def upto(self, number: int) -> Program:
        """What leads to one value, and nothing else.

        Examples
        --------
        >>> program = Program((np.array(0.5), np.array(2.0)), (Step("tanh", (0,)), Step("sin", (1,))))
        >>> program.upto(3).steps
        (Step(operation='sin', operands=(0,), options={}),)
        """
        needed, size = {number}, len(self.inputs)
        for k in range(number, size - 1, -1):
            if k in needed:
                needed.update(self.steps[k - size].operands)
        order = {old: new for new, old in enumerate(sorted(needed))}
        steps = [self.steps[k - size] for k in order if k >= size]
        return Program(
            tuple(self.inputs[k] for k in order if k < size),
            tuple(Step(s.operation, tuple(order[k] for k in s.operands), s.options) for s in steps),
        )

    def name(self, number: int) -> str:
        """What the printed program calls a value: x0, x1, … are inputs, v0, v1, … results."""
        return f"x{number}" if number < len(self.inputs) else f"v{number - len(self.inputs)}"

    def line(self, number: int) -> str:
        """The line of the printed program that computes a value."""
        if number < len(self.inputs):
            return f"{self.name(number)} = tt.Tensor({written(self.inputs[number])}, requires_grad=True)"
        step = self.steps[number - len(self.inputs)]
        code = OPERATIONS[step.operation].written(tuple(map(self.name, step.operands)), step.options)
        return f"{self.name(number)} = {code}"

    def __str__(self) -> str:
        """Python that computes the gradients of this program."""
        shapes = [np.shape(value) for value in self.run()]
        weighted = [
            f"({self.name(k)} * {written(g)}).sum()" for k, g in zip(self.outputs, self.upstream(shapes), strict=True)
        ]
        lines = ["import numpy as np", "import tinytensor as tt", "", *map(self.line, range(len(self)))]
        if len(weighted) == 1:
            lines.append(f"y = {weighted[0]}")
        elif weighted:
            lines += ["y = (", f"    {weighted[0]}", *(f"    + {part}" for part in weighted[1:]), ")"]
        return "\n".join([*lines, "y.backward()"] if weighted else lines)

    def __repr__(self) -> str:
        return f"\n{self}\n"  # Hypothesis prints this as the falsifying example
