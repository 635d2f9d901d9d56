"""What the plots share: colours that colour-blind people tell apart, new axes, and plain arrays of what is given.

It knows nothing of what is drawn. Read next: ``plot_curves.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..tensor import Tensor

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

# Okabe and Ito, "Color Universal Design" (2008): blue, vermilion, green, purple, orange, sky blue, black, yellow.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
LINES = ("solid", "dashed", "dotted", "dashdot")  # further curves than colours differ by the kind of line
MARKERS = "os^DvP*X"
MISSING = "#BBBBBB"  # where there is no finite number


def load(operation: str, module: str) -> Any:
    """A module of matplotlib, or an error that says how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("matplotlib", "PIL"):
            raise
        raise ImportError(f"{operation} needs matplotlib: pip install 'tinytensor[viz]'") from None


def axes(operation: str, ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes to draw on: those given, or those of a new pyplot figure, which notebooks show by themselves."""
    if ax is None:
        return load(operation, "matplotlib.pyplot").subplots(figsize=size, layout="constrained")[1]
    if not isinstance(ax, load(operation, "matplotlib.axes").Axes):
        hint = "; choose one of them: ax[0]" if isinstance(ax, np.ndarray) else ""
        raise TypeError(f"{operation}: ax must be matplotlib Axes, got {type(ax).__name__}{hint}")
    return ax


def diverging(operation: str) -> Colormap:
    """Colours from the first of the palette through white (exactly at 0) to the second; grey where there is none."""
    kind = load(operation, "matplotlib.colors").LinearSegmentedColormap
    return kind.from_list("tinytensor", [PALETTE[0], "#FFFFFF", PALETTE[1]], N=257).with_extremes(bad=MISSING)


def plain(value: Any) -> Any:
    """What is given, with an array or number for every tensor in it."""
    if isinstance(value, Tensor):
        return value.data
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value.detach() if hasattr(value, "detach") else value  # one of PyTorch's, which NumPy can read then


def array(operation: str, name: str, value: Any) -> Array:
    """What is given as an ndarray, or an error that names it."""
    try:
        given = np.asarray(plain(value))
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(f"{operation}: {name} is not an array: {error}") from None
    if given.dtype.kind == "O" and all(isinstance(part, str) for part in given.flat):  # pandas' words
        return given.astype(str)
    if given.dtype.kind == "O":
        raise TypeError(f"{operation}: {name} is not an array of numbers or words, but of Python objects")
    return given


def numbers(operation: str, name: str, value: Any) -> Array:
    """What is given as an ndarray of real numbers, or an error that names it."""
    given = array(operation, name, value)
    if given.dtype.kind not in "biuf":
        raise TypeError(f"{operation}: {name} must be real numbers, got {given.dtype}")
    return given


def plural(count: int, noun: str) -> str:
    """The count with its noun."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
