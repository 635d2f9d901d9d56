"""The losses agree with PyTorch's: values, gradients, second derivatives. (Errors: ``test_nn_errors.py``.)"""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytensor as tt
from tinytensor import nn

DTYPES = [np.float32, np.float64]
REDUCTIONS = ["mean", "sum", "none"]
TOLERANCE = {np.float32: {"rtol": 2e-5, "atol": 2e-6}, np.float64: {"rtol": 1e-11, "atol": 1e-13}}


def torch_hinge(scores, target, reduction="mean"):
    losses = torch.relu(1 - scores * target)
    return losses if reduction == "none" else getattr(losses, reduction)()


def torch_cross_entropy(logits, target, **options):
    """PyTorch's, with the classes moved to the axis where it wants them."""
    logits = torch.movedim(logits, -1, min(1, logits.ndim - 1))
    if target.is_floating_point():
        target = torch.movedim(target, -1, min(1, target.ndim - 1))
    return F.cross_entropy(logits, target, **options)


def assert_agrees(ours, theirs, arrays, dtype, **options):
    """Values, gradients and second derivatives with respect to all of `arrays`, with random upstream gradients."""
    rng = np.random.default_rng(0)
    arrays = [np.asarray(a, dtype) for a in arrays]
    xs = [tt.tensor(a, requires_grad=True) for a in arrays]
    ys = [torch.tensor(a, requires_grad=True) for a in arrays]
    loss, expected = ours(*xs, **options), theirs(*ys, **options)
    assert loss.dtype == dtype
    assert loss.shape == tuple(expected.shape)
    np.testing.assert_allclose(loss.data, expected.detach().numpy(), **TOLERANCE[dtype])

    upstream = np.asarray(rng.uniform(0.5, 2, loss.shape), dtype)
    loss.backward(upstream)
    first = tt.grad(loss, xs, grad_outputs=upstream, create_graph=True)
    first_expected = torch.autograd.grad(expected, ys, torch.tensor(upstream), create_graph=True)
    for x, g, e in zip(xs, first, first_expected, strict=True):
        for found in (g.data, x.grad):
            assert (found.shape, found.dtype) == (x.shape, x.dtype)
            np.testing.assert_allclose(found, e.detach().numpy(), **TOLERANCE[dtype])

    weights = [np.asarray(rng.uniform(0.5, 2, a.shape), dtype) for a in arrays]
    mixed = sum((g * w).sum() for g, w in zip(first, weights, strict=True))
    mixed_expected = sum((g * torch.tensor(w)).sum() for g, w in zip(first_expected, weights, strict=True))
    nothing = [None] * len(xs)  # what is linear everywhere has no second derivative at all
    second = tt.grad(mixed, xs, allow_unused=True) if mixed.requires_grad else nothing
    second_expected = (
        torch.autograd.grad(mixed_expected, ys, allow_unused=True) if mixed_expected.requires_grad else nothing
    )
    for x, g, e in zip(xs, second, second_expected, strict=True):
        g = np.zeros(x.shape, dtype) if g is None else g.data
        e = np.zeros(x.shape, dtype) if e is None else e.numpy()
        assert (g.shape, g.dtype) == (x.shape, x.dtype)
        np.testing.assert_allclose(g, e, **TOLERANCE[dtype])


def floats(shape, low=-4.0, high=4.0):
    return hnp.arrays(np.float64, shape, elements=st.floats(low, high).map(lambda v: round(v, 3)))


shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)
cases = st.tuples(st.sampled_from(DTYPES), st.sampled_from(REDUCTIONS))


# ------------------------------------------------------------------------------- agreement with torch


@given(st.data(), shapes, cases)
def test_mse_agrees_with_torch(data, shape, case):
    dtype, reduction = case
    arrays = [data.draw(floats(shape)), data.draw(floats(shape))]
    assert_agrees(nn.mse, F.mse_loss, arrays, dtype, reduction=reduction)


@given(st.data(), shapes, cases)
def test_binary_cross_entropy_agrees_with_torch(data, shape, case):
    dtype, reduction = case
    logits = data.draw(floats(shape))  # 0 too: the formula has an abs(z) there, the loss is smooth
    target = data.draw(floats(shape, 0, 1))
    ours, theirs = nn.binary_cross_entropy_with_logits, F.binary_cross_entropy_with_logits
    assert_agrees(ours, theirs, [logits, target], dtype, reduction=reduction)


