"""The strategies draw what they promise, shrink to readable values, are fast, and refuse the impossible at once."""

from __future__ import annotations

import itertools
import statistics
import time

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor.testing import LAYOUTS, lay_out
from tinytensor.testing.strategies import (
    arrays,
    axes_for,
    broadcastable_arrays,
    broadcastable_shapes,
    broadcastable_tensors,
    gufunc_operands,
    indices_for,
    layouts,
    matmul_operands,
    shapes,
    tensors,
    upstream,
)
from tinytensor.testing.values import OFFSETS, lattice, upstream_values

simplest = settings(
    database=None, derandomize=True, deadline=None, max_examples=1000, phases=[Phase.generate, Phase.shrink]
)


def shrunk(strategy, condition=lambda drawn: True):
    return find(strategy, condition, settings=simplest)


# ------------------------------------------------------------------------------------------ values


@given(arrays(low=-2, high=3), arrays(operand=1))
def test_values_keep_clear_of_kinks_and_of_each_other(x, y):
    assert np.all((x >= -2) & (x <= 3))
    assert np.all(np.abs(x / 0.5 - np.round(x / 0.5)) > 0.09)
    assert not np.intersect1d(x, y).size


@given(
    arrays((2, 3), distinct=True), arrays(100, distinct=True), arrays((4, 16), ties=True), arrays((3, 4), kinks=True)
)
def test_distinct_values_ties_and_kinks_on_request(small, large, tied, kinked):
    assert len(np.unique(small)) == 6
    assert len(np.unique(large)) == 100
    assert np.max(np.abs(large)) <= 4
    assert len(np.unique(tied)) <= 2
    np.testing.assert_array_equal(kinked, np.round(kinked * 2) / 2)


def test_kinks_and_ties_are_found():
    assert shrunk(arrays((2,), kinks=True), lambda x: 0 in x).tolist() == [0, 0]
    x, y = shrunk(broadcastable_arrays(2, ties=True), lambda xs: xs[0].size > 0 and np.any(xs[0] == xs[1]))
    assert np.any(x == y)


def test_small_arrays_shrink_to_readable_values():
    assert shrunk(arrays((2, 2))).tolist() == [[0.13, 0.13], [0.13, 0.13]]
    assert shrunk(arrays(), lambda x: x.size > 1).tolist() == [0.13, 0.13]
    assert shrunk(arrays((3,)), lambda x: np.any(x < -1)).tolist() == [0.13, 0.13, -1.37]
    assert shrunk(arrays((3,), distinct=True)).tolist() == [0.13, -0.37, 0.63]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@settings(max_examples=20)
@given(data=st.data())
def test_dtypes(dtype, data):
    assert data.draw(arrays(dtype=dtype)).dtype == dtype
    assert data.draw(tensors((40,), dtype)).dtype == dtype
    assert all(x.dtype == dtype for x in data.draw(matmul_operands(dtype)))
    assert data.draw(upstream((2,), dtype)).dtype == dtype


@given(arrays((3,), elements=st.floats(1, 2)), arrays(shape=st.sampled_from([(1,), (2, 2)])))
def test_elements_and_shapes_of_your_own(x, y):
    assert np.all((x >= 1) & (x <= 2))
    assert y.shape in [(1,), (2, 2)]


@given(tensors(), tensors((), requires_grad=False), tensors((2, 3), layout="transposed"))
def test_tensors(x, constant, transposed):
    assert isinstance(x, tt.Tensor)
    assert x.requires_grad
    assert not constant.requires_grad
    assert transposed.data.flags.f_contiguous


def test_large_arrays_are_drawn_fast():
    seconds = []

    @settings(max_examples=100, database=None, derandomize=True, deadline=None)
    @given(st.data())
    def draw(data):
        start = time.process_time()
        data.draw(tensors((64, 64)))
        seconds.append(time.process_time() - start)

    draw()
    assert statistics.median(seconds) < 2e-3  # 0.3 ms on the machine that this was written on


def test_the_lattices_are_apart():
    rest = sorted([0, 0.5, *OFFSETS])
    assert min(b - a for a, b in itertools.pairwise(rest)) > 0.0399
    assert len(lattice(0, 1, count=1000)) >= 1000
    assert np.all((lattice(0.2, 0.21) >= 0.2) & (lattice(0.2, 0.21) <= 0.21))


# ---------------------------------------------------------------------------------------- operands


@given(broadcastable_shapes(3), broadcastable_tensors(4), shapes(min_dims=1, max_side=5))
def test_what_should_broadcast_does(drawn, operands, shape):
    np.broadcast_shapes(*drawn)
    assert (operands[0] + operands[1] + operands[2] + operands[3]).requires_grad
    assert len(shape) >= 1


SIGNATURES = [
    "(n?,k),(k,m?)->(n?,m?)",
    "(n),(n)->()",
    "(m,n),(n)->(m)",
    "(n,n)->(n,n)",
    "(i,j),(j,k),(k,l)->(i,l)",
    "(3),(3)->(3)",
    "()->()",
]


