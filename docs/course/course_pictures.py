"""The pictures of arrays in the course: tables of numbers, what is copied, what is summed.

Each function draws one figure and shows it. Nothing here computes a gradient. Read next: ``05-broadcasting.md``.
"""

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"
Mask = Callable[[int, int], bool]


def canvas(width: float, height: float, inches: float = 0.42) -> Any:
    """Axes of `width` by `height` cells, the origin at the top left, without ticks."""
    _, ax = plt.subplots(figsize=(width * inches, height * inches))
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.axis("off")
    return ax


def table(
    ax: Any, values: Any, x: float, y: float, color: str, name: str = "", strong: Mask = lambda i, j: True
) -> tuple[int, int]:
    """Draw an array as a table of cells with its top left corner at (x, y); cells not `strong` are pale copies."""
    values = np.atleast_2d(values)
    rows, columns = values.shape
    for i in range(rows):
        for j in range(columns):
            full = strong(i, j)
            face = (*plt.matplotlib.colors.to_rgb(color), 0.32 if full else 0.06)
            style = {"edgecolor": color, "linewidth": 1.2, "linestyle": "-" if full else ":"}
            ax.add_patch(plt.Rectangle((x + j, y + i), 1, 1, facecolor=face, **style))
            shown = values[i, j] if isinstance(values[i, j], str) else f"{values[i, j]:.3g}"
            ax.text(
                x + j + 0.5, y + i + 0.53, shown, ha="center", va="center", fontsize=9, color="black" if full else GREY
            )
    if name:
        ax.text(x + columns / 2, y - 0.35, name, ha="center", va="bottom", fontsize=9, color=color, fontweight="bold")
    return rows, columns


def sign(ax: Any, text: str, x: float, y: float, size: int = 14, color: str = "black", **options: Any) -> None:
    """A sign between two tables, or a remark."""
    ax.text(x, y, text, ha="center", va="center", fontsize=size, color=color, **options)


