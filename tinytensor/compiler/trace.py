"""Trace: watch a function run, and write down every call that its arrays take part in.

The function runs as it always does, on the engine, the rules and the optimizers as they are. Reading a tensor's data
gives a `TracedArray` in place of the array, so nothing that depends on them goes unseen. Nothing is changed
for good: at the end every tensor, optimizer, schedule and generator is as it was. Read next: ``origins.py``.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import RLock
from typing import Any

import numpy as np

from ..anomaly import FORWARD
from ..lines import users_frame
from ..modes import mode
from ..nn.module import Module
from ..node import Node, StandIn
from ..optim.base import Optimizer
from ..rules.table import Rule, name_of
from . import vocabulary as words
from .ir import Op, Var, evaluate, mapped, vars_in
from .origins import CompileError, Origin, ShapeError, here
from .standin import TracedArray

DATA, GRAD = Node.__dict__["_data"], Node.__dict__["_grad"]  # the slots themselves
CALL = Module.__dict__["__call__"]
VJPS, ARRIVING = Rule.__dict__["vjps"], Rule.__dict__["arriving"]
_one_at_a_time = RLock()  # see WATCHED

WEAK = frozenset((np.add, np.subtract, np.multiply, np.divide, np.power, np.negative, np.floor_divide, np.remainder))


class Watched(property):
    """A slot that is read and written through the tracer of the thread, if it has one."""

    def __init__(self, slot: Any, read: Callable[..., Any], write: Callable[..., Any]) -> None:
        self.slot = slot

        def get(owner: Any) -> Any:
            return slot.__get__(owner) if mode.tracer is None else read(mode.tracer, owner)

        def put(owner: Any, value: Any) -> None:
            if mode.tracer is not None:
                write(mode.tracer, owner)
            slot.__set__(owner, value)

        super().__init__(get, put)


class Trace:
    """What was written down.

    Attributes
    ----------
    ops : list of Op
        The calls, in order.
    tensors : dict
        The tensors from outside whose data or gradients were read, with their Vars: (data, gradient or None).
    host : list of tuple
        What Python itself has to do at every call, in order: optimizers' counts and rates, schedules' steps.
    steps : list of list
        For each optimizer step, the tensors that it updated and the gradients that it saw.
    """

    def __init__(self, code: Any = None) -> None:
        self.ops: list[Op] = []
        self.tensors: dict[Node, tuple[Var, Var | None]] = {}
        self.host: list[tuple[Any, ...]] = []
        self.steps: list[list[tuple[Node, Var]]] = []
        self.states: list[tuple[Var, TracedArray]] = []
        self.rates: dict[tuple[Any, ...], tuple[TracedArray, ...]] = {}
        self.generators: dict[int, tuple[np.random.Generator, np.random.Generator]] = {}
        self.modules: dict[int, Module] = {}  # those that were called
        self._code, self._line = code, -1
        self._node: Node | None = None
        self._constants: dict[int, Var] = {}
        self._states: dict[tuple[int, int], dict[str, Any]] = {}
        self._written: dict[int, tuple[Any, TracedArray]] = {}
        self._made: dict[int, Node] = {}
        self._rewritten: dict[int, Node] = {}
        self._doing = ""  # the operation whose forward runs, or the optimizer
        self._alive: list[weakref.ref[Any]] = []
        self._before: list[Callable[[], Any]] = []  # how to put back what was changed

    # ------------------------------------------------------------------------------------- recording

    def record(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Call a function on the values, and write the call down; the result as traced arrays."""
        args, kwargs = mapped(tuple(args), self._operand), mapped(kwargs, self._operand)
        value = evaluate(function, args, kwargs, lambda var: var.value)
        inputs = list(vars_in((args, kwargs)))
        if all(var.is_constant for var in inputs) and function not in words.IMPURE:
            return self.constant(value) if isinstance(value, (np.ndarray, np.generic)) else value
        if function in WEAK and isinstance(value, np.generic) and _all_weak(args, inputs):
            value = value.item()  # Python numbers stay weak: they have no say in the dtype
        op = Op(function, args, kwargs, value, self.origin())
        self.ops.append(op)
        if isinstance(value, (tuple, list)):
            parts = [self.record(words.getitem, (TracedArray(self, op.out), k), {}) for k in range(len(value))]
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        owner = args[0] if function in words.VIEWS and np.may_share_memory(value, args[0].value) else None
        return self._wrapped(op.out, self._owner_of(owner))

    def _wrapped(self, var: Var, owner: TracedArray | None = None) -> TracedArray:
        array = TracedArray(self, var, owner)
        self._alive.append(weakref.ref(array))
        return array

    def _owner_of(self, var: Var | None) -> TracedArray | None:
        """The array in place of a tensor's data that has this value: a view of it must not outlive an update."""
        if var is None:
            return None
        found = (DATA.__get__(node) for node, (data, _) in self.tensors.items() if data is var)
        return next(found, None)

    def _operand(self, item: Any) -> Any:
        if isinstance(item, TracedArray):
            return item.var
        if isinstance(item, Node):
            return self._operand(item._data)
        if isinstance(item, np.ndarray):
            known = self._written.get(id(item))
            return known[1].var if known else self.constant(item).var
        return item

    def constant(self, array: Any) -> TracedArray:
        """An array that is the same at every call."""
        array = np.asarray(array)
        var = self._constants.get(id(array))
        if var is None:
            var = self._constants[id(array)] = Var(array, source=("constant", array))
        return TracedArray(self, var)

    def store(self, out: tuple[Any, ...], result: Any) -> Any:
        """What ``out=`` names has another value from now on."""
        (target,) = out
        if isinstance(target, TracedArray):
            fits = (result.shape, result.dtype) == (target.shape, target.dtype)
            value = result if fits else self.record(words.fitted_to, (result, target.shape, target.dtype), {})
            target.become(value.var)
            return target
        self._written[id(target)] = (target, result)
        return result

    def scatter(self, ufunc: np.ufunc, target: Any, key: Any, value: Any = None) -> None:
        """``ufunc.at``: an update in place of some elements."""
        result = self.record(words.scattered, (ufunc, target, key, value), {})
        self.store((target,), result)

    def origin(self) -> Origin:
        """Where the call that runs now came from; what the user calls the tensors there gives them names."""
        frame = users_frame()
        if frame is not None and frame.f_code is self._code and frame.f_lineno != self._line:
            self._line = frame.f_lineno
            for name, value in frame.f_locals.items():
                if isinstance(value, Node) and isinstance(data := DATA.__get__(value), TracedArray):
                    data._var.called = data._var.called or name
        if self._node is not None:
            made = DATA.__get__(self._node)._var.op
            if made is not None and made.origin is not None:
                asked = name_of(self._node._function)  # type: ignore[arg-type]  # no leaf
                return Origin(made.origin.file, made.origin.line, asked, backward=True)
        line = here() if frame is None else Origin(frame.f_code.co_filename, frame.f_lineno)
        return replace(line, operation=self._doing)

    def cannot(self, why: str, kind: type[CompileError] = CompileError) -> CompileError:
        """The error for what a trace can't hold."""
        place = here()
        return kind(f"tt.compile: {place}\n  {why}. Compute it with NumPy's functions, or outside.")

    # ---------------------------------------------------------------------------- what the engine tells

    def at(self, node: Node, g: Any) -> None:
        """The walk backward has come to a node."""
        self._node = node if node._function is not None else None
        if isinstance(g, TracedArray) and g._var.gradient_of is None and isinstance(node._data, TracedArray):
            g._var.gradient_of = node._data._var

    def done(self) -> None:
        """The walk backward is over."""
        self._node = None

    def watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A forward or a rule; one that looks at values is written down as a whole, as one call."""

        def run(*args: Any, **kwargs: Any) -> Any:
            mark, doing, written = len(self.ops), self._doing, dict(self._written)
            self._doing = doing or name_of(function)
            try:
                result = function(*args, **kwargs)
                if type(result) is np.ndarray and id(result) in self._written and id(result) not in written:
                    result = self._written[id(result)][1]  # it filled an array of its own
                elif self._written.keys() != written.keys():  # what became of such an array was not seen
                    raise self.cannot("an array made here is filled and then changed")
                if isinstance(result, TracedArray) and self._node is None and not result._var.hint:
                    result._var.hint = name_of(function)
                return result
            except Exception as error:
                if any(isinstance(arg, Node) for arg in args):
                    raise
                if self._node is None and isinstance(error, ShapeError):  # a gradient's shape is its operand's
                    raise
                del self.ops[mark:]
                self._written = written
                return self.record(function, args, kwargs)  # what is wrong with the values themselves is raised here
            finally:
                self._doing = doing

        return run

    def check(self, bad: Any, message: str) -> None:
        """Raise ValueError at any call where `bad` is true."""
        self.record(words.check, (bad, message), {})

    def random(self, generator: np.random.Generator, shape: tuple[int, ...]) -> TracedArray:
        """Random numbers, new ones at every call."""
        _, twin = self.generators.setdefault(id(generator), (generator, copy.deepcopy(generator)))
        op = Op(words.drawn, (generator, shape), {}, words.drawn(twin, shape), self.origin())
        op.out.hint = "random"
        self.ops.append(op)
        return TracedArray(self, op.out)

    def schedule(self, schedule: Any) -> None:
        """A schedule goes to its next epoch; the rate that it then writes is read at every call."""
        before, rate = dict(vars(schedule)), schedule.optimizer._lr

        def undo() -> None:
            vars(schedule).update(before)
            schedule.optimizer._lr = rate

        self._before.append(undo)
        self.host.append(("schedule", schedule))

    def optimizer_step(self, optimizer: Optimizer) -> None:
        """An optimizer's step, written down on its own rule."""
        stepped = []
        for position, p in enumerate(optimizer.parameters):
            if p._grad is None:
                continue
            state = self._state(optimizer, position)
            known = len(state)
            g = self._operand(p._grad)
            optimizer._begin(p._data, state)
            rates = self._rates(optimizer, position, p._data.dtype, optimizer._rates(state))
            a, b, _ = optimizer._rooms[position]
            self._doing = type(optimizer).__name__
            optimizer._update(p._data, p._grad, state, rates, a, b)
            self._doing = ""
            if len(state) != known:
                raise self.cannot(f"{type(optimizer).__name__}: parameter {position} has its first gradient only now")
            stepped.append((position, p, g))
        self.steps.append([(p, g) for _, p, g in stepped])
        self.host.append(("step", optimizer, [position for position, _, _ in stepped]))

    def _state(self, optimizer: Optimizer, position: int) -> dict[str, Any]:
        """The buffers of a parameter, with traced arrays in the place of arrays."""
        key = (id(optimizer), position)
        if key not in self._states:
            self._states[key] = {}
            for name, value in optimizer._state[position].items():
                if isinstance(value, np.ndarray):
                    var = Var(value, source=("state", optimizer, position, name), hint=name)
                    value = TracedArray(self, var)
                    self.states.append((var, value))
                self._states[key][name] = value
        return self._states[key]

    def _rates(self, optimizer: Optimizer, position: int, dtype: Any, values: tuple[float, ...]) -> Any:
        step = len(self.host)
        key = (step, id(optimizer), np.dtype(dtype), values)
        if key not in self.rates:
            self.rates[key] = tuple(
                TracedArray(self, Var(np.array(v, dtype), source=("rate", step, optimizer, position, k), hint=name))
                for k, (name, v) in enumerate(zip(optimizer._rate_names, values, strict=True))
            )
        return self.rates[key]

    # --------------------------------------------------------------------------------- reading tensors

    def data_of(self, node: Node) -> Any:
        """A tensor's data: those from outside are captured when they are first read."""
        data = DATA.__get__(node)
        if isinstance(data, StandIn) or id(node) in self._made:
            return data
        if type(data) is float:
            raise self.cannot("a Value is a single Python number; compile works on Tensors")
        grad = GRAD.__get__(node)
        var = Var(data, source=("tensor", node))
        var_grad = None if grad is None else Var(grad, source=("grad", node))
        self.tensors[node] = var, var_grad
        self._before.append(lambda: (DATA.__set__(node, data), GRAD.__set__(node, grad)))
        DATA.__set__(node, TracedArray(self, var))
        if var_grad is not None:
            GRAD.__set__(node, TracedArray(self, var_grad))
        return DATA.__get__(node)

    def grad_of(self, node: Node) -> Any:
        """A tensor's gradient; the tensor is captured with it."""
        self.data_of(node)
        return GRAD.__get__(node)

    def grad_written(self, node: Node) -> None:
        """A tensor is given a gradient, or None."""
        self.made(node)
        self._rewritten[id(node)] = node

    def made(self, node: Node) -> None:
        """A tensor is given data; one that had none was made by the function itself."""
        if node not in self.tensors and id(node) not in self._made:
            try:
                DATA.__get__(node)
            except AttributeError:
                self._made[id(node)] = node
                self._alive.append(weakref.ref(node))
            else:
                self.data_of(node)  # from outside: remember what it was

    @contextmanager
    def watching(self) -> Iterator[Trace]:
        """Watch this thread for a block; afterwards everything is as it was before."""
        with _one_at_a_time:
            for owner, name, watched in WATCHED:
                setattr(owner, name, watched)
            mode.tracer = self
            try:
                yield self
            except Exception as error:
                hidden = _reason(error)
                if hidden is not None and hidden is not error:  # NumPy says ValueError where float() is refused
                    raise hidden from None
                raise
            finally:
                mode.tracer = None
                for owner, name, watched in WATCHED:
                    setattr(owner, name, watched.slot)

    def results(self) -> tuple[dict[Node, Var], dict[Node, Var | None]]:
        """The data and the gradients of the captured tensors as the function left them, where it changed them."""
        data, grads = {}, {}
        for node, (before, grad_before) in self.tensors.items():
            now, grad = DATA.__get__(node)._var, GRAD.__get__(node)
            if now is not before:
                data[node] = now
            grad_now = None if grad is None else self._operand(grad)
            cleared = grad_now is None and id(node) in self._rewritten  # it may be there at the next call
            if cleared or grad_now is not grad_before:
                grads[node] = grad_now
        return data, grads

    def put_back(self) -> None:
        """Give every tensor, optimizer and schedule what it had before."""
        for undo in reversed(self._before):
            undo()
        self._before.clear()

    def leaked(self) -> list[Any]:
        """What still lives when all that is known was dropped: tensors, or arrays in their place."""
        for kept in (self._made, self._written, self._states, self._rewritten):
            kept.clear()
        self._node = None
        return [found for ref in self._alive if (found := ref()) is not None]


