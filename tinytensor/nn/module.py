"""Module: a part of a network, which finds the parameters in its own attributes.

There is no registration and no special parameter type: a parameter is a leaf tensor that stands in an
attribute, in a list, tuple or dict there, or in another module there. So ``super().__init__()`` need
not be called. This file refuses to know any layer, loss or optimizer. Read next: ``layers.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from ..arrays import Array
from ..tensor import Tensor

_Named = tuple[str, "Module | Tensor"]


class Module:
    """A part of a network: parameters, smaller modules, and what they compute.

    Subclass it, put tensors and modules in attributes, and write ``forward``; calling the module calls
    that. Names follow the attributes, as in PyTorch: ``layers.0.weight`` is the weight of the first
    module in the list ``layers``. Sets and class attributes are not searched.

    Attributes
    ----------
    training : bool
        Whether the module is being trained (dropout acts) or used; see `train` and `eval`.

    Examples
    --------
    >>> import tinytensor as tt
    >>> class Line(tt.nn.Module):
    ...     def __init__(self):
    ...         self.slope = tt.Tensor(2.0, requires_grad=True)
    ...         self.offset = tt.Tensor(1.0, requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(tt.Tensor([0.0, 10.0])).tolist()
    [1.0, 21.0]
    >>> [name for name, _ in line.named_parameters()]
    ['slope', 'offset']
    """

    training: bool = True

    _changes: ClassVar[list[int]] = [0]  # how often an attribute of any module was set: a compiled step looks again

    def __setattr__(self, name: str, value: Any) -> None:
        Module._changes[0] += 1
        object.__setattr__(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What `forward` computes."""
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output. A subclass writes this."""
        name = type(self).__name__
        raise NotImplementedError(f"{name} has no forward method; write `def forward(self, x): …` in class {name}")

    # -------------------------------------------------------------------------------- what is inside

    def _fields(self) -> Iterable[tuple[str, Any]]:
        """What the search looks through, by name."""
        return vars(self).items()

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module under the name ``""``, then every module within it, each once."""
        return ((name, found) for name, found in _walk(self) if isinstance(found, Module))

    def modules(self) -> Iterator[Module]:
        """This module and every module within it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in this one, those in its lists and dicts included."""
        return ((name, found) for name, found in _members(self._fields()) if isinstance(found, Module))

    def children(self) -> Iterator[Module]:
        """The modules directly in this one, without their names."""
        return (module for _, module in self.named_children())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The name and the tensor of every parameter that requires a gradient, in order of definition.

        A parameter that is used in two places is given once, under the first name.
        """
        return ((name, found) for name, found in _walk(self) if isinstance(found, Tensor) and found.requires_grad)

    def parameters(self) -> list[Tensor]:
        """The parameters that require a gradient, in order of definition, each once.

        Examples
        --------
        >>> import tinytensor as tt
        >>> [p.shape for p in tt.nn.Linear(3, 2).parameters()]
        [(2, 3), (2,)]
        """
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters, before the next ``backward()`` adds to them."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in every module within; returns the module itself."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """The same as ``train(False)``: the network is now used, not trained.

        Examples
        --------
        >>> import tinytensor as tt
        >>> tt.nn.Sequential(tt.nn.Dropout(0.5)).eval()[0].training
        False
        """
        return self.train(False)

    # ---------------------------------------------------------------------------- saving, loading

    def state_dict(self) -> dict[str, Array]:
        """Copies of all leaf tensors' data by name, frozen ones (``requires_grad=False``) included.

        The arrays are copies, so that ``best = model.state_dict()`` stays what it was while training
        goes on. In PyTorch it changes with the model, which is a classic bug. A tensor that is used
        in two places has both names, as in PyTorch.

        Raises
        ------
        ValueError
            Where two tensors would have one name, for example under the dict keys ``1`` and ``"1"``.

        Examples
        --------
        >>> import tinytensor as tt
        >>> {name: array.shape for name, array in tt.nn.MLP(3, [4, 1]).state_dict().items()}
        {'layers.0.weight': (4, 3), 'layers.0.bias': (4,), 'layers.1.weight': (1, 4), 'layers.1.bias': (1,)}
        """
        return {name: np.array(tensor.data) for name, tensor in self._named_tensors().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> tuple[list[str], list[str]]:
        """Copy the values of `state` into the tensors of this module, each in its own dtype.

        Everything is checked before anything is written: a load that fails changes nothing.

        Parameters
        ----------
        state : mapping of str to array_like
            From `state_dict`, ``np.load`` or a PyTorch module's ``state_dict()``.
        strict : bool
            Whether missing and unexpected names are errors. Wrong shapes always are.

        Returns
        -------
        missing, unexpected : list of str
            Names that this module has and `state` has not, and the other way round.

        Raises
        ------
        TypeError
            Where `state` is not a mapping.
        ValueError
            One error with all names that are missing, unexpected, misshapen or of a dtype that can't be cast.

        Examples
        --------
        >>> import tinytensor as tt
        >>> layer = tt.nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": [[1, 2]]}, strict=False)
        (['bias'], [])
        >>> layer.weight.data
        array([[1., 2.]], dtype=float32)
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict: expected a mapping from names to arrays, got {type(state).__name__}")
        tensors = self._named_tensors()
        missing = [name for name in tensors if name not in state]
        unexpected = [str(name) for name in state if name not in tensors]
        loaded, wrong = _read({name: tensor for name, tensor in tensors.items() if name in state}, state)
        complaints = [f"missing: {', '.join(missing)}"] * bool(missing and strict)
        complaints += [f"unexpected: {', '.join(unexpected)}"] * bool(unexpected and strict) + wrong
        if complaints:
            hint = "" if wrong else "\n(strict=False ignores missing and unexpected names)"
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: the state does not fit; nothing was loaded\n  "
                + "\n  ".join(complaints)
                + hint
            )
        for name, array in loaded.items():
            tensors[name].data = array
        return missing, unexpected

    def _named_tensors(self) -> dict[str, Tensor]:
        """All leaf tensors by all their names."""
        found: dict[str, Tensor] = {}
        for name, tensor in _walk(self, repeats=True):
            if isinstance(tensor, Tensor):
                if name in found:
                    raise ValueError(f"{type(self).__name__}: two tensors have the name {name!r}; rename one")
                found[name] = tensor
        return found

    # -------------------------------------------------------------------------------- description

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr. A subclass may write this."""
        return ""

    def __repr__(self) -> str:
        return _tree(self, ())


def _members(fields: Iterable[tuple[Any, Any]], prefix: str = "", within: tuple[int, ...] = ()) -> list[_Named]:
    """The leaf tensors and modules among named values, those in lists, tuples and dicts included."""
    found: list[_Named] = []
    for key, value in fields:
        if isinstance(value, (Module, Tensor)):
            if isinstance(value, Module) or value.is_leaf:
                found.append((f"{prefix}{key}", value))
        elif isinstance(value, (list, tuple, dict)) and id(value) not in within:  # a list may hold itself
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            found += _members(inner, f"{prefix}{key}.", (*within, id(value)))
    return found


def _walk(module: Module, prefix: str = "", seen: set[int] | None = None, repeats: bool = False) -> list[_Named]:
    """A module and the modules and leaf tensors below it, by name; with `repeats`, by all of their names.

    Lists and no generators: modules may be changed by those who walk over them, and it is faster.
    """
    seen = set() if seen is None else seen
    seen.add(id(module))  # a module that holds its parent must not be walked in circles
    found: list[_Named] = [(prefix, module)]
    for name, member in _members(module._fields(), f"{prefix}." if prefix else ""):
        if id(member) in seen:
            continue
        if isinstance(member, Module):
            found += _walk(member, name, seen, repeats)
        else:
            if not repeats:
                seen.add(id(member))
            found.append((name, member))
    if repeats:
        seen.discard(id(module))
    return found


def _read(tensors: dict[str, Tensor], state: Mapping[str, Any]) -> tuple[dict[str, Array], list[str]]:
    """New arrays with the values for `tensors`, and in words what does not fit."""
    loaded, wrong = {}, []
    for name, tensor in tensors.items():
        value = state[name]
        try:
            # A parameter (ours or PyTorch's) must leave its graph before it can be an array.
            array = np.asarray(value.detach() if hasattr(value, "detach") else value)
        except (TypeError, ValueError, RuntimeError) as error:
            wrong.append(f"not an array: {name}: {error}")
            continue
        if array.shape != tensor.shape:
            wrong.append(f"misshapen: {name}: expected {tensor.shape}, got {array.shape}")
        elif not np.can_cast(array.dtype, tensor.dtype, "same_kind"):
            wrong.append(f"wrong dtype: {name}: expected {tensor.dtype}, got {array.dtype}")
        else:
            loaded[name] = np.empty_like(tensor.data, subok=False)  # in its layout: BLAS rounds another differently
            loaded[name][...] = array
    return loaded, wrong


def _tree(module: Module, above: tuple[Module, ...]) -> str:
    """The repr of a module and of what is in it, with numbers of parameters."""
    kind, extra = type(module).__name__, module.extra_repr()
    if any(module is other for other in above):
        return f"{kind}(…)"
    lines = [extra] if extra else []
    for name, child in module.named_children():
        lines.append(f"({name}): {_tree(child, (*above, module))}")
    is_leaf = len(lines) == bool(extra)
    inside = extra if is_leaf else "".join(f"\n  {line}" for line in "\n".join(lines).split("\n")) + "\n"
    return f"{kind}({inside}){_count(module)}"


def _count(module: Module) -> str:
    sizes = {True: 0, False: 0}
    for _, tensor in _walk(module):
        if isinstance(tensor, Tensor):
            sizes[tensor.requires_grad] += tensor.size
    text = f"  # {sizes[True]:,} parameter{'s' * (sizes[True] != 1)}" if any(sizes.values()) else ""
    return f"{text}, {sizes[False]:,} frozen" if sizes[False] else text
