"""Pictures of the second half of the course: gather and scatter.

They stand here so that the cells show the lesson and not how a picture is drawn (those of the first half:
``course_pictures.py``). Nothing here computes a gradient.
"""

import matplotlib.pyplot as plt
import numpy as np

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#6b6b6b"


def _row(ax, values, y, color, names):
    """A row of boxes with numbers in them and their positions beside."""
    for k, value in enumerate(values):
        ax.add_patch(plt.Rectangle((k - 0.4, y - 0.22), 0.8, 0.44, facecolor="white", edgecolor=color, linewidth=1.6))
        ax.text(k, y, f"{value:g}", ha="center", va="center", fontsize=11)
        ax.text(k, y + (0.34 if y > 0.5 else -0.36), f"[{k}]", ha="center", va="center", fontsize=8, color=GREY)
    ax.text(-0.65, y, names, ha="right", va="center", fontsize=11, color=color)


def draw_gather(ax, x, i, backward=None):
    """Draw ``x[i]``: x above, the result below, an arrow for each copy.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    x : array_like
        One axis of numbers.
    i : list of int
        The index.
    backward : array_like, optional
        A gradient that arrives at ``x[i]``: the arrows then go up, and the boxes above hold their sums.
    """
    x, i = np.asarray(x, float), list(i)
    if backward is None:
        _row(ax, x, 1, BLUE, "x")
        _row(ax, x[i], 0, ORANGE, "x[i]")
    else:
        total = np.zeros_like(x)
        np.add.at(total, i, backward)
        _row(ax, total, 1, BLUE, "x.grad")
        _row(ax, backward, 0, ORANGE, "g")
    for k, place in enumerate(i):
        tail, head = ((place, 0.78), (k, 0.22)) if backward is None else ((k, 0.22), (place, 0.78))
        ax.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": GREY, "shrinkA": 1, "shrinkB": 1})
    ax.set_xlim(-1.7, max(len(x), len(i)) - 0.3)
    ax.set_ylim(-0.5, 1.5)
    ax.axis("off")
