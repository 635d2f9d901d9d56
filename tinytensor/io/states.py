"""The state of what takes part in a training, as a tree of plain values and arrays: taken, put back, written as JSON.

A part is a module, a random generator, or whatever has ``state_dict`` and ``load_state_dict``: an optimizer, a
schedule, batches, a class of your own. It knows no file. Read next: ``checkpoints.py``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import creation
from ..arrays import Array
from ..data import at_state
from ..nn.module import Module
from .errors import shown

ARRAY = "$array"  # in the JSON, {"$array": name} stands in the place of an array
FAULTS = (ValueError, TypeError, LookupError, AttributeError, OverflowError)  # what a wrong state makes a part raise


# ------------------------------------------------------------------------------------ taken and put back


def check_parts(owner: str, parts: Mapping[str, Any]) -> None:
    """Nothing, where every part is something with a state."""
    for name, part in parts.items():
        if isinstance(part, np.random.Generator):
            continue
        if isinstance(part, type) or not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
            hint = "expected a module, an optimizer, a schedule, batches, a numpy.random.Generator or the like"
            if isinstance(part, (int, float, str, list, tuple, dict, np.ndarray, type(None))):
                hint = "plain values go into values={…}"
            raise TypeError(f"{owner}: {name} is {shown(part)}, which has no state; {hint}")


def taken(part: Any) -> Any:
    """The state of a part, in copies."""
    if isinstance(part, np.random.Generator):
        return part.bit_generator.state
    if isinstance(part, Module):
        generators = {name: generator.bit_generator.state for name, generator in _generators(part).items()}
        return {"tensors": part.state_dict(), "generators": generators}
    return part.state_dict()


def put_back(part: Any, state: Any) -> None:
    """Have a part take a state, or raise one of `FAULTS` and leave it as it was."""
    if isinstance(part, np.random.Generator):
        part.bit_generator.state = at_state(part, state).bit_generator.state
    elif isinstance(part, Module):
        generators = _generators(part)
        if state["generators"].keys() != generators.keys():
            raise ValueError(
                f"the generators in the modules differ: saved {sorted(state['generators'])}, here {sorted(generators)}"
            )
        new = {name: at_state(g, state["generators"][name]) for name, g in generators.items()}
        part.load_state_dict(state["tensors"])
        for name, generator in generators.items():
            generator.bit_generator.state = new[name].bit_generator.state
    else:
        part.load_state_dict(state)


def default_state() -> Any:
    """The state of the generator that `manual_seed` seeds; None as long as nothing was drawn from it."""
    return None if creation._default is None else creation._default.bit_generator.state


def put_back_default(state: Any) -> None:
    """Set the generator that `manual_seed` seeds, which stays the same object: a compiled step knows it."""
    if state is not None:
        put_back(creation.rng(), state)


@contextlib.contextmanager
def unchanged(**parts: Any) -> Iterator[None]:
    """Whatever happens within, the parts are afterwards as they were before; gradients are not kept.

    Its use is to compile a step before a training begins or continues. The first call of a compiled step runs as it is
    written, the later ones run the source, and the two may round differently. Where every process makes its first calls
    here, the same steps are rounded alike, whether the training was interrupted or not.

    Parameters
    ----------
    **parts : Module, Optimizer, LRScheduler, Batches, numpy.random.Generator, or the like
        All that the code within changes. The generator of `manual_seed` is kept without being named.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from tinytensor.io import unchanged
    >>> model = tt.nn.Linear(2, 1)
    >>> opt = tt.optim.Adam(model.parameters())
    >>> @tt.compile
    ... def step(x):
    ...     opt.zero_grad()
    ...     loss = (model(x) ** 2).mean()
    ...     loss.backward()
    ...     opt.step()
    >>> before = model.weight.tolist()
    >>> with unchanged(model=model, optimizer=opt):
    ...     step(np.ones((8, 2), np.float32))
    >>> model.weight.tolist() == before
    True
    """
    check_parts("unchanged", parts)
    with rolled_back(parts, always=True):
        yield


@contextlib.contextmanager
def rolled_back(parts: Mapping[str, Any], always: bool = False) -> Iterator[None]:
    """Put all parts back where what is done within fails, or always."""
    before, default = {name: taken(part) for name, part in parts.items()}, default_state()
    done = False
    try:
        yield
        done = not always
    finally:
        if not done:
            for name, state in before.items():
                put_back(parts[name], state)
            put_back_default(default)


def _generators(module: Module) -> dict[str, np.random.Generator]:
    """The random generators that stand in attributes of a module and of those in it (dropout has one), by name."""
    return {
        f"{name}.{attribute}" if name else attribute: value
        for name, inner in module.named_modules()
        for attribute, value in vars(inner).items()
        if isinstance(value, np.random.Generator)
    }


# --------------------------------------------------------------------------------------- as JSON


def packed(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """`value` as JSON can hold it; its arrays go to `arrays`, under `name` and what leads to them."""
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        if name in arrays:
            raise ValueError(f"two arrays would have the name {shown(name)}; rename one")
        arrays[name] = value
        return {ARRAY: name}
    if isinstance(value, (list, tuple)):
        return [packed(item, f"{name}.{position}", arrays) for position, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or key == ARRAY:
                raise TypeError(f"{name}: the key {shown(key)} can't be saved; keys are strings")
        return {key: packed(item, f"{name}.{key}", arrays) for key, item in value.items()}
    kind = type(value).__name__
    raise TypeError(f"{name} is of type {kind}, which can't be saved; give numbers, strings, arrays, lists and dicts")


def packed_part(state: Any, name: str, arrays: dict[str, Array]) -> Any:
    """The state of a part as JSON; a module's arrays get its name and their own, with nothing between."""
    if isinstance(state, dict) and state.keys() == {"tensors", "generators"}:
        tensors = packed(state["tensors"], name, arrays)
        return {"tensors": tensors, "generators": packed(state["generators"], f"{name}/generators", arrays)}
    return packed(state, name, arrays)


def unpacked(value: Any, arrays: Mapping[str, Array]) -> Any:
    """What was `packed`; tuples have become lists."""
    if isinstance(value, list):
        return [unpacked(item, arrays) for item in value]
    if isinstance(value, dict):
        if ARRAY in value:
            return arrays[value[ARRAY]]
        return {key: unpacked(item, arrays) for key, item in value.items()}
    return value
