"""`compile`: a function of Tensors as the NumPy that a person would have written.

Read `Compiled.__call__` first. The way of a function: ``trace.py`` watches it, ``simplify.py`` and ``families.py`` rewrite what was
seen, ``memory.py`` finds a place for every value, ``source.py`` writes it down, ``binding.py`` runs it, ``verify.py`` checks it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from threading import RLock
from typing import Any

import numpy as np

from ..modes import mode
from ..node import Node
from ..tensor import Tensor
from ..value import Value
from .binding import Binding
from .effects import refuse_effects
from .families import flatten
from .guards import Guards
from .idioms import use_idioms
from .ir import Var, mapped
from .names import names_of_tensors
from .origins import CompileError
from .simplify import Program, drop_unused, fold, share, simplified
from .source import Writer
from .standin import TracedArray
from .trace import DATA, GRAD, Trace
from .verify import verify

_numbers = itertools.count(1)


class Compiled:
    """A function that runs as NumPy source; see `compile`."""

    def __init__(self, function: Callable[..., Any]) -> None:
        if not callable(function):
            raise TypeError(f"tt.compile: expected a function, got {type(function).__name__}")
        refuse_effects(function)
        functools.update_wrapper(self, function)
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
        if mode.tracer is not None:
            return self.function(*args, **kwargs)
        arrays: list[Any] = []
        key = (_key(args, arrays), _key(kwargs, arrays) if kwargs else None, mode.recording)
        with self._lock:
            entry = self._bound.get(key)
            if entry is None or not entry[1].hold() or not entry[0].fits():
                return self._first(key, args, kwargs)
            binding, _, shape = entry
            self._last = binding
            results = binding.run(arrays)
        return _rebuilt(shape, results)

    # --------------------------------------------------------------------------------- what it became

    @property
    def source(self) -> str:
        """The NumPy source that the last call ran."""
        if self._last is None:
            raise RuntimeError(f"{self.__name__}.source: call it once first; shapes and dtypes are known then")  # type: ignore[attr-defined]
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
        save(self._last, path, self.__name__)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"<compiled {self.__name__} for {len(self._bound)} signatures>"  # type: ignore[attr-defined]

    # ------------------------------------------------------------------------------------- first calls

    def _first(self, key: Any, args: Any, kwargs: Any) -> Any:
        """Run the function as it is; then watch it, write the source, and check that against the function."""
        result = mapped(self.function(*args, **kwargs), _detached)
        entry = self._compile(args, kwargs)
        self._bound[key] = entry
        self._last = entry[0]
        return result

    def _compile(self, args: Any, kwargs: Any) -> tuple[Binding, Guards, Any]:
        trace = Trace(getattr(self.function, "__code__", None))
        arguments: list[tuple[str, Var]] = []
        names = _argument_names(self.function, args, kwargs)
        with trace.watching():
            try:
                call_args, call_kwargs = _watched(args, kwargs, trace, names, arguments)
                result = self.function(*call_args, **call_kwargs)
                outputs, shape = _outputs(result, trace)
                for tensor in _tensors((call_args, call_kwargs)):
                    if GRAD.__get__(tensor) is not None:
                        raise CompileError(
                            "tt.compile: backward() gave an argument a gradient; return tt.grad(…) of it"
                        )
                program = Program(
                    trace.ops, outputs, *trace.results(), [(b, a._var) for b, a in trace.states], trace.steps
                )
                leaked = trace.leaked([result, *_tensors(result), *_tensors((call_args, call_kwargs)), *trace.tensors])
                kept_outside = _left_outside(leaked, trace, result)
            finally:
                call_args = call_kwargs = result = None
                trace.put_back()
        if kept_outside:
            raise CompileError(kept_outside)
        watched = [var.value for var in program.outputs]
        binding, guards = self._written(trace, program, arguments)
        arrays: list[Any] = []
        _key(args, arrays)
        _key(kwargs, arrays)

        def eagerly() -> list[Any]:
            found: list[Any] = []
            mapped(
                self.function(*args, **kwargs),
                lambda item: found.append(item._data) if isinstance(item, Node) else None,
            )
            return found if len(found) == len(watched) else watched

        verify(eagerly, binding, trace, arrays, watched)
        binding.adopt()
        return binding, guards, shape

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
        title = f"{self.__name__}, as it was traced for {described or 'no arrays'}."  # type: ignore[attr-defined]
        tensor_names = names_of_tensors(self.function)
        writer = Writer(program, families, arguments, trace.tensors, (tensor_names, trace._named), title)
        filename = f"<tinytensor.compile {self.__name__} {next(_numbers)}>"  # type: ignore[attr-defined]
        binding = Binding(writer.write(), trace, changed, cleared, filename)
        return binding, Guards(self.function, trace)


# ----------------------------------------------------------------------------- arguments and results


def _key(value: Any, arrays: list[Any]) -> Any:
    """What is the same for calls that one program serves; the arrays are collected on the way."""
    kind = type(value)
    if kind is np.ndarray:
        arrays.append(value)
        return value.shape, value.dtype.str  # a dtype's own hash takes longer than all the rest
    if kind is tuple or kind is list:
        return kind, tuple([_key(item, arrays) for item in value])
    if isinstance(value, Node):
        data = value._data
        if type(data) is float:
            raise CompileError("tt.compile: a Value is a single Python number; compile works on Tensors")
        arrays.append(data)
        return data.shape, data.dtype.str, value._requires_grad
    if kind is float:
        arrays.append(value)
        return float
    if kind is dict:
        return dict, tuple((name, _key(item, arrays)) for name, item in sorted(value.items()))
    if isinstance(value, np.ndarray | np.generic):
        arrays.append(np.asarray(value))
        return value.shape, value.dtype.str
    try:
        hash(value)
    except TypeError:
        raise CompileError(
            f"tt.compile: an argument is of type {kind.__name__}; give arrays, Tensors, numbers, and lists of them"
        ) from None
    return kind, value


def _argument_names(function: Any, args: Any, kwargs: Any) -> list[str]:
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    named = list(code.co_varnames[: code.co_argcount]) if code is not None else []
    if hasattr(function, "__self__"):
        named = named[1:]
    return [named[k] if k < len(named) else f"argument_{k}" for k in range(len(args))]


def _watched(args: Any, kwargs: Any, trace: Trace, names: list[str], arguments: list[tuple[str, Var]]) -> Any:
    """The arguments with Tensors of traced arrays in the place of arrays and Tensors."""

    def stand_in(value: Any, name: str) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(stand_in(item, f"{name}_{k}") for k, item in enumerate(value))
        if isinstance(value, dict):
            return {key: stand_in(item, f"{name}_{key}") for key, item in sorted(value.items())}
        if not isinstance(value, Node | np.ndarray | np.generic | float):
            return value
        data = DATA.__get__(value) if isinstance(value, Node) else value
        var = Var(data if type(data) is float else np.asarray(data), source=("argument", len(arguments)))
        arguments.append((name, var))
        array = TracedArray(trace, var)
        if type(value) is float:
            return array
        tensor = Tensor._make(array)
        tensor._requires_grad = isinstance(value, Node) and value._requires_grad
        return tensor

    positional = tuple(stand_in(value, name) for value, name in zip(args, names, strict=True))
    return positional, {name: stand_in(value, name) for name, value in sorted(kwargs.items())}


def _outputs(result: Any, trace: Trace) -> tuple[list[Var], Any]:
    """The Vars that are returned, and the result with their positions in their places."""
    found: list[Var] = []

    def position(item: Any) -> Any:
        if isinstance(item, Value):
            raise CompileError("tt.compile: the function returns a Value; compile works on Tensors")
        if isinstance(item, Node):
            found.append(trace._operand(item._data))
            return _Slot(len(found) - 1, True)
        if isinstance(item, TracedArray):
            found.append(item.var)
            return _Slot(len(found) - 1, False)
        return item

    return found, mapped(result, position)


class _Slot:
    """The place of an array in a result."""

    __slots__ = ("index", "tensor")

    def __init__(self, index: int, tensor: bool) -> None:
        self.index, self.tensor = index, tensor


def _rebuilt(shape: Any, results: Any) -> Any:
    """The result, from the arrays that the source returned."""
    if type(shape) is _Slot:
        if not shape.tensor:
            return results[shape.index]
        tensor = Tensor.__new__(Tensor)
        tensor._start(np.asarray(results[shape.index]))  # NumPy's results need not be looked at again
        return tensor
    return mapped(shape, lambda item: _rebuilt(item, results) if type(item) is _Slot else item)


def _tensors(value: Any) -> list[Any]:
    found: list[Any] = []
    mapped(value, lambda item: found.append(item) if isinstance(item, Node | TracedArray) else None)
    return found


def _detached(item: Any) -> Any:
    return Tensor(item._data) if isinstance(item, Tensor) else item


def _left_outside(leaked: list[Any], trace: Trace, result: Any) -> str:
    """The error for tensors that the function left outside, or nothing."""
    arrays = {id(DATA.__get__(node)) for node in _tensors(result) if isinstance(node, Node)}
    nodes = [item for item in leaked if isinstance(item, Node) and not any(item is r for r in _tensors(result))]
    operands = {id(node) for output in _tensors(result) if isinstance(output, Node) for node in _graph_of(output)}
    nodes = [node for node in nodes if id(node) not in operands]
    assert arrays is not None
    if not nodes:
        return ""
    made = DATA.__get__(nodes[0])
    origin = made._var.op.origin if isinstance(made, TracedArray) and made._var.op is not None else None
    return (
        f"tt.compile: {origin or ''}\n  A tensor that was made here is kept outside of the function (in a list, or an "
        "attribute). The source would not put the next one there: return it, and keep it outside."
    )


def _graph_of(root: Node) -> list[Node]:
    seen, stack = {id(root): root}, [root]
    while stack:
        for operand in stack.pop()._operands:
            if id(operand) not in seen:
                seen[id(operand)] = operand
                stack.append(operand)
    return list(seen.values())


def compile(function: Callable[..., Any]) -> Compiled:
    """Run a function of Tensors as the NumPy source that a person would have written.

    The first call with arguments of certain shapes and dtypes runs the function as it is, and then
    watches it: forward, backward and the optimizer's step become one program without Python in between. What is computed
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