@given(st.data(), shapes, cases)
def test_hinge_agrees_with_torch(data, shape, case):
    dtype, reduction = case
    scores = data.draw(floats(shape))
    target = data.draw(hnp.arrays(np.int64, shape, elements=st.sampled_from([-1, 1])))
    assert_agrees(
        lambda s: nn.hinge(s, target, reduction),
        lambda s: torch_hinge(s, torch.tensor(np.asarray(target, dtype)), reduction),
        [scores],
        dtype,
    )


def test_hinge_at_the_margin_has_slope_zero():
    scores = tt.Tensor([1.0, -1.0], requires_grad=True)
    nn.hinge(scores, [1, -1], "sum").backward()
    assert scores.grad.tolist() == [0.0, 0.0]


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, max_side=3), cases, st.sampled_from([0.0, 0.1, 1.0]))
def test_cross_entropy_of_labels_agrees_with_torch(data, shape, case, smoothing):
    dtype, reduction = case
    logits = data.draw(floats(shape))
    labels = data.draw(hnp.arrays(np.int64, shape[:-1], elements=st.integers(0, shape[-1] - 1)))
    options = {"reduction": reduction, "label_smoothing": smoothing}
    assert_agrees(
        lambda z: nn.cross_entropy(z, labels, **options),
        lambda z: torch_cross_entropy(z, torch.tensor(labels), **options),
        [logits],
        dtype,
    )


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=3, max_side=3), cases, st.sampled_from([0.0, 0.3]))
def test_cross_entropy_of_probabilities_agrees_with_torch(data, shape, case, smoothing):
    """Also the gradient of the probabilities, and where they do not have the sum 1."""
    dtype, reduction = case
    arrays = [data.draw(floats(shape)), data.draw(floats(shape, 0, 1))]
    options = {"reduction": reduction, "label_smoothing": smoothing}
    assert_agrees(nn.cross_entropy, torch_cross_entropy, arrays, dtype, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_extreme_logits_stay_finite(dtype, reduction):
    logits = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4]], dtype)
    for labels in ([0, 1], [1, 0]):
        assert_agrees(
            lambda z, labels=labels: nn.cross_entropy(z, labels, reduction),
            lambda z, labels=labels: F.cross_entropy(z, torch.tensor(labels), reduction=reduction),
            [logits],
            dtype,
        )
    target = np.array([[1, 0, 1], [1, 0, 1]], dtype)
    x = tt.tensor(logits, requires_grad=True)
    loss = nn.binary_cross_entropy_with_logits(x, target, reduction)
    expected = F.binary_cross_entropy_with_logits(torch.tensor(logits), torch.tensor(target), reduction=reduction)
    np.testing.assert_allclose(loss.data, expected.numpy(), rtol=1e-6)
    loss.backward(np.ones(loss.shape, dtype))
    assert np.isfinite(loss.data).all()
    assert np.isfinite(x.grad).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_masked_classes_have_no_part_in_the_loss(dtype):
    logits = tt.Tensor(np.array([[1, -np.inf, 2], [-np.inf, 0, -1]], dtype), requires_grad=True)
    loss = nn.cross_entropy(logits, [2, 1])
    expected = F.cross_entropy(torch.tensor(logits.data), torch.tensor([2, 1]))
    np.testing.assert_allclose(loss.data, expected.numpy(), rtol=1e-6)
    loss.backward()
    assert np.isfinite(logits.grad).all()
    assert logits.grad[0, 1] == logits.grad[1, 0] == 0


# -------------------------------------------------------------------------------- what a target may be

LOGITS = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -1.0]])
LABELS = [2, 0]
LABEL_TYPES = {
    "a list": LABELS,
    "a tuple": tuple(LABELS),
    "int8": np.array(LABELS, np.int8),
    "uint8": np.array(LABELS, np.uint8),
    "int32": np.array(LABELS, np.int32),
    "uint64": np.array(LABELS, np.uint64),
    "big-endian": np.array(LABELS, ">i4"),
    "strided": np.array([2, 9, 0, 9])[::2],
    "a Tensor": tt.Tensor(LABELS),
    "a torch tensor": torch.tensor(LABELS),
}


@pytest.mark.parametrize("labels", LABEL_TYPES.values(), ids=LABEL_TYPES)
def test_labels_of_every_kind_give_the_same_loss(labels):
    expected = F.cross_entropy(torch.tensor(LOGITS), torch.tensor(LABELS)).item()
    assert nn.cross_entropy(LOGITS, labels).item() == pytest.approx(expected, rel=1e-14)


