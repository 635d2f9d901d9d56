"""Find the operation that made a NaN or an infinity: forward or backward, by name, with its operands and your line.

`detect_anomaly` looks at every result and at every gradient, so it is slow, and for a search only. While it is on,
it stands in the places that the engine goes through anyway: the rows of the rule table, the walk, the making of a
node. Outside of it nothing is there, and nothing is paid. It refuses to mend anything. Read next:
``nonfinite.py``.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import engine
from .calls import operands, plain_args
from .lines import MOST, line_of, record_lines
from .modes import mode
from .node import Node
from .nonfinite import first_bad, kind_of, look_forward, named_args, operand_names, place_of, there, words
from .rules.table import RULES, Rule, name_of
from .value import Value


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Raise at the first operation that makes a NaN or an infinity, forward or backward.

    The error names the operation, the line of your code that called it, where the first such element is, and what the
    operands were. Numbers that were not finite when they were given are named too: a NaN in the data or in a
    parameter. Infinities on purpose, such as a mask of -inf, pass, until an operation makes a NaN of them.

    Also caught here, and here only: elements written into arrays that were used (``t.data[0] = 5`` between the forward
    pass and ``backward()``).

    Steps of `tt.compile` run operation by operation, as if they were not compiled. Everything is several times
    slower. Per thread.

    Raises
    ------
    AnomalyError
        A ``FloatingPointError``, raised by the operation or by ``backward()``.

    Notes
    -----
    PyTorch's ``torch.autograd.detect_anomaly`` looks for NaN in backward only, and shows the traceback of the forward
    call; HIPS autograd and JAX (``jax_debug_nans``) look at results.

    Examples
    --------
    >>> import numpy as np, tinytensor as tt
    >>> x = tt.Tensor([1.0, 0.0], requires_grad=True)
    >>> with tt.detect_anomaly():
    ...     np.sqrt(x).sum().backward()
    Traceback (most recent call last):
        ...
    tinytensor.AnomalyError: backward of sqrt: the gradient of x has inf at [1], where x is 0.0; what arrives is finite
      line: <doctest tinytensor.anomaly.detect_anomaly[2]>:2: np.sqrt(x).sum().backward()
      x: shape (2,), float64, from 0.0 to 1.0
      arriving gradient: shape (2,), float64, from 1.0 to 1.0
    """
    _install()
    before, mode.checking = mode.checking, True
    try:
        with record_lines(), np.errstate(all="ignore"):  # NumPy's warnings would come before the better words
            yield
    finally:
        mode.checking = before
        _remove()


# ---------------------------------------------------------------------------------------------- forward


