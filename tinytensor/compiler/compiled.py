"""`compile`: a function of Tensors as the NumPy that a person would have written.

Read `Compiled.__call__` first. The way of a function: ``trace.py`` watches it; ``simplify.py``, ``idioms.py`` and
``families.py`` rewrite what was seen; ``memory.py`` finds a place for every value, ``given.py`` a name; ``source.py``
writes it down; ``binding.py`` runs it; ``verify.py`` checks it. Read next: ``ir.py``.
"""

from __future__ import annotations

import functools
import gc
import itertools
from collections.abc import Callable
from threading import RLock
from typing import Any

import numpy as np

from ..modes import mode
from ..node import Node
from .binding import Binding
from .effects import refuse_effects
from .families import flatten
from .guards import Guards
from .idioms import use_idioms
from .ir import Var, mapped
from .names import names_of_tensors
from .origins import CompileError
from .signature import (
    detached,
    key_of,
    left_outside,
    outputs_of,
    rebuilt,
    results_at,
    stand_ins,
    tensors_in,
)
from .simplify import Program, drop_unused, fold, share, simplified
from .source import Writer
from .trace import GRAD, Trace
from .verify import verify

_numbers = itertools.count(1)


class Compiled:
    """A function that runs as NumPy source; see `compile`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(f"tt.compile: expected a function, got {type(function).__name__}")
        refuse_effects(function)
        functools.update_wrapper(self, function)
        self.__name__ = str(getattr(function, "__name__", type(function).__name__))
        self.function = function
        self._bound: dict[Any, tuple[Binding, Guards, Any]] = {}
        self._last: Binding | None = None
        self._lock = RLock()  # the memory is shared by all calls

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """As a method: compiled once for each object, whose parameters are its own."""
        if owner is None:
            return self
        bound = Compiled(self.function.__get__(owner))
        vars(owner)[self.function.__name__] = bound  # found first from now on
        return bound

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the source for arguments of these shapes and dtypes; trace first where there is none yet."""
        if mode.tracer is not None or mode.checking:
            return self.function(*args, **kwargs)
        arrays: list[Any] = []
        parts: list[Any] = [mode.recording]
        nodes: list[Node] = []
        for value in args:
            if type(value) is np.ndarray:  # as `key_of` does it, without the call
                dtype = value.dtype
                parts += (value.shape, dtype.num, dtype.isnative)
                arrays.append(value)
            else:
                parts.append(key_of(value, arrays))
                if isinstance(value, Node):
                    nodes.append(value)
        if kwargs:
            parts.append(key_of(kwargs, arrays))
        key = tuple(parts)
        with self._lock:
            entry = self._bound.get(key)
            if entry is None or not entry[1].hold() or not entry[0].fits() or (nodes and not entry[0].apart(nodes)):
                return self._first(key, args, kwargs)
            binding, _, shape = entry
            self._last = binding
            results = binding.run(arrays)
        return rebuilt(shape, results)

    # --------------------------------------------------------------------------------- what it became

    @property
    def source(self) -> str:
        """The NumPy source that the last call ran."""
        if self._last is None:
            raise RuntimeError(f"{self.__name__}.source: call it once first; shapes and dtypes are known then")
        return self._last.written.text

    def save(self, path: Any) -> None:
        """Write the source, and the arrays it starts from, so that it runs with NumPy alone.

        Parameters
        ----------
        path : str or path-like
            A file ending in ``.py``. The arrays go beside it, into a file of the same name ending in ``.npz``.
        """
        from .saving import save

        self.source  # noqa: B018  # raises where there is none
        assert self._last is not None
        save(self._last, path, self.__name__)

    def __repr__(self) -> str:
        return f"<compiled {self.__name__} for {len(self._bound)} signatures>"

    # ------------------------------------------------------------------------------------- first calls

    def _first(self, key: Any, args: Any, kwargs: Any) -> Any:
        """Run the function as it is; then watch it, write the source, and check that against the function."""
        result = mapped(self.function(*args, **kwargs), detached)
        entry = self._compile(args, kwargs)
        self._bound[key] = entry
        self._last = entry[0]
        return result

    def _compile(self, args: Any, kwargs: Any) -> tuple[Binding, Guards, Any]:
        trace, program, arguments, shape = self._watch(args, kwargs)
        watched = [var.value for var in program.outputs]
        binding, guards = self._written(trace, program, arguments)
        arrays: list[Any] = []
        key_of((args, kwargs), arrays)

        def eagerly() -> list[Any]:
            return results_at(shape, self.function(*args, **kwargs))

        verify(eagerly, binding, trace, arrays, watched)
        binding.adopt()
        return binding, guards, shape

    def _watch(self, args: Any, kwargs: Any) -> tuple[Trace, Program, list[tuple[str, Var]], Any]:
        """Run the function on stand-ins, and make a program of what they wrote down."""
        trace = Trace(getattr(self.function, "__code__", None))
        arguments: list[tuple[str, Var]] = []
        with trace.watching():
            try:
                given, named = stand_ins(self.function, args, kwargs, trace, arguments)
                result = self.function(*given, **named)
                outputs, shape = outputs_of(result, trace)
                if any(GRAD.__get__(tensor) is not None for tensor in tensors_in((given, named))):
                    raise CompileError("tt.compile: backward() gave an argument a gradient; return tt.grad(…) of it")
                if any(node in trace.tensors for node in tensors_in((args, kwargs))):
                    raise CompileError(
                        "tt.compile: a tensor is an argument, and the function reaches it by another name too; the "
                        "source would take them for two. Give it as an argument only, or not at all"
                    )
                states = [(before, after.var) for before, after in trace.states]
                program = Program(trace.ops, outputs, *trace.results(), states, trace.steps)
            finally:
                given = named = result = None
                trace.put_back()
        if trace.leaked():
            gc.collect()  # some may only have waited for it
            if left := trace.leaked():
                raise CompileError(left_outside(left))
        return trace, program, arguments, shape

    def _written(self, trace: Trace, program: Program, arguments: list[tuple[str, Var]]) -> tuple[Binding, Guards]:
        changed = set(program.data)
        cleared = {node for node, var in program.grads.items() if var is None}
        simplified(program)
        fold(program)
        use_idioms(program)
        families = flatten(program, {node: data for node, (data, _) in trace.tensors.items()})
        share(program)
        drop_unused(program)
        described = ", ".join(f"{name}: {var.dtype} {var.shape}" for name, var in arguments)
        title = f"{self.__name__}, as it was traced for {described or 'no arrays'}."
        tensor_names = names_of_tensors(self.function)
        writer = Writer(program, families, arguments, trace.tensors, tensor_names)
        filename = f"<tinytensor.compile {self.__name__} {next(_numbers)}>"
        binding = Binding(writer.write(title), trace, changed, cleared, filename)
        return binding, Guards(self.function, trace)