def arrow(ax: Any, start: tuple[float, float], end: tuple[float, float], color: str = GREY) -> None:
    """An arrow from one place to another."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1.4})


# ------------------------------------------------------------------------------------ broadcasting


def picture_of_copies(column: Any, row: Any, result: Any, symbol: str = "×") -> None:
    """Forward: a column and a row, each copied into a table, and the two tables combined."""
    n, m = np.shape(result)
    ax = canvas(3 * m + 6.6, n + 2.3)
    middle = 1.4 + n / 2
    table(ax, column, 0.4, 1.4, BLUE, f"({n}, 1)")
    arrow(ax, (1.7, middle), (2.9, middle))
    table(ax, np.broadcast_to(column, (n, m)), 3.2, 1.4, BLUE, "copied along axis 1", lambda i, j: j == 0)
    sign(ax, symbol, 3.2 + m + 0.75, middle)
    x = 3.2 + m + 1.5
    table(ax, np.broadcast_to(row, (n, m)), x, 1.4, RED, "", lambda i, j: i == 0)
    sign(ax, f"({m},) copied along axis 0", x + m / 2, 1.4 + n + 0.5, 9, RED, fontweight="bold")
    sign(ax, "=", x + m + 0.75, middle)
    table(ax, result, x + m + 1.5, 1.4, GREEN, f"({n}, {m})")
    plt.show()


def picture_of_sums(g: Any, to_column: Any, to_row: Any) -> None:
    """Backward: the gradient's table, summed over the columns into a column and over the rows into a row.

    `to_column` and `to_row` are the tables that are summed: what arrives at each copy.
    """
    n, m = np.shape(g)
    ax = canvas(3 * m + 6.5, 2 * n + 3.6)
    table(ax, g, 0.4, 1.1 + n / 2, GREEN, "arriving g")
    x, low = m + 2.6, n + 2.6
    arrow(ax, (m + 0.6, 0.9 + n / 2 + n / 3), (x - 0.3, 1.2 + n / 2), BLUE)
    arrow(ax, (m + 0.6, 1.3 + n / 2 + 2 * n / 3), (x - 0.3, low + n / 2), RED)
    table(ax, to_column, x, 1.2, BLUE, "g × row: for each copy of the column")
    arrow(ax, (x + m + 0.2, 1.2 + n / 2), (x + m + 3.2, 1.2 + n / 2), BLUE)
    sign(ax, "sum over\naxis 1", x + m + 1.7, 1.2 + n / 2 - 0.75, 8, BLUE)
    table(ax, np.sum(to_column, axis=1, keepdims=True), x + m + 3.5, 1.2, BLUE, f"({n}, 1)")
    table(ax, to_row, x, low, RED)
    sign(ax, "g × column: for each copy of the row", x + m / 2, low + n + 0.5, 9, RED, fontweight="bold")
    arrow(ax, (x + m + 0.2, low + n / 2), (x + m + 3.2, low + n / 2), RED)
    sign(ax, "sum over\naxis 0", x + m + 1.7, low + n / 2 - 0.75, 8, RED)
    table(ax, np.sum(to_row, axis=0), x + m + 3.5, low + (n - 1) / 2, RED, f"({m},)")
    plt.show()


# ------------------------------------------------------------------------------------------ matmul


def picture_of_product(
    a: Any, b: Any, c: Any, marked: tuple[Mask, Mask, Mask], names: tuple[str, str, str], title: str
) -> None:
    """A at the left, B above, C in the corner where A's rows meet B's columns; `marked` says which cells are strong."""
    (n, k), m = np.shape(a), np.shape(b)[1]
    ax = canvas(k + m + 3.2, n + k + 3.2)
    left, top = k + 1.6, k + 2.4
    table(ax, a, 0.8, top, BLUE, names[0], marked[0])
    table(ax, b, left + 0.8, 1.2, RED, names[1], marked[1])
    table(ax, c, left + 0.8, top, GREEN, "", marked[2])
    sign(ax, names[2], left + 0.8 + m / 2, top + n + 0.5, 9, GREEN, fontweight="bold")
    ax.set_title(title, fontsize=10)
    plt.show()


# -------------------------------------------------------------------------------------- reductions


def picture_of_reduction(a: Any, g: Any, name: str = "sum") -> None:
    """Forward a table becomes a column; backward the column's gradient is copied along the lost axis."""
    n, m = np.shape(a)
    ax = canvas(2 * m + 10.2, n + 1.8)
    middle = 1.5 + n / 2
    table(ax, a, 0.3, 1.5, BLUE, f"a ({n}, {m})")
    arrow(ax, (m + 0.5, middle), (m + 2.7, middle), BLUE)
    sign(ax, f"{name}\naxis 1", m + 1.6, middle - 0.75, 8, BLUE)
    table(ax, np.sum(a, axis=1, keepdims=True), m + 3, 1.5, BLUE, f"({n},)")
    x = m + 6.2
    table(ax, np.reshape(g, (n, 1)), x, 1.5, GREEN, f"g as ({n}, 1)")
    arrow(ax, (x + 1.2, middle), (x + 3.4, middle), GREEN)
    sign(ax, "copy", x + 2.3, middle - 0.5, 8, GREEN)
    spread = np.broadcast_to(np.reshape(g, (n, 1)), (n, m))
    table(ax, spread, x + 3.7, 1.5, GREEN, "gradient of a", lambda i, j: j == 0)
    plt.show()


def picture_of_lost_axis(g: Any) -> None:
    """A gradient for three rows, spread over a square table with its axis kept, and without."""
    n = len(g)
    ax = canvas(3 * n + 8.4, n + 2.0)
    middle = 1.6 + n / 2
    table(ax, np.reshape(g, (n, 1)), 0.6, 1.6, GREEN, f"g as ({n}, 1)")
    arrow(ax, (1.9, middle), (3.3, middle), GREEN)
    table(ax, np.broadcast_to(np.reshape(g, (n, 1)), (n, n)), 3.6, 1.6, GREEN, "right: along rows", lambda i, j: j == 0)
    x = n + 6.0
    table(ax, g, x, 1.6 + (n - 1) / 2, RED, f"g as ({n},)")
    arrow(ax, (x + n + 0.2, middle), (x + n + 1.6, middle), RED)
    table(ax, np.broadcast_to(g, (n, n)), x + n + 1.9, 1.6, RED, "wrong: down columns", lambda i, j: i == 0)
    plt.show()
