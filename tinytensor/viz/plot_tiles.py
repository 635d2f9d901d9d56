"""Weights as images: a matrix as it is, or the rows of it as tiles.

Nothing here trains. Read next: ``plot_boundary.py``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..nn.module import Module
from .plot_style import axes, diverging, load, numbers, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_weights(
    weights: Any,
    *,
    shape: tuple[int, int] | None = None,
    columns: int | None = None,
    most: int = 256,
    vmax: float | None = None,
    title: str | None = None,
    colorbar: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw weights as an image: negative ones in blue, positive ones in vermilion, zero in white.

    Parameters
    ----------
    weights : Module, Tensor or array_like
        A matrix of shape (out, in), as `Linear` has it; or images of shape (n, height, width), one tile each. Of a
        module the first parameter with two axes is taken: the weight of its first layer.
    shape : (int, int), optional
        The height and width of an input, such as ``(8, 8)`` for the digits: each row of the matrix becomes a tile of
        this shape. By default the matrix is one image with a row per output.
    columns : int, optional
        Tiles beside each other; by default somewhat more than below each other.
    most : int
        How many tiles are drawn at most, the first ones; the title says so.
    vmax : float, optional
        The weight from which on the colour is full; by default the largest in size.
    title : str, optional
        What stands above; by default the name and the shape.
    colorbar : bool
        Whether a bar tells the colours.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a new figure of ``matplotlib.pyplot``.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        Where the weights have other axes, or the rows do not fit `shape`.

    Examples
    --------
    >>> import tinytensor as tt
    >>> from matplotlib.figure import Figure
    >>> model = tt.nn.MLP(64, [12, 10])
    >>> ax = tt.viz.plot_weights(model, shape=(8, 8), columns=4, ax=Figure().subplots())
    >>> ax.images[0].get_array().shape  # 3 by 4 tiles, with a line between them
    (26, 35)
    >>> ax.get_title()
    'layers.0.weight: 12 tiles of 8 × 8'
    """
    operation = "plot_weights"
    name, found = _found(operation, weights)
    given = numbers(operation, name, found).astype(np.float64)
    tiles = _tiles(operation, name, given, shape)
    limit = _limit(given) if vmax is None else float(vmax)
    if not limit > 0 or most < 1 or (columns is not None and columns < 1):
        raise ValueError(
            f"{operation}: vmax, most and columns must be above 0, got vmax={limit:g}, most={most}, columns={columns}"
        )
    if tiles is None:
        picture, words = np.atleast_2d(given), f"{name}: {' × '.join(map(str, given.shape))}"
        size = (6.4, 4.4)
    else:
        drawn, (height, width) = tiles[:most], tiles.shape[1:]
        across = columns or _columns(len(drawn), height / width)
        picture = _mosaic(drawn, min(across, len(drawn)))
        first = f"the first {most} of " if most < len(tiles) else ""
        words = f"{name}: {first}{plural(len(tiles), 'tile')} of {height} × {width}"
        size = (7.0, min(max(1.2 + 5.8 * picture.shape[0] / picture.shape[1], 2.0), 9.0))
    ax = axes(operation, ax, size)
    _draw_weights(operation, ax, picture, limit, colorbar, tiled=tiles is not None)
    if lost := int((~np.isfinite(given)).sum()):
        words += f"\n({plural(lost, 'weight')} not finite: grey)"
    ax.set_title(words if title is None else title)
    return ax


def _found(operation: str, weights: Any) -> tuple[str, Any]:
    """The name and the values of what is to be drawn."""
    if not isinstance(weights, Module):
        return "weights", weights
    for name, parameter in weights.named_parameters():
        if parameter.ndim == 2:
            return name, parameter
    raise ValueError(f"{operation}: the {type(weights).__name__} has no parameter with two axes; pass an array")


def _tiles(operation: str, name: str, given: Array, shape: tuple[int, int] | None) -> Array | None:
    """The images of shape (n, height, width), or None where the matrix itself is the picture."""
    if not given.size:
        raise ValueError(f"{operation}: {name} is empty, of shape {given.shape}")
    if given.ndim == 3 and shape is None:
        return given
    if given.ndim not in (1, 2):
        hint = "; write weights.reshape(-1, *weights.shape[-2:])" if given.ndim > 3 else ""
        raise ValueError(
            f"{operation}: {name} must have the axes (out, in) or (n, height, width), got {given.shape}{hint}"
        )
    if shape is None:
        return None
    if len(shape) != 2 or math.prod(shape) != given.shape[-1] or min(shape) < 1:
        raise ValueError(f"{operation}: rows of {given.shape[-1]} weights can't be tiles of shape {tuple(shape)}")
    return given.reshape(-1, *shape)


def _columns(count: int, slope: float) -> int:
    """How many tiles beside each other make a picture somewhat wider than high, with few empty places."""
    ideal = math.sqrt(1.5 * count * slope)
    near = range(max(1, int(0.8 * ideal)), math.ceil(1.3 * ideal) + 1)
    return min(near, key=lambda columns: (-count % columns, abs(columns - ideal)))


def _mosaic(tiles: Array, columns: int) -> Array:
    """The tiles in one image, row by row, with a line between them that has no numbers."""
    count, height, width = tiles.shape
    rows = math.ceil(count / columns)
    picture = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for k, tile in enumerate(tiles):
        top, left = k // columns * (height + 1), k % columns * (width + 1)
        picture[top : top + height, left : left + width] = tile
    return picture


def _limit(weights: Array) -> float:
    """The size of the largest weight, or 1 where there is none but zeros."""
    sizes = np.abs(weights[np.isfinite(weights)])
    return float(sizes.max()) or 1.0 if sizes.size else 1.0


def _draw_weights(operation: str, ax: Axes, picture: Array, limit: float, colorbar: bool, tiled: bool) -> None:
    """The image with its colours, and a bar that tells them."""
    colours = diverging(operation)
    pixels = np.ma.masked_invalid(picture)
    aspect: Any = "equal" if tiled else "auto"
    image = ax.imshow(pixels, cmap=colours, vmin=-limit, vmax=limit, aspect=aspect, interpolation="nearest")
    ax.grid(False)
    if colorbar:
        beyond = np.abs(picture[np.isfinite(picture)]).max(initial=0) > limit
        ax.figure.colorbar(image, ax=ax, label="weight", extend="both" if beyond else "neither", shrink=0.9)
    if tiled:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    else:
        ticker = load(operation, "matplotlib.ticker")
        ax.set(xlabel="input", ylabel="output")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1))
