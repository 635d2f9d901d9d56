"""What a checker has to know of a framework: three functions.

tinytensor, PyTorch and JAX are here; for your own engine write the same three. Nothing else in
`tinytensor.testing` knows one framework from another. Read next: ``gradcheck.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ..autograd import grad
from ..modes import enable_grad
from ..tensor import Tensor

Array = np.ndarray[Any, Any]
Pulled = Callable[..., tuple[Any, ...]]


class Framework(Protocol):
    """What a framework must offer to be checked or compared with.

    Examples
    --------
    A homework engine in three functions: here one that knows the square only, with a wrong rule.

    >>> from tinytensor.testing import gradcheck
    >>> class Homework:
    ...     name = "homework"
    ...     def tensor(self, array):
    ...         return array
    ...     def array(self, tensor):
    ...         return tensor
    ...     def pullback(self, fn, weights):
    ...         return lambda x: (weights[0] * x,)  # should be 2 x
    >>> gradcheck(lambda x: x**2, [1.0, 3.0], framework=Homework())
    Traceback (most recent call last):
        ...
    tinytensor.testing.errors.GradientError: the gradient of <lambda> is wrong in operand 0 ...
    """

    name: str

    def tensor(self, array: Array) -> Any:
        """An input of the framework, to be differentiated with respect to."""

    def array(self, tensor: Any) -> Array:
        """The values of one of its results."""

    def pullback(self, fn: Callable[..., Any], weights: Sequence[Array]) -> Pulled:
        """The function that maps inputs to the gradients of ``sum(weight * output)``.

        `fn` returns one tensor or a tuple; there is one weight for each. Where the framework can, the
        result is itself differentiable. An unused input has a gradient of zeros.
        """


class TinyTensor:
    """tinytensor itself."""

    name = "tinytensor"

    def tensor(self, array: Array) -> Any:
        """A leaf that requires a gradient."""
        return Tensor(array, requires_grad=array.dtype.kind == "f")

    def array(self, tensor: Any) -> Array:
        """Its data."""
        return np.asarray(tensor._data if isinstance(tensor, Tensor) else tensor)

    def pullback(self, fn: Callable[..., Any], weights: Sequence[Array]) -> Pulled:
        """`tinytensor.grad` of the weighted sum."""

        def pulled(*inputs: Any) -> tuple[Any, ...]:
            with enable_grad():
                outputs = as_tuple(fn(*inputs))
                parts = [(w * y).sum() for w, y in zip(weights, outputs, strict=True) if connected(y)]
                wanted = [x for x in inputs if x.requires_grad]
                found: Any = iter(())
                if parts:
                    found = iter(grad(sum(parts), wanted, create_graph=True, allow_unused=True))
                grads = [next(found, None) if x.requires_grad else None for x in inputs]
            return tuple(Tensor(np.zeros_like(x.data)) if g is None else g for g, x in zip(grads, inputs, strict=True))

        return pulled

    def backward(self, fn: Callable[..., Any], weights: Sequence[Array], inputs: Sequence[Any]) -> list[Array]:
        """The same by ``backward()``, which runs the rules on arrays and not on Tensors."""
        parts = [(w * y).sum() for w, y in zip(weights, as_tuple(fn(*inputs)), strict=True) if connected(y)]
        if parts:
            sum(parts).backward()
        return [np.zeros(x.shape) if x.grad is None else x.grad for x in inputs]


class Torch:
    """PyTorch, on the CPU."""

    name = "torch"

    def __init__(self) -> None:
        self.torch = optional("torch", "torch")

    def tensor(self, array: Array) -> Any:
        """A leaf that requires a gradient."""
        return self.torch.tensor(
            np.ascontiguousarray(array).reshape(array.shape), requires_grad=array.dtype.kind == "f"
        )

    def array(self, tensor: Any) -> Array:
        """Its values."""
        return tensor.numpy(force=True) if isinstance(tensor, self.torch.Tensor) else np.asarray(tensor)

    def pullback(self, fn: Callable[..., Any], weights: Sequence[Array]) -> Pulled:
        """``torch.autograd.grad`` with the weights as upstream gradients."""
        torch = self.torch

        def pulled(*inputs: Any) -> tuple[Any, ...]:
            pairs = [
                (y, torch.as_tensor(w)) for y, w in zip(as_tuple(fn(*inputs)), weights, strict=True) if y.requires_grad
            ]
            wanted = [x for x in inputs if x.requires_grad]
            found: Any = iter(())
            if pairs:
                outputs, upstream = zip(*pairs, strict=True)
                found = iter(torch.autograd.grad(outputs, wanted, upstream, create_graph=True, allow_unused=True))
            grads = [next(found, None) if x.requires_grad else None for x in inputs]
            return tuple(torch.zeros_like(x) if g is None else g for g, x in zip(grads, inputs, strict=True))

        return pulled


class Jax:
    """JAX, on the CPU, in float64 where asked (``jax_enable_x64`` is switched on)."""

    name = "jax"

    def __init__(self) -> None:
        self.jax = optional("jax", "jax")
        self.jax.config.update("jax_enable_x64", True)

    def tensor(self, array: Array) -> Any:
        """A JAX array."""
        return self.jax.numpy.asarray(array)

    def array(self, tensor: Any) -> Array:
        """Its values."""
        return np.asarray(tensor)

    def pullback(self, fn: Callable[..., Any], weights: Sequence[Array]) -> Pulled:
        """``jax.vjp`` with the weights as cotangents."""

        def pulled(*inputs: Any) -> tuple[Any, ...]:
            _, back = self.jax.vjp(lambda *xs: as_tuple(fn(*xs)), *inputs)
            return tuple(back(tuple(self.jax.numpy.asarray(w) for w in weights)))

        return pulled


FRAMEWORKS: dict[str, Callable[[], Any]] = {"tinytensor": TinyTensor, "torch": Torch, "jax": Jax}


def framework_of(given: Any) -> Any:
    """A framework by its name, or one that you wrote, checked for its three functions.

    Examples
    --------
    >>> framework_of("tinytensor").name
    'tinytensor'
    """
    if isinstance(given, str):
        if given not in FRAMEWORKS:
            raise ValueError(
                f"framework: expected one of {', '.join(FRAMEWORKS)}, or an object of yours; got {given!r}"
            )
        return FRAMEWORKS[given]()
    missing = [name for name in ("tensor", "array", "pullback") if not callable(getattr(given, name, None))]
    if missing:
        raise TypeError(
            f"framework: {type(given).__name__} lacks {', '.join(missing)}; see tinytensor.testing.Framework"
        )
    return given


def as_tuple(outputs: Any) -> tuple[Any, ...]:
    """One output as a tuple of one."""
    return tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)


def connected(output: Any) -> bool:
    """Whether a tinytensor result has a graph."""
    return bool(getattr(output, "requires_grad", False))


def optional(module: str, package: str) -> Any:
    """Import an optional library, or say what to install."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f"{module} is not installed; pip install {package}") from None
