"""Selection, order and updates: the gradient follows each element to where it came from.

Where elements were chosen by their values (a sort, a largest one), the choice itself is constant
between two ties, so it has no gradient of its own. Read next: ``rules/linalg.py``.
"""

import numpy as np

from ..primitives import index, scatter
from ..updates import add_at, max_at, min_at, set_at
from .table import PLAIN, rule


def sort_rule(g, out, a, axis=-1, kind=None, *, stable=None):
    """Each element takes back the gradient of the place it was sorted to; equals keep their order."""
    places = np.argsort(np.argsort(a, axis=axis, kind="stable"), axis=axis)
    return np.reshape(np.take_along_axis(g, places, axis=axis), np.shape(a))


rule(np.sort, sort_rule)

# --------------------------------------------------------------------------- x.at[key].set(v), …

rule(set_at, lambda g, out, x, v, key: set_at(g, 0, key),
             lambda g, out, x, v, key: index(g, key), forward=set_at.forward)
rule(add_at, lambda g, out, x, v, key: g,
             lambda g, out, x, v, key: index(g, key), forward=add_at.forward)


def shares(g, out, x, v, key):
    """The gradient of each place over the number of those that attain its extreme, x among them."""
    tied = np.equal(index(out, key), v)
    count = np.equal(x, out) + scatter(np.asarray(tied, np.intp), key, np.shape(x))
    return g / np.maximum(count, 1).astype(np.result_type(g)), tied  # nothing equals a nan


def extreme_of_array(g, out, x, v, key):
    """Where the element of `x` itself was the extreme, its share."""
    return shares(g, out, x, v, key)[0] * np.equal(x, out)


def extreme_of_update(g, out, x, v, key):
    """Where an update was the extreme, its share."""
    share, tied = shares(g, out, x, v, key)
    return index(share, key) * tied


rule(max_at, extreme_of_array, extreme_of_update, forward=max_at.forward)
rule(min_at, extreme_of_array, extreme_of_update, forward=min_at.forward)

# ------------------------------------------------------------------- no gradient: plain answers

PLAIN.update({
    np.argpartition, np.searchsorted, np.digitize, np.argwhere, np.flatnonzero, np.isin, np.ix_,
    np.tril_indices_from, np.triu_indices_from, np.diag_indices_from, np.unravel_index,
})  # fmt: skip
