"""Optimizer: the walk over the parameters, and what every optimizer saves and loads.

It knows no update rule: those are the subclasses' `_update`, one parameter at a time, on plain
arrays. Read next: ``optimizers.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from ..modes import mode
from ..node import stamp
from ..tensor import Tensor
from .checks import keys, listed, named, number, trainable, whole, writable

Array = np.ndarray[Any, Any]
State = dict[str, Any]


@lru_cache(maxsize=256)
def numbers(dtype: np.dtype[Any], *values: float) -> tuple[Array, ...]:
    """The numbers as 0-d arrays of `dtype`: NumPy multiplies by one in a third of the time of a Python float."""
    return tuple(np.array(value, dtype) for value in values)


PIECE = 65_536  # elements: 256 KiB of float32 to work in, in place of what the largest parameter takes


def rooms(arrays: list[Array]) -> list[Array]:
    """For each array, memory of its shape, dtype and layout for a result on the way.

    All share one buffer, as large as the largest: only one parameter is updated at a time, and memory
    that was just used is in the processor's cache.
    """
    buffer = np.empty(max(array.nbytes for array in arrays), np.uint8)
    return [np.ndarray(a.shape, a.dtype, buffer, strides=np.empty_like(a).strides) for a in arrays]


def lie_alike(*arrays: Any) -> bool:
    """Whether those that are arrays lie in memory without gaps and in one order, so that `ravel` is a view of each."""
    flags = [array.flags for array in arrays if isinstance(array, np.ndarray)]
    return all(f.c_contiguous for f in flags) or all(f.f_contiguous for f in flags)


class Optimizer:
    """What all optimizers share: the list of parameters, the learning rate, and the walk over them.

    A new optimizer is a subclass with `_update`, the names of its options and buffers, and `_checked`.

    Parameters
    ----------
    parameters : iterable of Tensor
        Leaves that require a gradient, each once.
    **options : Any
        The hyperparameters; each becomes an attribute.

    Attributes
    ----------
    parameters : list of Tensor
        What is updated.
    lr : float
        The learning rate. Assign to it at any time; a schedule does.
    """

    _options: ClassVar[tuple[str, ...]] = ("lr",)
    _buffers: ClassVar[tuple[str, ...]] = ()
    _optional: ClassVar[tuple[str, ...]] = ()
    _rate_names: ClassVar[tuple[str, ...]] = ("lr",)
    _elementwise: ClassVar[bool] = False  # whether `_update` may be called for a part of the elements

    def __init__(self, parameters: Iterable[Tensor], **options: Any) -> None:
        self.parameters = listed(type(self).__name__, parameters)
        trainable(type(self).__name__, self.parameters)
        self._configure(self._checked(options))
        self._state: list[State] = [{} for _ in self.parameters]
        arrays = [np.asarray(p._data) for p in self.parameters]
        large = [self._elementwise and array.size > PIECE for array in arrays]
        self._rooms = list(zip(rooms(arrays), rooms(arrays), large, strict=True))

    @property
    def lr(self) -> float:
        """The learning rate, a float."""
        return self._lr

    @lr.setter
    def lr(self, value: Any) -> None:
        self._lr = self.initial_lr = number(type(self).__name__, "lr", value)  # schedules start from the initial one

    def zero_grad(self) -> None:
        """Forget the gradients: every ``grad`` becomes None (0.0 for a Value).

        Examples
        --------
        >>> import tinytensor as tt
        >>> w = tt.Tensor([1.0, 2.0], requires_grad=True)
        >>> (w**2).sum().backward()
        >>> tt.optim.SGD([w], lr=0.1).zero_grad()
        >>> w.grad is None
        True
        """
        for p in self.parameters:
            p._grad = 0.0 if type(p._data) is float else None

    def step(self) -> None:
        """Update every parameter in place, from its gradient; one whose ``grad`` is None stays as it is.

        A graph that was built on the old values can't be walked any more: see `Tensor.backward`.
        """
        if mode.tracer is not None:
            return mode.tracer.optimizer_step(self)
        dtype = time = None
        rates: tuple[Array, ...] = ()
        changed = []
        try:
            for p, state, (a, b, large) in zip(self.parameters, self._state, self._rooms, strict=True):
                data, g = p._data, p._grad
                if g is None:
                    continue
                if type(data) is float:  # a Value's number can't change in place
                    data, g = np.array(data), np.array(g)
                self._begin(data, state)
                if data.dtype is not dtype or state.get("step") != time:  # nearly always as for the one before
                    dtype, time = data.dtype, state.get("step")
                    rates = numbers(dtype, *self._rates(state))
                if large and self._is_settled(state) and lie_alike(data, g, *state.values()):
                    self._update_in_pieces(data, g, state, rates, a, b)
                else:
                    self._update(data, g, state, rates, a, b)
                if type(p._data) is float:
                    p.data = data
                else:
                    changed.append(p._version)
        except ValueError:
            writable(type(self).__name__, self.parameters)  # NumPy's words don't say which parameter is read-only
            raise
        finally:
            stamp(changed)

    def _begin(self, p: Array, state: State) -> None:
        """Make the buffers of a parameter at its first step, and count the steps where they are counted."""

    def _rates(self, state: State) -> tuple[float, ...]:
        """The numbers of this step, by the names in `_rate_names`: what may change from step to step.

        Of the state they may depend on the parameter's step alone: they are looked up once for all that have the same.
        """
        return (self._lr,)

    def _update(self, p: Array, g: Array, state: State, rates: tuple[Array, ...], a: Array, b: Array) -> None:
        """Change `p` by its gradient `g`, which is only read; `a` and `b` are memory to work in."""
        raise NotImplementedError(f"{type(self).__name__} has no _update")

    def _is_settled(self, state: State) -> bool:
        """Whether a parameter has all of its buffers, so that `_update` makes no new one."""
        return True

    def _update_in_pieces(self, p: Array, g: Array, state: State, rates: tuple[Array, ...], a: Array, b: Array) -> None:
        """`_update` piece by piece: what it works in stays small, where a parameter is large."""
        flat = {name: value.ravel("K") for name, value in state.items() if isinstance(value, np.ndarray)}
        p, g, a, b = p.ravel("K"), g.ravel("K"), a.ravel("K"), b.ravel("K")
        for start in range(0, p.size, PIECE):
            piece = slice(start, start + PIECE)
            part, buffers = p[piece], {name: value[piece] for name, value in flat.items()}
            self._update(part, g[piece], {**state, **buffers}, rates, a[: part.size], b[: part.size])

    # ------------------------------------------------------------------------- saving and loading

    def state_dict(self) -> dict[str, Any]:
        """The hyperparameters and buffers, as plain numbers and copies of arrays.

        Returns
        -------
        dict
            ``"optimizer"``: the name of the class; ``"options"``: a dict of numbers; ``"state"``: for each
            parameter that was updated, by its position as a string, a dict of buffers; ``"initial_lr"``: what a
            schedule that is made from now on starts from.

        Examples
        --------
        >>> import tinytensor as tt
        >>> w = tt.Tensor([1.0, 2.0], requires_grad=True)
        >>> optimizer = tt.optim.SGD([w], lr=0.1, momentum=0.9)
        >>> (w**2).sum().backward()
        >>> optimizer.step()
        >>> optimizer.state_dict()["state"]
        {'0': {'velocity': array([2., 4.])}}
        """
        buffers = {
            str(position): {name: value if name == "step" else value.copy() for name, value in state.items()}
            for position, state in enumerate(self._state)
            if state
        }
        options = {name: getattr(self, name) for name in self._options}
        initial = self.initial_lr
        return {"optimizer": type(self).__name__, "options": options, "state": buffers, "initial_lr": initial}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take hyperparameters and copies of buffers from a `state_dict`; an error leaves everything as it was.

        Parameters
        ----------
        state : dict
            From an optimizer of the same class, over parameters of the same shapes in the same order.

        Raises
        ------
        TypeError, ValueError
            Where something is missing, unknown or misshapen.

        Examples
        --------
        >>> import tinytensor as tt
        >>> w = tt.Tensor([1.0, 2.0], requires_grad=True)
        >>> saved = tt.optim.Adam([w], lr=0.5).state_dict()
        >>> optimizer = tt.optim.Adam([w])
        >>> optimizer.load_state_dict(saved)
        >>> optimizer.lr
        0.5
        """
        owner = type(self).__name__
        keys(owner, "the state", state, ("optimizer", "options", "state"), optional=("initial_lr",))
        if state["optimizer"] != owner:
            raise ValueError(f"{owner}: the state is that of {state['optimizer']}; load it into one of these")
        keys(owner, "the options", state["options"], self._options)
        options = self._checked(state["options"])
        positions = [str(position) for position in range(len(self.parameters))]
        keys(owner, "the buffers by parameter", state["state"], (), optional=positions)
        loaded = [self._loaded(k, state["state"].get(name, {})) for k, name in enumerate(positions)]
        initial = number(owner, "initial_lr", state.get("initial_lr", options["lr"]))
        self._configure(options)  # all is checked: from here on nothing fails
        self._state = loaded
        self.initial_lr = initial

    def _loaded(self, position: int, saved: State) -> State:
        """Checked copies of the buffers of one parameter."""
        owner, p = type(self).__name__, self.parameters[position]
        if saved:  # all or none: a parameter that never had a gradient has none
            keys(owner, f"the buffers of {named(position, p)}", saved, self._buffers, self._optional)
        loaded: State = {}
        for name, value in saved.items():
            if name == "step":
                loaded[name] = whole(owner, "step", value, 1)
                continue
            if np.shape(value) != np.shape(p._data):
                raise ValueError(f"{owner}: {name} of {named(position, p)} has shape {np.shape(value)}")
            loaded[name] = np.empty_like(p._data)
            np.copyto(loaded[name], value, casting="same_kind")
        return loaded

    def _configure(self, options: dict[str, Any]) -> None:
        for name, value in options.items():
            setattr(self, name, value)

    def _checked(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options, each a number or flag in its range; a subclass checks its own and asks for the rest here."""
        owner = type(self).__name__
        return options | {
            name: number(owner, name, options[name]) for name in ("lr", "weight_decay") if name in options
        }

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={getattr(self, name)}" for name in self._options)
        return f"{type(self).__name__}({len(self.parameters)} parameters, {options})"