@pytest.mark.parametrize("signature", SIGNATURES)
@settings(max_examples=30)
@given(data=st.data())
def test_operands_fit_their_signature(signature, data):
    operands = data.draw(gufunc_operands(signature, as_arrays=True))
    assert len(operands) == signature.split("->")[0].count("(")
    if "?" not in signature and signature != "()->()":
        np.vectorize(lambda *xs: None, signature=signature.split("->")[0] + "->()", otypes=[object])(
            *(np.ones([max(n, 1) for n in x.shape]) for x in operands)
        )
    if signature == SIGNATURES[0]:
        assert np.matmul(*operands).dtype == np.float64


@given(matmul_operands())
def test_matmul_operands(operands):
    x, y = operands
    (x @ y).sum().backward()
    assert x.grad.shape == x.shape


def test_operands_of_every_kind_are_drawn():
    for condition in (
        lambda xs: xs[0].ndim == xs[1].ndim == 1,
        lambda xs: xs[0].ndim == 2 and xs[1].ndim == 1,
        lambda xs: xs[0].ndim == 4,
        lambda xs: xs[0].size == 0,
    ):
        shrunk(matmul_operands(), condition)


# --------------------------------------------------------------------- axes, indices, layouts, upstream


@given(st.data())
def test_axes_fit(data):
    shape = data.draw(shapes())
    np.sum(np.ones(shape), axis=data.draw(axes_for(shape)))
    positive = data.draw(axes_for(3, allow_none=False, allow_empty=False, allow_negative=False))
    assert positive in range(3) or (len(positive) and min(positive) >= 0)
    assert isinstance(data.draw(axes_for(3, allow_none=False, allow_tuple=False)), int)
    assert data.draw(axes_for(0)) in (None, ())


@settings(max_examples=200)
@given(st.data())
def test_indices_fit(data):
    shape = data.draw(shapes())
    kinds = ("basic", "integer", "boolean", "mixed")
    possible = [k for k in kinds if shape or k in ("basic", "boolean")]
    key = data.draw(indices_for(shape, data.draw(st.sampled_from(possible))))
    np.zeros(shape)[key]
    np.zeros(shape)[data.draw(indices_for(shape))]


INDICES = {
    "a negative step": ("basic", lambda k: isinstance(k, tuple) and any((part.step or 1) < 0 for part in k if isinstance(part, slice))),
    "a new axis": ("basic", lambda k: isinstance(k, tuple) and any(part is None for part in k)),
    "an ellipsis": ("basic", lambda k: isinstance(k, tuple) and any(part is Ellipsis for part in k)),
    "an element named twice": ("integer", lambda k: isinstance(k, np.ndarray) and len(np.unique(k)) < k.size),
    "two arrays that broadcast": ("integer", lambda k: isinstance(k, tuple) and len(k) == 2),
    "a mask of two axes": ("boolean", lambda k: k.ndim == 2 and k.any()),
    "a slice between arrays": (
        "mixed",
        lambda k: len(k) == 3 and isinstance(k[1], slice) and all(isinstance(k[i], np.ndarray) for i in (0, 2)),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "condition"), INDICES.values(), ids=INDICES)
def test_indices_of_every_kind_are_drawn(kind, condition):
    key = shrunk(indices_for((3, 2, 2), kind), condition)
    np.zeros((3, 2, 2))[key]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(array=arrays())
def test_layouts_change_the_memory_and_nothing_else(layout, array):
    laid = lay_out(array, layout)
    assert isinstance(laid, np.ndarray)
    assert laid.shape == array.shape
    assert laid.dtype == array.dtype
    assert not np.shares_memory(laid, array)
    np.testing.assert_array_equal(laid, array)


def test_layouts_are_what_they_are_called():
    x = np.arange(6.0).reshape(2, 3)
    assert lay_out(x, "contiguous").flags.c_contiguous
    assert lay_out(x, "fortran").flags.f_contiguous
    assert lay_out(x, "transposed").base.flags.c_contiguous
    assert lay_out(x, "strided").strides == (48, 16)
    assert lay_out(x, "negative stride").strides == (-24, -8)
    assert not lay_out(x, "read-only").flags.writeable
    assert lay_out(np.array(1.0), "0-d view").base.shape == (2,)


@given(layouts("strided", "fortran"), upstream((3, 4)), upstream(shapes()))
def test_some_layouts_and_upstream_gradients(name, g, h):
    assert name in ("strided", "fortran")
    for gradient in (g, h):
        assert np.all((np.abs(gradient) >= 0.5) & (np.abs(gradient) <= 2.01))
        assert not np.any(gradient == 1)


def test_upstream_gradients_have_both_signs():
    assert set(np.sign(upstream_values((30,), 0))) == {-1, 1}
    assert upstream_values((), 1).shape == ()


# -------------------------------------------------------------------------------- bad arguments

