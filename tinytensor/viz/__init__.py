"""Pictures: of graphs, of backpropagation step by step, and of training.

Each name is imported from its file when it is first used, and the libraries that draw (graphviz, matplotlib) only
when something is drawn: ``pip install 'tinytensor[viz]'``. Nothing here computes a gradient. Read next: ``graph.py``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .animation import animate_decision_boundary
    from .gradients import GradientHistory
    from .graph import to_json, trace
    from .lecture import draw_dot
    from .plots import plot_confusion, plot_decision_boundary, plot_gradients, plot_losses, plot_weights
    from .sketch import draw
    from .stepper import step_through

_HOMES = {
    "draw": "sketch", "draw_dot": "lecture", "trace": "graph", "to_json": "graph", "step_through": "stepper",
    "plot_losses": "plots", "plot_decision_boundary": "plots", "plot_confusion": "plots", "plot_weights": "plots",
    "plot_gradients": "plots", "GradientHistory": "gradients", "animate_decision_boundary": "animation",
}  # fmt: skip

__all__ = [
    "draw", "draw_dot", "trace", "to_json", "step_through", "plot_losses", "plot_decision_boundary", "plot_confusion",
    "plot_weights", "plot_gradients", "GradientHistory", "animate_decision_boundary",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tinytensor.viz' has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