def test_one_sample_without_a_batch_axis():
    expected = F.cross_entropy(torch.tensor(LOGITS[0]), torch.tensor(2)).item()
    assert nn.cross_entropy(LOGITS[0], 2).item() == pytest.approx(expected, rel=1e-14)


def test_more_classes_than_the_labels_dtype_has_positive_numbers():
    logits = np.zeros((1, 300))
    assert nn.cross_entropy(logits, np.array([127], np.int8)).item() == pytest.approx(np.log(300))


FUNCTIONS = {
    "mse": (nn.mse, [0.0, 1.0, 1.0]),
    "bce": (nn.binary_cross_entropy_with_logits, [0.0, 1.0, 1.0]),
    "hinge": (nn.hinge, [-1.0, 1.0, 1.0]),
    "cross_entropy": (nn.cross_entropy, [0.0, 1.0, 0.0]),
}


@pytest.mark.parametrize(("function", "target"), FUNCTIONS.values(), ids=FUNCTIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_float64_array_does_not_raise_the_precision(function, target, dtype):
    prediction = tt.Tensor(np.array([0.5, -0.5, 2.0], dtype), requires_grad=True)
    same = function(prediction, np.array(target, dtype))
    for given_target in (target, np.array(target), torch.tensor(target)):
        loss = function(prediction, given_target)
        assert loss.dtype == dtype
        assert loss.item() == same.item()


@pytest.mark.parametrize("name", ["mse", "bce", "hinge"])
def test_integer_tensors_and_booleans_are_data_as_well(name):
    function, target = FUNCTIONS[name]
    prediction = tt.Tensor(np.array([0.5, -0.5, 2.0], np.float32))
    expected = function(prediction, target)
    assert function(prediction, tt.Tensor(np.array(target, int))).item() == expected.item()
    assert function(prediction, np.array(target, int)).dtype == np.float32
    if name != "hinge":
        assert function(prediction, np.array(target, bool)).item() == expected.item()


@pytest.mark.parametrize("name", ["mse", "bce", "hinge", "cross_entropy"])
def test_predictions_may_be_plain_lists(name):
    function, target = FUNCTIONS[name]
    loss = function([0.5, -0.5, 2.0], target)
    assert isinstance(loss, tt.Tensor)
    assert loss.item() == function(tt.Tensor([0.5, -0.5, 2.0]), target).item()


@pytest.mark.parametrize("name", ["mse", "bce", "hinge"])
def test_no_element_has_the_sum_zero(name):
    function, _ = FUNCTIONS[name]
    assert function(np.zeros((0, 2)), np.zeros((0, 2)), "sum").item() == 0
    assert function(np.zeros((0, 2)), np.zeros((0, 2)), "none").shape == (0, 2)


def test_no_label_has_the_sum_zero():
    logits = tt.zeros((0, 3), requires_grad=True)
    loss = nn.cross_entropy(logits, [], "sum")
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.shape == (0, 3)
    assert nn.cross_entropy(logits, np.zeros(0, int), "none").shape == (0,)


# ----------------------------------------------------------------------------------------- the modules

MODULES = {
    "mse": (nn.MSELoss, nn.mse, [0.0, 1.0]),
    "bce": (nn.BCEWithLogitsLoss, nn.binary_cross_entropy_with_logits, [0.0, 1.0]),
    "hinge": (nn.HingeLoss, nn.hinge, [-1.0, 1.0]),
    "cross_entropy": (nn.CrossEntropyLoss, nn.cross_entropy, 1),
}


@pytest.mark.parametrize(("module", "function", "target"), MODULES.values(), ids=MODULES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_loss_module_is_its_function(module, function, target, reduction):
    prediction = tt.Tensor([0.3, -2.0])
    loss = module(reduction=reduction)
    np.testing.assert_array_equal(loss(prediction, target).data, function(prediction, target, reduction).data)
    assert repr(loss).startswith(f"{module.__name__}(reduction='{reduction}'")
    assert repr(loss.eval()) == repr(module(reduction=reduction))


def test_the_cross_entropy_module_smooths_labels():
    loss = nn.CrossEntropyLoss("sum", label_smoothing=0.25)
    assert loss(LOGITS, LABELS).item() == nn.cross_entropy(LOGITS, LABELS, "sum", 0.25).item()
    assert loss(LOGITS, LABELS).item() != nn.cross_entropy(LOGITS, LABELS, "sum").item()
