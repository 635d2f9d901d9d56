"""Names: what parameters are called, and the modules that hold them, found in the model's attributes.

It knows our modules and the lecture's own classes, which have ``parameters()`` and nothing else. Read next:
``modules.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..nn.module import Module
from ..node import Node


def names_of(model: Any, params: Any, caller: str) -> dict[Node, str]:
    """The name of each parameter, from a model, a mapping from names, or pairs or tensors in a row."""
    found: dict[Node, str] = {}
    if model is not None:
        for name, tensor in members_of(model, caller):
            if isinstance(tensor, Node):
                found.setdefault(tensor, name)
    for name, tensor in _given(params):
        if not isinstance(tensor, Node):
            raise TypeError(
                f"{caller}: params= takes tensors, pairs (name, tensor) or a dictionary of tensors; got "
                f"{type(tensor).__name__}"
            )
        found.setdefault(tensor, name or tensor.label)
    return found


def _given(params: Any) -> Iterable[tuple[str, Any]]:
    """The pairs of a name and a tensor that a user gave, the name empty where there is none."""
    if params is None:
        return ()
    if isinstance(params, Mapping):
        return ((str(name), tensor) for name, tensor in params.items())
    if isinstance(params, Node):
        return (("", params),)
    return ((str(p[0]), p[1]) if isinstance(p, tuple) and len(p) == 2 else ("", p) for p in params)


def members_of(model: Any, caller: str) -> list[tuple[str, Any]]:
    """The modules and leaf tensors within a model by name, the model itself first, under the name ``""``."""
    if isinstance(model, Module):
        return [*model.named_modules(), *model._named_tensors().items()]
    if not is_module(model):
        raise TypeError(f"{caller}: model= takes a module, something with parameters(); got {type(model).__name__}")
    return list(_walk(model, "", set()))


def is_module(value: Any) -> bool:
    """Whether something is a module: ours, or one written as in the lecture."""
    return not isinstance(value, type) and callable(getattr(value, "parameters", None)) and hasattr(value, "__dict__")


def _walk(value: Any, name: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """What is within a value, through attributes, lists and dictionaries, each once."""
    if id(value) in seen:
        return
    seen.add(id(value))
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Node):
        if value.is_leaf:
            yield name, value
    elif is_module(value):
        yield name, value
        inside = vars(value).items()
    elif isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, (list, tuple)):
        inside = enumerate(value)
    for key, member in inside:
        yield from _walk(member, f"{name}.{key}" if name else str(key), seen)