def _all_weak(args: tuple[Any, ...], inputs: list[Var]) -> bool:
    """Whether all operands are Python's own numbers."""
    plain = not any(isinstance(arg, np.ndarray | np.generic) for arg in args)
    return plain and all(type(var.value) is float for var in inputs)


def _reason(error: BaseException | None) -> CompileError | None:
    """The CompileError that another error was raised from."""
    while error is not None and not isinstance(error, CompileError):
        error = error.__cause__ or error.__context__
    return error


def _watched_rules(tracer: Trace, row: Rule) -> Any:
    return tuple(None if vjp is None else tracer.watched(vjp) for vjp in VJPS.__get__(row))


def _watched_arriving(tracer: Trace, row: Rule) -> Any:
    arriving = ARRIVING.__get__(row)
    if arriving is None:
        return None

    def named(*args: Any, **kwargs: Any) -> Any:
        result = tracer.watched(arriving)(*args, **kwargs)
        if isinstance(result, TracedArray) and not result._var.hint:
            result._var.hint = "arriving"
        return result

    return named


def _nothing(tracer: Trace, row: Rule) -> None:
    """Rules may be written while somebody watches."""


def _watched_call(tracer: Trace, module: Module) -> Any:
    tracer.modules[id(module)] = module
    return CALL.__get__(module)


WATCHED = (
    (Node, "_data", Watched(DATA, Trace.data_of, Trace.made)),
    (Node, "_grad", Watched(GRAD, Trace.grad_of, Trace.grad_written)),
    (Rule, "forward", Watched(FORWARD, lambda tracer, row: tracer.watched(FORWARD.__get__(row)), _nothing)),
    (Rule, "vjps", Watched(VJPS, _watched_rules, _nothing)),
    (Rule, "arriving", Watched(ARRIVING, _watched_arriving, _nothing)),
    (Module, "__call__", Watched(CALL, _watched_call, _nothing)),
)
"""What is watched for the whole process during a trace; other threads see no difference."""