def _checked_forward(row: Rule, forward: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the table that looks at its result."""

    def call(*args: Any, **kwargs: Any) -> Any:
        out = forward(*args, **kwargs)
        named = named_args(row, list(args))
        if kind_of(out):
            look_forward(row, out, named)
        return out

    return call


def _look_at_node(node: Node) -> None:
    """A node was recorded: remember what its arrays hold, and look at a Value's number."""
    row = RULES.get(node._function)  # type: ignore[arg-type]  # a Value written by hand has no row
    if row is None:
        return
    if isinstance(node, Value) and kind_of(node._data):
        look_forward(row, node._data, named_args(row, plain_args(node)))
    _contents[node._time] = _digest(node)
    if len(_contents) > MOST:
        _contents.pop(next(iter(_contents)), None)


_contents: dict[int, list[bytes]] = {}  # what the arrays of a node held, by the node's time


def _digest(node: Node) -> list[bytes]:
    """A fingerprint of a node's arrays: its result and its operands."""
    arrays = [node._data, *(operand._data for operand in node._operands)]
    return [hashlib.blake2b(np.ascontiguousarray(a).tobytes(), digest_size=16).digest() for a in arrays]


# --------------------------------------------------------------------------------------------- backward


def _checked_chain_rule(
    node: Node, g: Any, needed: set[Node] | None = None, create_graph: bool = False
) -> list[tuple[Node, Any]]:
    """The engine's chain rule, which looks at what comes out."""
    if not mode.checking:
        return _plain_chain_rule(node, g, needed, create_graph)
    row = RULES[node._function]  # type: ignore[index]  # who passes a gradient on was made by something
    plain_g = g._data if isinstance(g, Node) else g
    if kind_of(plain_g):
        raise words(
            f"backward of {name_of(row.function)}: the gradient it starts from has {place_of(plain_g)}",
            line_of(node),
            [],
        )
    named = named_args(row, plain_args(node))
    try:
        parts = _plain_chain_rule(node, g, needed, create_graph)
    except ArithmeticError as error:  # Python's floats refuse what NumPy's make infinite
        raise words(f"backward of {name_of(row.function)}: {error}", line_of(node), named) from None
    _look_for_writes(node, row)
    names = {id(operand): name for (_, _, operand), name in zip(operands(node), operand_names(row, node), strict=True)}
    for operand, part in parts:
        part = part._data if isinstance(part, Node) else part
        if kind_of(part):
            at = there(row, np.shape(part), first_bad(part), named) if np.shape(part) == np.shape(node._data) else ""
            raise words(
                f"backward of {name_of(row.function)}: the gradient of {names[id(operand)]} has {place_of(part)}{at}; "
                "what arrives is finite",
                line_of(node),
                [*named, ("arriving gradient", plain_g)],
            )
    return parts


_plain_chain_rule = engine.chain_rule


def _look_for_writes(node: Node, row: Rule) -> None:
    """Raise where an array has other elements than at the forward pass."""
    before = _contents.get(node._time)
    if before is None:
        return
    for k, (then, now) in enumerate(zip(before, _digest(node), strict=True)):
        if then != now:
            which = "its result" if not k else f"its operand {operand_names(row, node)[k - 1]}"
            data = node._data if not k else node._operands[k - 1]._data
            raise words(
                f"{name_of(row.function)}: elements of {which} were written after the forward pass, so the gradient "
                "would be wrong; run forward again before backward, or write into a copy",
                line_of(node),
                [(which, data)],
            )


def _walk_of_value(self: Value, gradient: Any = None) -> None:
    """Backward of a Value, one checked step of the chain rule at a time."""
    if not mode.checking:
        return _plain_walk(self, gradient)
    order: list[Any] = engine.newest_first(self)
    for node in order:
        if node._function is not None:
            node._grad = 0.0
    self._grad += 1.0 if gradient is None else float(gradient)
    for node in order:
        node._backward()
    return None


_plain_walk = Value.backward


# ------------------------------------------------------------------------------ coming, and going again


class _Slot(property):
    """A slot of the nodes that tells what is written into it."""

    def __init__(self, slot: Any, put: Callable[[Any], None]) -> None:
        def write(owner: Any, value: Any) -> None:
            slot.__set__(owner, value)
            if value and mode.checking:
                put(owner)

        super().__init__(slot.__get__, write)


FORWARD, OPERANDS = Rule.__dict__["forward"], Node.__dict__["_operands"]
_users = 0
_changing = threading.RLock()


def _read_forward(row: Rule) -> Any:
    forward = FORWARD.__get__(row)
    return _checked_forward(row, forward) if mode.checking else forward


STOOD: tuple[tuple[Any, str, Any, Any], ...] = (
    (Rule, "forward", FORWARD, property(_read_forward, FORWARD.__set__)),
    (Node, "_operands", OPERANDS, _Slot(OPERANDS, _look_at_node)),
    (engine, "chain_rule", _plain_chain_rule, _checked_chain_rule),
    (Value, "backward", _plain_walk, _walk_of_value),
)
"""Who looks where: the owner, the name, what is there, and what stands there while any thread looks."""


def _install() -> None:
    global _users
    with _changing:
        _users += 1
        for owner, name, _, checked in STOOD:
            setattr(owner, name, checked)


def _remove() -> None:
    global _users
    with _changing:
        _users -= 1
        if not _users:
            _contents.clear()
            for owner, name, plain, _ in STOOD:
                setattr(owner, name, plain)