REFUSED = [
    ("negative side", lambda: arrays((2, -1)), ValueError, "arrays: shape is -1; expected 0"),
    ("a side that is no integer", lambda: arrays((2, 1.5)), TypeError, "shape is 1.5; expected an integer"),
    ("a shape in words", lambda: tensors("2x3"), TypeError, "shape is '2x3'"),
    ("too many axes", lambda: arrays((1,) * 40), ValueError, "shape has 40 axes"),
    ("integers", lambda: tensors(dtype=int), TypeError, "int64, which has no gradients; expected float16"),
    ("complex numbers", lambda: upstream((2,), complex), TypeError, "complex128, which has no gradients"),
    ("no dtype at all", lambda: arrays(dtype="real"), TypeError, "real"),
    ("low above high", lambda: arrays(low=2, high=1), ValueError, "between low=2.0 and high=1.0"),
    ("low is high", lambda: arrays(low=1, high=1), ValueError, "give a low below high"),
    ("infinite bounds", lambda: arrays(high=np.inf), ValueError, "high is inf; expected a finite float64"),
    ("nan", lambda: arrays(low=np.nan), ValueError, "low is nan"),
    ("bounds beyond the dtype", lambda: arrays(dtype=np.float16, high=1e6), ValueError, "expected a finite float16"),
    ("bounds in words", lambda: arrays(low="0"), TypeError, "low is '0'; expected a number"),
    ("elements and bounds", lambda: arrays(elements=st.floats(0, 1), low=0), ValueError, "so low can't be asked for too"),
    ("elements and ties", lambda: arrays(elements=st.floats(), ties=True), ValueError, "so ties can't"),
    ("elements that are no strategy", lambda: arrays(elements=[1.0]), TypeError, "expected a strategy"),
    ("distinct ties", lambda: tensors(distinct=True, ties=True), ValueError, "contradict each other"),
    ("a flag that is none", lambda: arrays(distinct="yes"), TypeError, "distinct is 'yes'; expected True or False"),
    ("unknown layout", lambda: tensors(layout="diagonal"), ValueError, "no layout 'diagonal'; expected any, contiguous"),
    ("unknown layouts", lambda: layouts("diagonal"), ValueError, "no layout 'diagonal'"),
    ("unknown layout to lay out", lambda: lay_out(np.ones(2), "diagonal"), ValueError, "no layout 'diagonal'"),
    ("operand 8", lambda: arrays(operand=8), ValueError, "operand is 8; expected 0 to 7"),
    ("no operands", lambda: broadcastable_tensors(0), ValueError, "count is 0; expected 1 to 8"),
    ("nine operands", lambda: broadcastable_arrays(9), ValueError, "count is 9"),
    ("a shape for operands", lambda: broadcastable_tensors(2, shape=(2,)), TypeError, "shape and operand are drawn here"),
    ("bad bounds of operands", lambda: broadcastable_tensors(2, low=1, high=0), ValueError, "give a low below high"),
    ("an unknown option", lambda: tensors(unique=True), TypeError, "unique"),
    ("a broken signature", lambda: gufunc_operands("(n),(n"), ValueError, "'\\(n\\),\\(n' is no signature"),
    ("a signature of no operand", lambda: gufunc_operands(""), ValueError, "is no signature"),
    ("a signature that is no string", lambda: gufunc_operands(None), TypeError, "signature is None; expected a string"),
    ("sides in the wrong order", lambda: shapes(min_side=3, max_side=2), ValueError, "min_side=3 is above max_side=2"),
    ("dims in the wrong order", lambda: shapes(min_dims=4), ValueError, "min_dims=4 is above max_dims=3"),
    ("negative dims", lambda: broadcastable_shapes(2, max_dims=-1), ValueError, "max_dims is -1"),
    ("sides that are no integers", lambda: matmul_operands(max_side="3"), TypeError, "max_side is '3'"),
    ("no axis to draw", lambda: axes_for((), allow_none=False, allow_tuple=False), ValueError, "0 axes has none to draw"),
    ("nothing allowed", lambda: axes_for(2, allow_none=False, allow_int=False, allow_tuple=False), ValueError, "none to draw"),
    ("half an axis", lambda: axes_for(1.5), TypeError, "1.5; expected an integer"),
    ("axes of less than nothing", lambda: axes_for(-1), ValueError, "-1; expected 0"),
    ("unknown index", lambda: indices_for((2,), "fancy"), ValueError, "kinds is \\('fancy',\\); expected some of basic"),
    ("no kinds of index", lambda: indices_for((2,), ()), ValueError, "expected some of basic"),
    ("an integer index of a number", lambda: indices_for((), "integer"), ValueError, "no integer indices"),
    ("an index of no shape", lambda: indices_for(None), TypeError, "shape is None"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_impossible_arguments_are_refused_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


@given(st.data())
def test_what_shows_only_when_drawn_is_refused_then(data):
    with pytest.raises(ValueError, match=r"too few numbers between 1\.0 and 1\.1 for 500 distinct"):
        data.draw(arrays((500,), np.float16, low=1, high=1.1, distinct=True))
    with pytest.raises(TypeError, match="what its strategy drew for shape is 'x'"):
        data.draw(arrays(st.just("x")))