def compile(function: Callable[..., Any]) -> Compiled:
    """Run a function of Tensors as the NumPy source that a person would have written.

    The first call with arguments of certain shapes and dtypes runs the function as it is, and then
    watches it: forward, backward and the optimizer's step become one program. What is computed
    twice is computed once, memory is made once and used again, parameters lie side by side so that the
    optimizer is a few calls for the whole model. The program is written as NumPy source (``step.source``), checked
    against the function, and run from the second call on. Other shapes or dtypes, such as
    those of a smaller last batch, are traced anew.

    Parameters
    ----------
    function : callable
        Takes arrays, Tensors, numbers, and lists, tuples and dicts of them; returns Tensors in the same ways, or
        None. It may use modules, losses, `grad`, ``backward()``, SGD, Adam and AdamW, schedules, dropout and gradient
        clipping. Floats may change from call to call; integers, strings and flags belong to the signature.

    Returns
    -------
    Compiled
        Called like the function. What it returns has no graph. ``source`` is the text that it runs,
        ``save`` writes that for use without tinytensor.

    Raises
    ------
    CompileError
        For what a trace can't hold, with the line: a branch on a value, ``.item()``, ``.data``, ``print``, a tensor
        that is kept outside, a result that is not the same when called again.

    Notes
    -----
    ``p.data`` and ``p.grad`` of the parameters are views of flat arrays, and ``p.grad`` is written over by the next
    call: copy it to keep it. Python runs at the first calls only (three times), so what else the function does to the
    world, happens then and not later. Calls of one compiled function wait for each other: its memory is
    shared.

    Examples
    --------
    >>> import numpy as np
    >>> import tinytensor as tt
    >>> model = tt.nn.MLP(2, [8, 2], generator=np.random.default_rng(0))
    >>> optimizer = tt.optim.SGD(model.parameters(), lr=0.1)
    >>> @tt.compile
    ... def step(x, y):
    ...     optimizer.zero_grad()
    ...     loss = tt.nn.cross_entropy(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> x, y = np.ones((4, 2), np.float32), np.array([0, 0, 0, 1])
    >>> losses = [step(x, y).item() for _ in range(100)]
    >>> losses[-1] < losses[0]
    True
    >>> "np.matmul(x, layers_0_weight_T, out=" in step.source
    True
    """
    return Compiled(function)
