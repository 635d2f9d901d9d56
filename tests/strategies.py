"""What the property tests draw: shapes that broadcast, values away from kinks, memory layouts."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

STEP = 0.5  # the values of one operand lie on a lattice …
OFFSETS = (0.13, 0.29, 0.41)  # … and each operand has its own, so no two are closer than 0.09, nor to 0


def values(shape, operand=0, low=-4, high=4, distinct=False):
    """Arrays on operand's lattice within about [low, high]; all different where `distinct`."""
    count = int(np.prod(shape))
    reach = range(int(low / STEP), int(high / STEP) + 1)
    if distinct and count > len(reach):
        reach = range(reach.start, reach.start + count)
    elements = st.sampled_from(reach) if not distinct else None
    lattice = (
        hnp.arrays(np.int64, shape, elements=elements)
        if elements is not None
        else st.permutations(list(reach)).map(lambda p: np.array(p[:count], np.int64).reshape(shape))
    )
    return lattice.map(lambda k: np.asarray(k * STEP + OFFSETS[operand]))  # 0-d products are scalars in NumPy


def shapes(max_dims=3, max_side=3, min_side=0, min_dims=0):
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side) | (
        st.just(()) if min_dims == 0 else st.nothing()
    )


def broadcastable(count, max_dims=3, max_side=3):
    return hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=max_dims, min_side=0, max_side=max_side).map(
        lambda drawn: drawn.input_shapes
    )


LAYOUTS = {
    "contiguous": lambda a: a.copy(order="C"),
    "fortran": lambda a: a.copy(order="F"),
    "transposed": lambda a: a.T.copy(order="C").T,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "negative": lambda a: np.flip(np.flip(a).copy()),
    "read-only": lambda a: _read_only(a),
    "zero-d view": lambda a: np.stack([a, a])[1],
}


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


layouts = st.sampled_from(sorted(LAYOUTS))


def lay_out(array, layout):
    """The same values in another memory layout."""
    out = LAYOUTS[layout](array)
    assert out.shape == array.shape
    return out


def axes_for(ndim):
    """None, an axis from either end, or a tuple of different axes."""
    if ndim == 0:
        return st.none()
    one = st.integers(-ndim, ndim - 1)
    some = st.lists(one, min_size=0, max_size=ndim, unique_by=lambda k: k % ndim).map(tuple)
    return st.none() | one | some
