"""What the property tests draw, from `tinytensor.testing`, with the options that the cases use most."""

from __future__ import annotations

from hypothesis import strategies as st

from tinytensor.testing import LAYOUTS, arrays, axes_for, broadcastable_shapes, lay_out
from tinytensor.testing import shapes as drawn_shapes

__all__ = ["values", "shapes", "broadcastable", "layouts", "lay_out", "axes_for", "LAYOUTS"]


def values(shape, operand=0, low=-4, high=4, distinct=False):
    """Arrays on operand's lattice within [low, high]; all different where `distinct`."""
    return arrays(shape, low=low, high=high, operand=operand, distinct=distinct)


def shapes(max_dims=3, max_side=3, min_side=0, min_dims=0):
    return drawn_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side)


def broadcastable(count, max_dims=3, max_side=3):
    return broadcastable_shapes(count, max_dims=max_dims, max_side=max_side)


layouts = st.sampled_from(tuple(LAYOUTS))
