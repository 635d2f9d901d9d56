"""How a random program grows: one gene after another, each a handful of integers.

A gene says which operation, what it is applied to and where new inputs come in. Genes come from
Hypothesis (`programs`) or from a seed (`seeded_program`), and what grows from them is the same.
A program shrinks well because a gene stands on its own: an operand is named by a *label*, and is the
value whose label is nearest, so that leaving out another gene changes nothing; and smaller
integers mean less: operation 0 is none at all, a reference of 0 is a fresh input, shape 0 is a number.

A step is taken only where its result is bounded and no element is near a kink, so that two
frameworks can't disagree by rounding. Read next: ``program_torch.py``.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .program import Program, Step
from .program_ops import OPERATIONS, Operation, checked_operations
from .program_parts import Array, Picker, Shape
from .values import OFFSETS, lattice

BOUND = 30.0  # of every value on the way
SIZE, DIMS = 64, 4  # the most elements, and axes, of any value
FRESH = 24  # a reference below this is a fresh input (one in eleven) …
LATEST = 100  # … and from this on the latest value that fits and is not used yet, so that chains grow long

SHAPES: tuple[Shape, ...] = (
    (), (1,), (2,), (3,), (2, 2), (2, 3), (3, 2), (1, 3), (2, 1), (3, 3), (2, 3, 2), (2, 1, 3), (3, 2, 2), (4,),
    (0,), (2, 0), (2, 2), (2, 3), (3, 4), (2, 2, 3),
)  # fmt: skip


class Gene(NamedTuple):
    """What one step grows from: a byte each, and three for the options."""

    operation: int
    label: int
    first: int
    second: int
    shape: int
    seed: int
    option: int

    @classmethod
    def read(cls, code: bytes) -> Gene:
        """A gene from `LENGTH` bytes, so that to Hypothesis it is one choice and not seven."""
        operation, label, first, second, shape, seed = code[:6]
        return cls(operation, label, first, second, shape, seed, int.from_bytes(code[6:LENGTH], "little"))


LENGTH = 9  # of a gene, in bytes


@functools.cache
def _points(low: float, high: float, operand: int, count: int) -> Array:
    return lattice(low, high, operand, count)


def fresh_values(shape: Shape, seed: int, operand: int, bounds: tuple[float, float], dtype: Any) -> Array:
    """A new input: distinct values on a lattice of its own; seed 0 gives the simplest."""
    count = int(np.prod(shape))
    points = _points(*bounds, operand % len(OFFSETS), max(count, 12))
    if seed:
        points = np.random.default_rng(seed).permutation(points)
    return points[:count].reshape(shape).astype(dtype)


class Growth:
    """A program that grows.

    Parameters
    ----------
    operations : sequence of str
        What it may be made of.
    dtype : dtype
        Of its inputs.
    max_nodes : int
        How large it may become.
    """

    def __init__(self, operations: Sequence[str], dtype: Any = np.float64, max_nodes: int = 60) -> None:
        self.table = [OPERATIONS[name] for name in operations]
        self.dtype, self.max_nodes = dtype, max_nodes
        self.values: list[Array] = []
        self.labels: list[int] = []
        self.made_by: list[Step | None] = []  # None: an input
        self.used: set[int] = set()

    def add(self, gene: Gene) -> None:
        """One more step, where the gene finds a place: on what it refers to, or else on fresh inputs."""
        if not gene.operation or len(self.values) >= self.max_nodes:
            return
        operation = self.table[(gene.operation - 1) % len(self.table)]
        with np.errstate(all="ignore"):  # what overflows is not taken
            if not self._try(operation, gene, fresh=False):
                self._try(operation, gene, fresh=True)

    def _try(self, operation: Operation, gene: Gene, fresh: bool) -> bool:
        picker = Picker(gene.option)
        new: list[Array] = []
        chosen: list[int] = []
        operands: list[Array] = []
        for position, reference in enumerate((gene.first, gene.second)[: operation.arity]):
            found = None if fresh else self._find(reference, operation, operands)
            if found is None:
                shape = operation.partner(picker, operands[0]) if position else SHAPES[gene.shape % len(SHAPES)]
                number = sum(made is None for made in self.made_by) + len(new)
                array = fresh_values(shape, gene.seed, number, operation.fresh, self.dtype)
                if not operation.fits(*operands, array):
                    return False
                found = len(self.values) + len(new)
                new.append(array)
            chosen.append(found)
            operands.append(new[found - len(self.values)] if found >= len(self.values) else self.values[found])
        options = operation.options(picker, *operands)
        if options is None or not operation.steady(*operands, **options):
            return False
        result = np.asarray(operation.function(*operands, **options))
        if not tame(result, self.dtype) or len(self.values) + len(new) >= self.max_nodes:
            return False
        for k, array in enumerate(new):
            self._append(array, (gene.label + 85 * (k + 1)) % 256, None)
        self.used.update(chosen)
        self._append(result, gene.label, Step(operation.name, tuple(chosen), options))
        return True

    def _append(self, array: Array, label: int, made_by: Step | None) -> None:
        self.values.append(array)
        self.labels.append(label)
        self.made_by.append(made_by)

    def _find(self, reference: int, operation: Operation, operands: list[Array]) -> int | None:
        """The value that a reference means, among those that fit; None for a fresh input."""
        if reference < FRESH:
            return None
        latest = range(len(self.values) - 1, -1, -1)
        if reference < LATEST:
            target = (reference - FRESH) * 256 // (LATEST - FRESH)
            order = sorted(latest, key=lambda k: abs(self.labels[k] - target))
        else:
            order = sorted(latest, key=self.used.__contains__)
        return next((k for k in order if operation.fits(*operands, self.values[k])), None)

    def program(self) -> Program:
        """What has grown: the inputs first, then the steps."""
        inputs = [k for k, made in enumerate(self.made_by) if made is None]
        steps = [(k, made) for k, made in enumerate(self.made_by) if made is not None]
        number = {old: new for new, old in enumerate([*inputs, *(k for k, _ in steps)])}
        return Program(
            tuple(self.values[k] for k in inputs),
            tuple(Step(s.operation, tuple(number[k] for k in s.operands), s.options) for _, s in steps),
        )


def tame(result: Array, dtype: Any) -> bool:
    """Whether a result is small in every sense, and of the dtype of the inputs."""
    small = result.size <= SIZE and result.ndim <= DIMS and result.dtype == dtype
    return small and bool(np.max(np.abs(result), initial=0.0) <= BOUND)  # nan is not


def grow(
    genes: Iterable[Gene], operations: Any = None, dtype: npt.DTypeLike = np.float64, max_nodes: int = 60
) -> Program:
    """The program that grows from these genes.

    Examples
    --------
    >>> gene = Gene(operation=2, label=0, first=0, second=0, shape=2, seed=0, option=0)
    >>> print(grow([gene]))
    import numpy as np
    import tinytensor as tt
    <BLANKLINE>
    x0 = tt.Tensor(np.array([0.065, -0.185]), requires_grad=True)
    v0 = np.tanh(x0)
    y = (v0 * np.array([-1.78, -1.46])).sum()
    y.backward()
    """
    growth = Growth(checked_operations(operations), np.dtype(dtype), max_nodes)
    for gene in genes:
        growth.add(gene)
    return growth.program()


def seeded_program(
    seed: int | str,
    min_nodes: int = 5,
    max_nodes: int = 60,
    operations: Any = None,
    dtype: npt.DTypeLike = np.float64,
) -> Program:
    """A random program without Hypothesis: the same for the same seed, and ten times as fast.

    Examples
    --------
    >>> program = seeded_program("0-7", min_nodes=10, max_nodes=20)
    >>> 10 <= len(program) <= 20
    True
    """
    rng = random.Random(seed)
    size = min(rng.randint(min_nodes, max_nodes) for _ in range(2))  # small ones are the more frequent
    growth = Growth(checked_operations(operations), np.dtype(dtype), size)
    for _ in range(50 * size):  # few genes find no place; an operation that never does must not hang us
        if len(growth.values) >= size:
            break
        growth.add(Gene.read(rng.randbytes(LENGTH)))
    return growth.program()
