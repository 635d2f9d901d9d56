"""Cases: neural."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytensor as tt
from tinytensor.fused import linear, linear_relu, nll
from tinytensor.sklearn.objective import squared_norm

from ..strategies import shapes, values
from .base import case


@st.composite
def layers(draw, bias=True):
    batch = draw(shapes(max_dims=2))
    n, m = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    arrays = [draw(values((*batch, n), 0, -2, 2)), draw(values((m, n), 1, -2, 2))]
    return arrays + ([draw(values((m,), 2))] if bias else []), {}


case("linear", linear, torch.nn.functional.linear, layers(), orders=2)
case("linear without bias", lambda x, w: linear(x, w), torch.nn.functional.linear, layers(bias=False), linear)


def torch_linear_relu(*arrays):
    return torch.nn.functional.linear(*arrays).relu()


case("linear_relu", linear_relu, torch_linear_relu, layers())
case("linear_relu without bias", lambda x, w: linear_relu(x, w), torch_linear_relu, layers(bias=False), linear_relu)


@st.composite
def rows(draw):
    shape = draw(shapes(min_dims=1, min_side=1))
    return [draw(values(shape, low=-3, high=3))], {"axis": draw(st.integers(-len(shape), len(shape) - 1))}


case("softmax", tt.softmax, lambda x, axis: torch.softmax(x, axis), rows())
case("log_softmax", tt.log_softmax, lambda x, axis: torch.log_softmax(x, axis), rows())


@st.composite
def labelled(draw):
    n, classes = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    labels = draw(hnp.arrays(np.int64, (n,), elements=st.integers(0, classes - 1)))
    return [draw(values((n, classes)))], {"labels": labels, "reduction": draw(st.sampled_from(["mean", "sum", "none"]))}


case("cross entropy of labels", lambda x, labels, reduction: nll(x, tt.log_softmax(x), labels, reduction=reduction),
     lambda x, labels, reduction: torch.nn.functional.cross_entropy(x, torch.from_numpy(labels), reduction=reduction),
     labelled(), nll)  # fmt: skip


@st.composite
def targeted(draw):
    n, classes = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    arrays = [draw(values((n, classes))), draw(values((n, classes), 1, 0, 1))]
    return arrays, {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))}


case("cross entropy of probabilities", lambda x, p, reduction: nll(x, tt.log_softmax(x), p, reduction=reduction),
     lambda x, p, reduction: torch.nn.functional.cross_entropy(x, p, reduction=reduction), targeted(), nll)  # fmt: skip


@st.composite
def weights(draw):
    return [draw(values(draw(shapes(max_dims=3))))], {}


case("the penalty of an estimator", squared_norm, lambda w: (w * w).sum(), weights(), squared_norm, orders=2)
