"""The decorator that makes a function of NumPy arrays an operation with a gradient rule of its own.

tinytensor's own primitives are made with it (``primitives.py``), and so are yours.
Read next: ``primitives.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .calls import holds_node
from .engine import apply
from .modes import mode
from .rules.table import everywhere, rule


class primitive:
    """Make a function of NumPy arrays an operation with a gradient rule of its own.

    The equivalent of PyTorch's ``autograd.Function``. The function is called with plain arrays; its
    rule is given with `defvjp`.

    Parameters
    ----------
    function : callable
        Computes one array from arrays (and other arguments), and changes none of them.

    Examples
    --------
    The Legendre polynomial of degree 3, as in PyTorch's tutorial:

    >>> import tinytensor as tt
    >>> @tt.primitive
    ... def legendre3(x):
    ...     return 0.5 * (5 * x**3 - 3 * x)
    >>> _ = legendre3.defvjp(lambda g, out, x: g * 1.5 * (5 * x**2 - 1))
    >>> x = tt.Tensor([0.0, 0.5, 1.0], requires_grad=True)
    >>> legendre3(x).sum().backward()
    >>> x.grad
    array([-1.5  ,  0.375,  6.   ])
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.forward = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on arrays; record where an argument is a Tensor."""
        if any(holds_node(arg) for arg in (*args, *kwargs.values())):
            return apply(self, args, kwargs)
        forward = self.forward if mode.tracer is None else mode.tracer.watched(self.forward)
        return forward(*args, **kwargs)

    def defvjp(self, *vjps: Callable[..., Any] | None, broadcasts: bool = False) -> primitive:
        """Give the rule: one entry per array argument.

        Parameters
        ----------
        *vjps : callable or None
            ``vjp(g, out, *args, **kwargs)`` takes the gradient arriving at the output, the output
            and the arguments, and returns the gradient of its own argument. Written with NumPy's
            functions it is itself differentiable. ``None`` says that there is no gradient.
        broadcasts : bool
            Whether the operands broadcast to the shape of the output, as in a ufunc. A rule may
            then return the output's shape and the engine sums it down.

        Returns
        -------
        primitive
            The primitive itself.

        Examples
        --------
        >>> import tinytensor as tt
        >>> scale = tt.primitive(lambda x, k: x * k)
        >>> _ = scale.defvjp(lambda g, out, x, k: g * k, None, broadcasts=True)
        >>> x = tt.Tensor(3.0, requires_grad=True)
        >>> scale(x, 2.0).backward()
        >>> x.grad
        array(2.)
        """
        rule(self, *vjps, forward=self.forward, spread=everywhere if broadcasts else None)
        return self

    def __reduce__(self) -> str:
        return str(self.__qualname__)  # type: ignore[attr-defined]  # update_wrapper sets it

    def __repr__(self) -> str:
        return f"<primitive {self.__name__}>"  # type: ignore[attr-defined]  # as above
