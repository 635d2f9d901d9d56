"""A decision boundary over training, as a GIF.

Each frame is a picture of ``plot_boundary.py``; the file is written by Pillow, which comes with
matplotlib. Nothing here trains.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..nn.module import Module
from .plot_boundary import answer, full_colour, plot_decision_boundary
from .plot_style import load, plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Animation:
    """A GIF in memory, which a notebook shows; `animate_decision_boundary` makes it.

    Attributes
    ----------
    data : bytes
        The GIF file.
    frames : int
        How many states it shows.
    """

    def __init__(self, data: bytes, frames: int) -> None:
        self.data, self.frames = data, frames

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the GIF into a file.

        Parameters
        ----------
        path : str or path
            The file's name, by custom with the ending ``.gif``.
        """
        Path(path).write_bytes(self.data)

    def _repr_html_(self) -> str:
        """What a notebook shows: the picture itself, in the page."""
        text = base64.b64encode(self.data).decode()
        return (
            f'<img alt="A decision boundary over {self.frames} states of training" src="data:image/gif;base64,{text}">'
        )

    def __repr__(self) -> str:
        return f"Animation({self.frames} frames, {len(self.data) / 1e6:.1f} MB)"


def animate_decision_boundary(
    model: Module,
    states: Sequence[Mapping[str, Any]],
    X: Any,
    y: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    titles: Sequence[str] | None = None,
    fps: float = 10,
    hold: float = 1.5,
    size: tuple[float, float] = (5.6, 4.2),
    dpi: int = 100,
    resolution: int = 120,
    **options: Any,
) -> Animation:
    """Draw the decision boundary of each state that a model had in training, one after another.

    Parameters
    ----------
    model : Module
        A network that `plot_decision_boundary` can draw. Its parameters take on the states one by one and afterwards
        have their own values again; a graph that was built before can't be walked any more.
    states : sequence of dict
        What ``model.state_dict()`` returned in the course of training (copies, so that a list can collect them).
    X : array_like of shape (n, 2)
        The points.
    y : array_like of shape (n,)
        Their labels.
    path : str or path, optional
        Where to write the GIF too.
    titles : sequence of str, optional
        What stands above each frame, such as the step and the loss; by default its number.
    fps : float
        Frames per second. A GIF counts in hundredths of a second.
    hold : float
        How many seconds longer the last frame stays before all begins anew.
    size : (float, float)
        Width and height in inches.
    dpi : int
        Pixels per inch.
    resolution : int
        Points of the grid per side.
    **options : Any
        For `plot_decision_boundary`: ``levels``, ``labels`` and ``vmax``, which by default is the largest of what the
        first, the middle and the last state would have.

    Returns
    -------
    Animation
        With the file's bytes as ``data``, and ``save(path)``; a notebook shows it.

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        Where there are no states, `titles` are more or fewer, or something does not fit the model or the plane.

    Examples
    --------
    >>> import tinytensor as tt
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> model = tt.nn.MLP(2, [8, 2])
    >>> states = []
    >>> for step in range(3):
    ...     model.zero_grad()
    ...     tt.nn.cross_entropy(model(X), y).backward()
    ...     tt.optim.SGD(model.parameters(), lr=1.0).step()
    ...     states.append(model.state_dict())
    >>> tt.viz.animate_decision_boundary(model, states, X, y, fps=2).frames
    3
    """
    operation = "animate_decision_boundary"
    words = _checked(operation, model, states, path, titles, fps, hold, options)
    own = model.state_dict()
    try:
        if options.get("vmax") is None:
            options["vmax"] = _one_limit(operation, model, states, X, y, resolution)
        figure = load(operation, "matplotlib.figure").Figure(figsize=size, dpi=dpi, layout="constrained")
        ax, frames = figure.subplots(), []
        for state, title in zip(states, words, strict=True):
            ax.clear()
            model.load_state_dict(state)
            plot_decision_boundary(model, X, y, title=title, resolution=resolution, colorbar=False, ax=ax, **options)
            frames.append(_pixels(operation, figure))
            figure.set_layout_engine("none")  # that of the first frame stays: nothing jumps
    finally:
        model.load_state_dict(own)
    animation = Animation(_gif(operation, frames, fps, hold), len(states))
    if path is not None:
        animation.save(path)
    return animation


def _pixels(operation: str, figure: Figure) -> Array:
    """The figure as an array of shape (height, width, 3) of bytes."""
    canvas = load(operation, "matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3]


def _gif(operation: str, frames: list[Array], fps: float, hold: float) -> bytes:
    """The frames as a GIF file that starts anew forever; equal ones in a row become one that lasts longer."""
    first, *others = [load(operation, "PIL.Image").fromarray(frame) for frame in frames]
    times = [round(1000 / fps)] * len(frames)
    times[-1] += round(1000 * hold)
    file = io.BytesIO()
    first.save(file, format="GIF", save_all=True, append_images=others, duration=times, loop=0)
    return file.getvalue()


def _checked(
    operation: str,
    model: Any,
    states: Any,
    path: str | os.PathLike[str] | None,
    titles: Sequence[str] | None,
    fps: float,
    hold: float,
    options: Mapping[str, Any],
) -> list[str]:
    """The titles of the frames, after a look at everything that can be known before the work."""
    if not isinstance(model, Module):
        raise TypeError(f"{operation}: expected a Module, which takes on the states, got {type(model).__name__}")
    if isinstance(states, Mapping) or not isinstance(states, Sequence):
        raise TypeError(
            f"{operation}: expected a list of what model.state_dict() returned, got {type(states).__name__}"
        )
    if not states:
        raise ValueError(f"{operation}: there are no states; in training, states.append(model.state_dict())")
    if titles is not None and len(titles) != len(states):
        raise ValueError(f"{operation}: expected a title for each of {plural(len(states), 'state')}, got {len(titles)}")
    if not (0 < fps <= 50 and hold >= 0):
        raise ValueError(
            f"{operation}: fps must be above 0 and at most 50, and hold not negative; got {fps} and {hold}"
        )
    if unknown := options.keys() - {"levels", "labels", "vmax"}:
        raise TypeError(f"{operation}: unexpected option {min(unknown)!r}; there are also levels, labels and vmax")
    if path is not None and not Path(path).parent.is_dir():
        raise FileNotFoundError(f"{operation}: there is no folder {str(Path(path).parent)!r} to write the GIF into")
    return [f"state {k} of {len(states)}" for k in range(1, len(states) + 1)] if titles is None else list(titles)


def _one_limit(
    operation: str, model: Module, states: Sequence[Mapping[str, Any]], X: Any, y: Any, resolution: int
) -> float:
    """One score from which on the colour is full, for all frames alike."""
    sizes = []
    for state in (states[0], states[len(states) // 2], states[-1]):
        model.load_state_dict(state)
        sizes.append(full_colour(answer(operation, model, X, y, resolution)[-1].scores))
    return max(sizes)
