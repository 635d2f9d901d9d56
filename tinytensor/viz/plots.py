"""Pictures of training, each one call that draws on matplotlib axes and returns them.

Here are only the names; nothing is drawn or computed. Read next: ``plot_style.py`` (colours, axes),
``plot_curves.py`` (losses, gradients), ``plot_boundary.py`` (decision boundaries), ``plot_table.py`` (confusion),
``plot_tiles.py`` (weights), ``animation.py``.
"""

from .plot_boundary import plot_decision_boundary
from .plot_curves import plot_gradients, plot_losses
from .plot_table import plot_confusion
from .plot_tiles import plot_weights

__all__ = ["plot_losses", "plot_gradients", "plot_decision_boundary", "plot_confusion", "plot_weights"]
