"""The plots: what is drawn is looked at as data (lines, images, texts, contours, frames), and what is refused."""

import io
import itertools
import random
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image
from sklearn.linear_model import LinearRegression
from sklearn.metrics import confusion_matrix
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import tinytensor as tt
from tinytensor import scalar, viz
from tinytensor.viz.plot_style import PALETTE

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # after the choice of the backend

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
OR = np.array([0, 1, 1, 1])


@pytest.fixture(autouse=True)
def _no_figures_left():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return Figure(figsize=(6.4, 4.8), layout="constrained").subplots()


def above(Z):
    """A line as a classifier: the score of the points is their height over x0 + x1 = 0.5."""
    return Z.sum(axis=1) - 0.5


def recorded(steps=3):
    model = tt.nn.MLP(2, [4, 1], generator=np.random.default_rng(0))
    history = viz.GradientHistory(model)
    for step in range(steps):
        model.zero_grad()
        (model([[0.5, -1.0 - step]]) ** 2).sum().backward()
        history.record()
    return history


DRAW = {
    "plot_losses": lambda **options: viz.plot_losses([3.0, 1.0, 2.0], **options),
    "plot_gradients": lambda **options: viz.plot_gradients(recorded(), **options),
    "plot_confusion": lambda **options: viz.plot_confusion([0, 1, 1], [0, 1, 0], **options),
    "plot_weights": lambda **options: viz.plot_weights([[1.0, -2.0]], **options),
    "plot_decision_boundary": lambda **options: viz.plot_decision_boundary(above, CORNERS, OR, **options),
}
every = pytest.mark.parametrize("draw", [pytest.param(draw, id=name) for name, draw in DRAW.items()])


# -------------------------------------------------------------------------------------------- axes


@every
def test_without_axes_each_call_makes_a_pyplot_figure(draw):
    first, second = draw(), draw()
    assert first.figure is not second.figure
    assert plt.get_fignums() == [1, 2]
    assert plt.gcf() is second.figure


@every
def test_given_axes_are_drawn_on_and_returned(draw, ax):
    left, right = Figure().subplots(1, 2)
    assert draw(ax=right) is right
    assert not left.has_data()
    assert right.has_data()
    assert plt.get_fignums() == []


@every
def test_the_title_is_the_user_s(draw, ax):
    assert draw(ax=ax, title="My words").get_title() == "My words"


@every
def test_what_is_not_axes_is_refused(draw):
    with pytest.raises(TypeError, match=r"ax must be matplotlib Axes, got ndarray; choose one of them: ax\[0\]"):
        draw(ax=Figure().subplots(1, 2))
    with pytest.raises(TypeError, match=r"ax must be matplotlib Axes, got Figure$"):
        draw(ax=Figure())


def test_matplotlib_is_imported_when_something_is_drawn_and_pyplot_only_without_axes():
    code = """
import sys, tinytensor as tt
tt.viz.plot_losses, tt.viz.GradientHistory, tt.viz.animate_decision_boundary
assert not any(name.startswith("matplotlib") for name in sys.modules)
from matplotlib.figure import Figure
tt.viz.plot_losses([1.0], ax=Figure().subplots())
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_without_matplotlib_the_error_names_the_extra():
    code = """
import sys
sys.modules["matplotlib"] = None
import tinytensor as tt
viz, model = tt.viz, tt.nn.MLP(2, [1])
history = viz.GradientHistory(model)
model([[1.0, 1.0]]).sum().backward()
history.record()
points = [[0.0, 0.0], [1.0, 1.0]]
for call in (
    lambda: viz.plot_losses([1.0]), lambda: viz.plot_gradients(history), lambda: viz.plot_confusion([0], [0]),
    lambda: viz.plot_weights([[1.0]]), lambda: viz.plot_decision_boundary(model, points, [0, 1]),
    lambda: viz.animate_decision_boundary(model, [model.state_dict()], points, [0, 1]),
):
    try:
        call()
    except ImportError as error:
        print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    names = [*DRAW, "animate_decision_boundary"]
    expected = {f"{name} needs matplotlib: pip install 'tinytensor[viz]'" for name in names}
    lines = result.stdout.splitlines()
    assert len(lines) == 6
    # The animation draws by plot_decision_boundary, but says itself what is missing.
    assert set(lines) == expected


# ------------------------------------------------------------------------------------------ curves


def curves(ax):
    """The curves by name, without the crosses."""
    return {line.get_label(): line for line in ax.lines if line.get_marker() != "x"}


def crosses(ax):
    """Where the crosses stand, by their note in the legend."""
    return {line.get_label(): line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "x"}


def words(legend):
    return [text.get_text() for text in legend.get_texts()] if legend else []


def test_one_curve(ax):
    viz.plot_losses([3.0, 1.0, 2.0], ax=ax)
    (line,) = ax.lines
    assert line.get_xydata().tolist() == [[0, 3], [1, 1], [2, 2]]
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("Loss", "step", "loss")
    assert ax.get_yscale() == "linear"
    assert ax.get_legend() is None


def test_named_curves_of_different_lengths(ax):
    viz.plot_losses(
        {"training": range(10), "validation": [5.0, 4.0]},
        x={"validation": [4, 9]},
        xlabel="epoch",
        ylabel="nats",
        ax=ax,
    )
    assert curves(ax)["training"].get_xydata().tolist() == [[i, i] for i in range(10)]
    assert curves(ax)["validation"].get_xydata().tolist() == [[4, 5], [9, 4]]
    assert words(ax.get_legend()) == ["training", "validation"]
    assert curves(ax)["training"].get_color() != curves(ax)["validation"].get_color()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "nats")


def test_tensors_and_values_are_numbers(ax):
    x = tt.Tensor(2.0, requires_grad=True)
    viz.plot_losses({"tensors": [x * 1, x * 2], "values": [tt.Value(5.0) * 2], "one": tt.Tensor([7.0])}, ax=ax)
    data = {name: line.get_ydata().tolist() for name, line in curves(ax).items()}
    assert data == {"tensors": [2, 4], "values": [10], "one": [7]}


def test_many_curves_are_all_different(ax):
    viz.plot_losses({str(k): [k, k + 1] for k in range(20)}, ax=ax)
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 20
    assert len(words(ax.get_legend())) == 20


def test_a_curve_of_one_value_shows(ax):
    viz.plot_losses([1.0], ax=ax)
    assert ax.lines[0].get_marker() == "."


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_a_gap_with_a_cross(bad, ax):
    viz.plot_losses([1.0, bad, 3.0, bad], x=[10, 20, 30, 40], ax=ax)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, np.nan, 3, np.nan])
    assert crosses(ax) == {"2 values not finite, first at 20": [20, 40]}
    assert words(ax.get_legend()) == ["2 values not finite, first at 20"]
    assert np.isfinite(ax.get_ylim()).all()


def test_zero_has_no_place_on_a_logarithmic_axis(ax):
    viz.plot_losses({"a": [1.0, 0.0, 0.1], "b": [-1.0, np.nan, 1.0], "c": [1.0, 2.0]}, log=True, ax=ax)
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(curves(ax)["a"].get_ydata(), [1, np.nan, 0.1])
    assert crosses(ax) == {
        "a: 1 value not positive, at 1": [1],
        "b: 2 values not finite or not positive, first at 0": [0, 1],
    }


@pytest.mark.parametrize("log", [False, True])
def test_nothing_but_nan_is_a_picture_too(log, ax):
    viz.plot_losses([np.nan, np.nan], log=log, ax=ax)
    ax.figure.draw_without_rendering()
    assert list(crosses(ax)) == ["2 values not finite, first at 0"]


def test_smoothing_is_the_unbiased_moving_average(ax):
    y = np.random.default_rng(0).normal(size=30)
    viz.plot_losses(y, smooth=0.8, ax=ax)
    raw, smoothed = ax.lines
    np.testing.assert_array_equal(raw.get_ydata(), y)
    assert raw.get_alpha() < 0.5
    for i, found in enumerate(smoothed.get_ydata()):
        np.testing.assert_allclose(found, np.average(y[: i + 1], weights=0.8 ** np.arange(i, -1, -1)), rtol=1e-12)


def test_smoothing_goes_on_after_a_gap_and_can_be_for_some(ax):
    viz.plot_losses({"a": [1.0, np.nan, 3.0], "b": [1.0, 9.0]}, smooth={"a": 0.5}, ax=ax)
    np.testing.assert_allclose(curves(ax)["a"].get_ydata(), [1, np.nan, (0.5 * 1 + 3) / 1.5])
    assert curves(ax)["b"].get_ydata().tolist() == [1, 9]
    assert words(ax.get_legend()) == ["a", "a: 1 value not finite, at 1", "b"]


@pytest.mark.parametrize(
    ("losses", "options", "error", "message"),
    [
        pytest.param([], {}, ValueError, "the curve is empty; append a number per step", id="empty list"),
        pytest.param({}, {}, ValueError, "there is no curve in the mapping", id="empty dict"),
        pytest.param({"a": []}, {}, ValueError, "the curve 'a' is empty", id="empty curve"),
        pytest.param([[1.0, 2.0]], {}, ValueError, r"one axis, got shape \(1, 2\); several curves are", id="matrix"),
        pytest.param(3.0, {}, ValueError, r"one axis, got shape \(\)", id="a number"),
        pytest.param(["a", "b"], {}, TypeError, "the curve must be real numbers, got <U1", id="words"),
        pytest.param([1j], {}, TypeError, "the curve must be real numbers, got complex", id="complex"),
        pytest.param([1.0, None], {}, TypeError, "but of Python objects", id="None"),
        pytest.param([[1.0], [1.0, 2.0]], {}, ValueError, "the curve is not an array", id="ragged"),
        pytest.param([1.0], {"smooth": 1.0}, ValueError, "smooth must be from 0 to below 1, got 1.0", id="smooth 1"),
        pytest.param([1.0], {"smooth": -0.1}, ValueError, "smooth must be from 0", id="smooth below 0"),
        pytest.param([1.0], {"x": [1, 2]}, ValueError, "each of the 1 value of the curve, got shape", id="long x"),
        pytest.param([1.0], {"x": [np.nan]}, ValueError, "x must have one finite number", id="x nan"),
        pytest.param({"a": [1.0]}, {"x": {"b": [1]}}, ValueError, "x names b; the curves are a", id="x of another"),
        pytest.param({"a": [1.0]}, {"smooth": {"b": 0}}, ValueError, "smooth names b; the curves are a", id="smooth b"),
    ],
)  # fmt: skip
def test_losses_refuse(losses, options, error, message, ax):
    with pytest.raises(error, match=f"^plot_losses: .*{message}"):
        viz.plot_losses(losses, ax=ax, **options)


# --------------------------------------------------------------------------------------- gradients


def test_norms_are_those_of_the_gradients():
    model = tt.nn.MLP(3, [5, 2], generator=np.random.default_rng(0))
    history = viz.GradientHistory(model)
    layers, parameters = {}, {}
    for step in range(3):
        model.zero_grad()
        (model(np.eye(3) + step) ** 2).sum().backward()
        history.record()
        for name, parameter in model.named_parameters():
            parameters.setdefault(name, []).append(np.linalg.norm(parameter.grad))
        for k, layer in enumerate(model.layers):
            together = np.concatenate([layer.weight.grad.ravel(), layer.bias.grad])
            layers.setdefault(f"layers.{k}", []).append(np.linalg.norm(together))
    assert history.steps == [0, 1, 2]
    assert len(history) == 3
    for by, expected in (("layer", layers), ("parameter", parameters)):
        found = history.norms(by)
        assert list(found) == list(expected)
        for name, norms in expected.items():
            np.testing.assert_allclose(found[name], norms, rtol=1e-6)


def test_gradients_are_drawn_per_layer_on_a_logarithmic_axis(ax):
    history = recorded()
    viz.plot_gradients(history, ax=ax)
    assert {name: line.get_ydata().tolist() for name, line in curves(ax).items()} == history.norms()
    assert ax.get_yscale() == "log"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "norm of the gradient (L2)")


def test_gradients_are_drawn_per_parameter_at_the_steps_recorded(ax):
    history = viz.GradientHistory(layer := tt.nn.Linear(2, 1))
    layer([[3.0, 4.0]]).sum().backward()
    for step in (10, None, 30):
        history.record(step)
    viz.plot_gradients(history, by="parameter", log=False, ax=ax)
    assert curves(ax)["weight"].get_xydata().tolist() == [[10, 5], [11, 5], [30, 5]]
    assert curves(ax)["bias"].get_ydata().tolist() == [1, 1, 1]
    assert ax.get_yscale() == "linear"


def test_a_frozen_gradient_is_a_gap_and_an_exploded_one_too(ax):
    first, second = tt.nn.Linear(1, 1), tt.nn.Linear(1, 1)
    history = viz.GradientHistory(tt.nn.Sequential(first, second))
    first([[1.0]]).sum().backward()
    history.record()
    assert history.norms()["0"] == [pytest.approx(2**0.5)]
    assert np.isnan(history.norms()["1"]).all()
    first.weight.grad = np.full((1, 1), np.nan, np.float32)
    second.weight.grad = np.zeros((1, 1), np.float32)  # and its bias has none, which counts for nothing
    history.record()
    assert np.isnan(history.norms()["0"][1])
    assert history.norms()["1"][1] == 0
    viz.plot_gradients(history, ax=ax)
    assert crosses(ax) == {
        "0: 1 value not finite, at 1": [1],
        "1: 2 values not finite or not positive, first at 0": [0, 1],
    }


def test_a_large_float32_gradient_does_not_overflow():
    w = tt.Tensor(np.zeros(2, np.float32), requires_grad=True)
    (w * np.array([3e30, 4e30], np.float32)).sum().backward()
    assert w.grad.dtype == np.float32
    history = viz.GradientHistory({"w": w})
    history.record()
    assert history.norms("parameter")["w"] == [pytest.approx(5e30)]


def test_the_lecture_s_network_has_gradients_by_layer():
    network = scalar.MLP(2, [3, 1])
    history = viz.GradientHistory({f"layer {k}": layer.parameters() for k, layer in enumerate(network.layers)})
    network([1.0, -1.0]).backward()
    history.record()
    expected = [np.linalg.norm([p.grad for p in layer.parameters()]) for layer in network.layers]
    np.testing.assert_allclose([norms[0] for norms in history.norms().values()], expected)
    assert list(history.norms("parameter"))[:2] == ["layer 0.0", "layer 0.1"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        pytest.param(
            lambda: viz.GradientHistory(tt.nn.Linear(1, 1)).record(), RuntimeError,
            r"GradientHistory.record: no parameter has a gradient; call it after backward\(\)", id="before backward",
        ),
        pytest.param(lambda: viz.GradientHistory([1]), TypeError, "expected a Module, or tensors by name", id="list"),
        pytest.param(lambda: viz.GradientHistory({"a": [1]}), TypeError, "under 'a' is a int", id="numbers"),
        pytest.param(lambda: viz.GradientHistory(tt.nn.Tanh()), ValueError, "no parameter that requires", id="tanh"),
        pytest.param(lambda: recorded().norms("weight"), ValueError, "by must be 'layer' or 'parameter'", id="by"),
        pytest.param(lambda: viz.plot_gradients(recorded(0)), ValueError, "nothing was recorded", id="no record"),
        pytest.param(
            lambda: viz.plot_gradients(tt.nn.Linear(1, 1)), TypeError,
            "plot_gradients: expected a GradientHistory, got Linear; make history", id="a module",
        ),
    ],
)  # fmt: skip
def test_gradients_refuse(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --------------------------------------------------------------------------------------- confusion


def cells(ax):
    """The texts of the cells as a table."""
    found = {text.get_position(): text.get_text() for text in ax.texts}
    side = round(len(found) ** 0.5)
    return [[found[column, row] for column in range(side)] for row in range(side)]


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_confusion_counts_as_scikit_learn_does(ax):
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    table = confusion_matrix(true, predicted)
    viz.plot_confusion(true, predicted, ax=ax)
    np.testing.assert_array_equal(ax.images[0].get_array(), table)
    assert cells(ax) == [[str(count) for count in row] for row in table]
    assert ticks(ax.xaxis) == ticks(ax.yaxis) == list("01234")
    assert ax.get_title() == f"{np.trace(table)} of 200 right ({np.trace(table) / 200:.1%})"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


def test_confusion_from_logits_has_all_classes(ax):
    logits = tt.Tensor([[0.0, 5.0, 1.0], [2.0, 1.0, 0.0]], requires_grad=True) * 2
    viz.plot_confusion([1, 1], logits, labels=["a", "b", "c"], ax=ax)
    assert ax.images[0].get_array().tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert ticks(ax.xaxis) == ["a", "b", "c"]


def test_confusion_normalized_by_row(ax):
    viz.plot_confusion([0, 0, 0, 1], [0, 0, 1, 1], labels=["a", "b", "never"], normalize=True, ax=ax)
    assert cells(ax) == [["66.7", "33.3", "0"], ["0", "100.0", "0"], ["–", "–", "–"]]
    image = ax.images[0].get_array()
    np.testing.assert_allclose(image[:2], [[200 / 3, 100 / 3, 0], [0, 100, 0]])
    assert image.mask[2].all()
    assert ax.get_xlabel() == "predicted class (% of the row)"


def test_the_text_of_a_dark_cell_is_white(ax):
    viz.plot_confusion([0] * 9 + [1], [0] * 8 + [1, 1], ax=ax)
    assert [text.get_color() for text in ax.texts] == ["white", "black", "#888888", "black"]


@pytest.mark.parametrize(
    ("true", "predicted", "labels", "names", "diagonal"),
    [
        pytest.param(["cat", "dog"], ["cat", "cat"], None, ["cat", "dog"], [1, 0], id="words, sorted"),
        pytest.param(["cat", "dog"], ["cat", "cat"], ["dog", "cat"], ["dog", "cat"], [0, 1], id="words in an order"),
        pytest.param(np.array(["cat", "dog"], object), ["cat", "dog"], None, ["cat", "dog"], [1, 1], id="objects"),
        pytest.param([-1, 1], [-1, -1], None, ["-1", "1"], [1, 0], id="-1 and 1"),
        pytest.param([-1, 1], [-1, -1], [1, -1], ["1", "-1"], [0, 1], id="numbers in an order"),
        pytest.param([1.0, 0.0], [1.0, 1.0], None, ["0", "1"], [0, 1], id="whole floats"),
        pytest.param([True, False], [1, 1], None, ["False", "True"], [0, 1], id="booleans"),
        pytest.param([2, 0], [2, 2], ["a", "b", "c"], ["a", "b", "c"], [0, 0, 1], id="names of integers"),
    ],
)
def test_the_order_and_the_names_of_the_classes(true, predicted, labels, names, diagonal, ax):
    viz.plot_confusion(true, predicted, labels=labels, ax=ax)
    assert ticks(ax.yaxis) == names
    assert ax.images[0].get_array().diagonal().tolist() == diagonal


def test_forty_classes_have_a_bar_and_no_numbers(ax):
    viz.plot_confusion(range(40), range(40), ax=ax)
    assert not ax.texts
    assert len(ax.figure.axes) == 2
    assert ax.figure.axes[1].get_ylabel() == "count"
    np.testing.assert_array_equal(ax.images[0].get_array(), np.eye(40))


@pytest.mark.parametrize(
    ("true", "predicted", "options", "error", "message"),
    [
        pytest.param([], [], {}, ValueError, "are empty", id="empty"),
        pytest.param([0, 1], [0], {}, ValueError, r"got \(2,\) and \(1,\)", id="lengths"),
        pytest.param([[0, 1]], [[0, 1]], {}, ValueError, r"expected y_true of shape \(n,\)", id="matrix of labels"),
        pytest.param([0, 1], [0.1, 0.9], {}, ValueError, "y_pred holds 0.1, which is no label", id="probabilities"),
        pytest.param([0, np.nan], [0, 1], {}, ValueError, "y_true holds nan", id="nan"),
        pytest.param([0, 1], [0, np.inf], {}, ValueError, "y_pred holds inf", id="infinite"),
        pytest.param([0], [[np.nan, 1.0]], {}, ValueError, "none of them nan", id="nan logits"),
        pytest.param([0], np.empty((1, 0)), {}, ValueError, "no score for any class", id="no logits"),
        pytest.param([5], [[0.0, 1.0]], {}, ValueError, "5 is not among the classes 0, 1", id="label beyond logits"),
        pytest.param([0], [[0.0, 1.0]], {"labels": ["a"]}, ValueError, "scores for 2 classes, and there are 1", id="1"),
        pytest.param([0, 3], [0, 1], {"labels": ["a", "b"]}, ValueError, "3 is not among the classes 0, 1", id="3"),
        pytest.param(["x"], ["y"], {"labels": ["x"]}, ValueError, "is not among the classes", id="unknown word"),
        pytest.param(["a"], [0], {}, TypeError, "both must be alike", id="words and numbers"),
        pytest.param([0], [0], {"labels": ["a", "a"]}, ValueError, "a label occurs twice", id="twice"),
    ],
)  # fmt: skip
def test_confusion_refuses(true, predicted, options, error, message, ax):
    with pytest.raises(error, match=f"^plot_confusion: .*{message}"):
        viz.plot_confusion(true, predicted, ax=ax, **options)


# ----------------------------------------------------------------------------------------- weights


def test_a_matrix_is_an_image_with_zero_in_the_middle(ax):
    viz.plot_weights(tt.Tensor([[1.0, -4.0, 0.0]], requires_grad=True), ax=ax)
    image = ax.images[0]
    assert image.get_array().tolist() == [[1, -4, 0]]
    assert image.get_clim() == (-4, 4)
    assert to_hex(image.cmap(image.norm(0.0))) == "#ffffff"
    assert to_hex(image.cmap(image.norm(-4.0))).upper() == PALETTE[0]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("input", "output", "weights: 1 × 3")
    assert ax.figure.axes[1].get_ylabel() == "weight"


def test_rows_are_tiles_with_lines_between(ax):
    model = tt.nn.MLP(6, [5, 2], generator=np.random.default_rng(0))
    viz.plot_weights(model, shape=(2, 3), columns=3, colorbar=False, ax=ax)
    picture = ax.images[0].get_array()
    assert picture.shape == (2 * 2 + 1, 3 * 3 + 2)
    weight = model.layers[0].weight.data
    for k, (top, left) in enumerate([(0, 0), (0, 4), (0, 8), (3, 0), (3, 4)]):
        np.testing.assert_array_equal(picture[top : top + 2, left : left + 3], weight[k].reshape(2, 3))
    assert picture.mask[2].all()
    assert picture.mask[:, [3, 7]].all()
    assert picture.mask[3:, 8:].all()  # the empty place
    assert picture.mask.sum() == 55 - 30
    assert ax.get_title() == "layers.0.weight: 5 tiles of 2 × 3"
    assert len(ax.figure.axes) == 1


@pytest.mark.parametrize(("count", "shape"), [(128, (71, 143)), (12, (26, 35)), (1, (8, 8)), (13, (26, 44))])
def test_tiles_fill_the_picture(count, shape, ax):
    viz.plot_weights(np.ones((count, 8, 8)), ax=ax)
    assert ax.images[0].get_array().shape == shape


def test_the_first_tiles_of_very_many(ax):
    viz.plot_weights(np.arange(40.0).reshape(10, 4), shape=(2, 2), most=4, columns=2, ax=ax)
    assert ax.get_title() == "weights: the first 4 of 10 tiles of 2 × 2"
    assert ax.images[0].get_array().max() == 15


def test_weights_that_are_not_finite_are_left_out_and_counted(ax):
    viz.plot_weights([[1.0, np.nan, -np.inf]], vmax=0.5, ax=ax)
    assert ax.images[0].get_array().mask.tolist() == [[False, True, True]]
    assert ax.images[0].get_clim() == (-0.5, 0.5)
    assert ax.get_title() == "weights: 1 × 3\n(2 weights not finite: grey)"


@pytest.mark.parametrize("weights", [np.zeros((2, 2)), np.full((2, 2), np.nan), [1.0, 2.0]])
def test_odd_weights_are_drawn(weights, ax):
    viz.plot_weights(weights, ax=ax).figure.draw_without_rendering()
    assert ax.images[0].get_clim()[1] > 0


@pytest.mark.parametrize(
    ("weights", "options", "error", "message"),
    [
        pytest.param(np.ones((2, 6)), {"shape": (2, 2)}, ValueError, r"rows of 6 weights .* shape \(2, 2\)", id="shape"),
        pytest.param(np.ones((2, 6)), {"shape": (6,)}, ValueError, "can't be tiles of shape", id="one number"),
        pytest.param(np.ones((2, 6)), {"shape": (-2, -3)}, ValueError, "can't be tiles of shape", id="negative"),
        pytest.param(np.ones((1, 2, 3, 4)), {}, ValueError, r"weights.reshape\(-1, \*weights.shape", id="4 axes"),
        pytest.param(1.0, {}, ValueError, r"must have the axes \(out, in\)", id="a number"),
        pytest.param(np.ones((0, 6)), {}, ValueError, r"weights is empty, of shape \(0, 6\)", id="empty"),
        pytest.param(tt.nn.Tanh(), {}, ValueError, "the Tanh has no parameter with two axes", id="tanh"),
        pytest.param(["a"], {}, TypeError, "weights must be real numbers", id="words"),
        pytest.param([[1.0]], {"vmax": 0}, ValueError, "must be above 0, got vmax=0", id="vmax"),
        pytest.param([[1.0]], {"columns": 0}, ValueError, "columns=0", id="columns"),
    ],
)  # fmt: skip
def test_weights_refuse(weights, options, error, message, ax):
    with pytest.raises(error, match=f"^plot_weights: .*{message}"):
        viz.plot_weights(weights, ax=ax, **options)


# -------------------------------------------------------------------------------- decision boundary


def region(ax, point):
    """The class (a position in the palette) whose colour a point of the plane has, seen in the picture."""
    figure = ax.figure
    figure.set_dpi(100)
    canvas = matplotlib.backends.backend_agg.FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    x, height = ax.transData.transform(point)
    colour = pixels[round(pixels.shape[0] - height), round(x), :3] / 255
    pale = [[1 - 0.35 * (1 - int(c[i : i + 2], 16) / 255) for i in (1, 3, 5)] for c in PALETTE]
    distances = np.abs(np.array(pale) - colour).max(axis=1)
    assert distances.min() < 0.02
    return int(distances.argmin())


def lines(ax):
    """The points of each line that was drawn at a level."""
    return {
        float(found.levels[0]): np.concatenate([path.vertices for path in found.get_paths()])
        for found in ax.collections
        if isinstance(found, matplotlib.contour.ContourSet) and not found.filled
    }


def test_the_line_of_two_classes_is_where_the_score_is_0(ax):
    viz.plot_decision_boundary(above, CORNERS, OR, levels=(-0.25, 0, 0.25), ax=ax)
    assert set(lines(ax)) == {-0.25, 0, 0.25}
    for level, points in lines(ax).items():
        np.testing.assert_allclose(points.sum(axis=1) - 0.5, level, atol=1e-6)
    assert words(ax.get_legend()) == ["0", "1"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("feature 0", "feature 1", "Decision boundary")
    assert ax.figure.axes[1].get_ylabel() == "score"
    zero, one = [found for found in ax.collections if not isinstance(found, matplotlib.contour.ContourSet)]
    assert zero.get_offsets().tolist() == CORNERS[:1].tolist()
    assert one.get_offsets().tolist() == CORNERS[1:].tolist()
    assert to_hex(zero.get_facecolor()[0]).upper() == PALETTE[0]
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < 0 < 1 < right
    assert bottom < 0 < 1 < top


def test_one_level_needs_no_list(ax):
    viz.plot_decision_boundary(above, CORNERS, OR, levels=0.1, ax=ax)
    assert list(lines(ax)) == [0.1]


def test_the_colours_end_at_vmax(ax):
    viz.plot_decision_boundary(above, CORNERS, OR, vmax=2, ax=ax)
    (shades,) = [found for found in ax.collections if getattr(found, "filled", False)]
    assert (shades.levels[0], shades.levels[-1]) == (-2, 2)


THREE = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])


def columns(Z):
    """Three classes in columns: left of -0.5, in the middle, right of 0.5."""
    return np.stack([-Z[:, 0], np.full(len(Z), 0.5), Z[:, 0]], axis=1)


def test_many_classes_have_a_region_each(ax):
    viz.plot_decision_boundary(columns, THREE, [0, 1, 2], ax=ax)
    for point, expected in [((-0.8, 0.1), 0), ((-0.4, 0.1), 1), ((0.4, -0.1), 1), ((0.6, -0.1), 2)]:
        assert region(ax, point) == expected
    np.testing.assert_allclose(np.abs(np.concatenate(list(lines(ax).values()))[:, 0]), 0.5, atol=1e-6)
    assert words(ax.get_legend()) == ["0", "1", "2"]
    assert len(ax.figure.axes) == 1


def test_a_module_of_logits_is_asked_in_use_and_without_recording(ax):
    class Network(tt.nn.Module):
        def __init__(self):
            self.linear, self.drop, self.frozen = tt.nn.Linear(2, 3), tt.nn.Dropout(0.5), tt.nn.Dropout(0.5).eval()
            self.seen = []

        def forward(self, x):
            self.seen.append((tt.is_grad_enabled(), self.training, self.drop.training, x.dtype, len(x)))
            return self.drop(self.linear(x))

    model = Network()
    viz.plot_decision_boundary(model, THREE.astype(np.float32), [0, 1, 2], resolution=150, ax=ax)
    assert {seen[:4] for seen in model.seen} == {(False, False, False, np.dtype(np.float32))}
    assert sum(seen[4] for seen in model.seen) == 150**2
    assert max(seen[4] for seen in model.seen) <= 10_000
    assert (model.training, model.drop.training, model.frozen.training) == (True, True, False)
    with pytest.raises(ValueError, match="the model fails"):
        viz.plot_decision_boundary(tt.nn.Sequential(model, tt.nn.Linear(9, 1)), THREE, [0, 1, 2], ax=ax)
    assert model.drop.training


@pytest.mark.parametrize(
    "wrap", [np.asarray, tt.Tensor, lambda scores: scores[:, None], lambda scores: scores.tolist()]
)
def test_kinds_of_answers(wrap, ax):
    viz.plot_decision_boundary(lambda Z: wrap(above(Z)), CORNERS, OR, ax=ax)
    np.testing.assert_allclose(lines(ax)[0.0].sum(axis=1), 0.5, atol=1e-6)


@pytest.mark.parametrize("labels", [[0, 1, 2], ["ape", "bee", "cat"], [7.0, 8.0, 9.0]])
def test_an_estimator_s_predictions_are_labels(labels, ax):
    y = np.array(labels)
    viz.plot_decision_boundary(DecisionTreeClassifier().fit(THREE, y), THREE, y, ax=ax)
    assert [region(ax, (x, 0.05)) for x in (-0.8, 0.2, 0.8)] == [0, 1, 2]
    assert words(ax.get_legend()) == [f"{label:g}" if isinstance(label, float) else str(label) for label in labels]


def test_an_estimator_s_decision_function_is_a_score(ax):
    machine = SVC(kernel="linear", C=100).fit(CORNERS, OR)
    viz.plot_decision_boundary(machine, CORNERS, OR, ax=ax)
    np.testing.assert_allclose(machine.decision_function(lines(ax)[0.0]), 0, atol=1e-6)


def test_a_network_of_values_is_the_batched_one(ax):
    random.seed(0)
    network = scalar.MLP(2, [4, 1])
    batched = tt.nn.MLP(2, [4, 1], dtype=np.float64)
    for layer, neurons in zip(batched.layers, network.layers, strict=True):
        layer.weight.data = [[w.data for w in neuron.w] for neuron in neurons.neurons]
        layer.bias.data = [neuron.b.data for neuron in neurons.neurons]
    pictures = [Figure().subplots(), Figure().subplots()]
    for model, picture in zip((network, batched), pictures, strict=True):
        viz.plot_decision_boundary(model, CORNERS, OR, levels=(-1, -0.1, 0, 0.1, 1), resolution=15, ax=picture)
    found, expected = map(lines, pictures)
    assert found.keys() == expected.keys() != set()
    for level, points in expected.items():
        np.testing.assert_allclose(found[level], points, atol=1e-12)


def test_a_score_that_is_not_finite_is_noted(ax):
    viz.plot_decision_boundary(lambda Z: np.where(Z[:, 0] < 0.5, np.nan, above(Z)), CORNERS, OR, ax=ax)
    assert ax.get_title() == "Decision boundary\n(grey: the score is not finite, 50% of the plane)"
    assert (lines(ax)[0.0][:, 0] > 0.49).all()


def test_logits_that_are_not_finite_are_noted(ax):
    def scores(Z):
        return np.where(Z[:, :1] < 0, np.nan, columns(Z))

    viz.plot_decision_boundary(scores, THREE, [0, 1, 2], ax=ax)
    assert "(grey: the score is not finite, 50% of the plane)" in ax.get_title()
    assert region(ax, (0.9, 0.05)) == 2


@pytest.mark.parametrize("value", [0.0, 3.0, np.nan])
def test_a_constant_score_has_no_boundary(value, ax):
    viz.plot_decision_boundary(lambda Z: np.full(len(Z), value), CORNERS, OR, ax=ax).figure.draw_without_rendering()
    assert lines(ax) == {}


@pytest.mark.parametrize(("label", "names"), [(0, ["0", "1"]), (1, ["0", "1"]), (-1, ["-1", "1"])])
def test_one_class_alone_is_on_its_side(label, names, ax):
    viz.plot_decision_boundary(above, CORNERS, [label] * 4, ax=ax)
    assert words(ax.get_legend()) == names


@pytest.mark.parametrize("points", [[[1.0, 2.0]], [[1, 2], [1, 3]]])
def test_points_in_a_line_have_a_plane_around_them(points, ax):
    viz.plot_decision_boundary(above, points, [0] * len(points), ax=ax)
    assert np.ptp(ax.get_xlim()) > 0.2


def test_names_of_classes(ax):
    viz.plot_decision_boundary(above, CORNERS, OR, labels=["no", "yes"], ax=ax)
    assert words(ax.get_legend()) == ["no", "yes"]


@pytest.mark.parametrize(
    ("model", "X", "y", "options", "error", "message"),
    [
        pytest.param(above, np.ones((4, 3)), OR, {}, ValueError, r"\(n, 2\), got \(4, 3\); choose two columns", id="X"),
        pytest.param(above, [1.0, 2.0], OR, {}, ValueError, r"must have shape \(n, 2\), got \(2,\)", id="a row"),
        pytest.param(above, np.empty((0, 2)), [], {}, ValueError, "no points in X", id="no points"),
        pytest.param(above, [[np.nan, 1.0]], [0], {}, ValueError, "X has 1 number that are not finite", id="nan"),
        pytest.param(above, CORNERS, [0, 1, np.nan, np.nan], {}, ValueError, "y has 2 labels that are not", id="nan y"),
        pytest.param(above, CORNERS, [0, 1], {}, ValueError, r"each of 4 points, got shape \(2,\)", id="short y"),
        pytest.param(above, CORNERS, OR[:, None], {}, ValueError, r"write y\[:, 0\]", id="column"),
        pytest.param(above, CORNERS, np.eye(4), {}, ValueError, r"write y.argmax\(axis=1\)", id="one-hot"),
        pytest.param(above, CORNERS, [0, 1, 2, 3], {}, ValueError, "but y has 4: 0, 1, 2, 3; return a score", id="4"),
        pytest.param(columns, CORNERS, [1, 2, 3, 3], {}, ValueError, "3 scores .* classes 0 to 2, got 1, 2, 3", id="0"),
        pytest.param(columns, CORNERS, list("abca"), {}, ValueError, "y must be the classes 0 to 2", id="words"),
        pytest.param(tt.nn.Linear(3, 1), CORNERS, OR, {}, ValueError, r"fails on points of shape .*in_features=3", id="3"),
        pytest.param(lambda Z: 1.0, CORNERS, OR, {}, ValueError, r"answer has shape \(\); expected", id="a number"),
        pytest.param(lambda Z: Z[:5], CORNERS, OR, {}, ValueError, r"answer has shape \(5, 2\); expected", id="5 rows"),
        pytest.param(lambda Z: ["a"] * len(Z), CORNERS, OR, {}, TypeError, "must be numbers, got <U1", id="words out"),
        pytest.param(3, CORNERS, OR, {}, TypeError, "a function or an estimator with predict, got int", id="no model"),
        pytest.param(above, CORNERS, OR, {"resolution": 1}, ValueError, "resolution must be 2 or more", id="resolution"),
        pytest.param(above, CORNERS, OR, {"vmax": 0.0}, ValueError, "vmax must be above 0", id="vmax"),
        pytest.param(above, CORNERS, OR, {"labels": "abc"}, ValueError, "each of the classes 0, 1, got 3", id="labels"),
    ],
)  # fmt: skip
def test_boundary_refuses(model, X, y, options, error, message, ax):
    with pytest.raises(error, match=f"^plot_decision_boundary: (?s:.*){message}"):
        viz.plot_decision_boundary(model, X, y, ax=ax, **options)


def test_estimators_that_do_not_fit_are_refused(ax):
    with pytest.raises(ValueError, match=r"gives \d+ different values, so it seems to be no"):
        viz.plot_decision_boundary(LinearRegression().fit(CORNERS, OR), CORNERS, OR, ax=ax)
    tree = DecisionTreeClassifier().fit(CORNERS, list("abbb"))
    with pytest.raises(TypeError, match="predicts labels of <U1, and y has labels of int64"):
        viz.plot_decision_boundary(tree, CORNERS, OR, ax=ax)


# --------------------------------------------------------------------------------------- animation


def trained(steps):
    """A linear classifier, and its states while its boundary moves over the plane."""
    model = tt.nn.Linear(2, 1)
    states = [{"weight": [[1.0, 1.0]], "bias": [-0.3 * (step + 1)]} for step in range(steps)]
    return model, states


def frames(data):
    """The frames of a GIF as arrays, and how many milliseconds each is shown."""
    with Image.open(io.BytesIO(data)) as file:
        assert file.format == "GIF"
        found = []
        for k in range(file.n_frames):
            file.seek(k)
            found.append((np.asarray(file.convert("RGB")).astype(int), file.info["duration"]))
        assert file.info["loop"] == 0  # for ever
    return [frame for frame, _ in found], [time for _, time in found]


def test_a_gif_has_a_frame_per_state_and_they_differ(tmp_path):
    model, states = trained(4)
    before = model.state_dict()
    made = viz.animate_decision_boundary(
        model, states, CORNERS, OR, tmp_path / "b.gif", fps=5, hold=1, size=(4, 3), dpi=50, resolution=20
    )
    pictures, times = frames(made.data)
    assert len(pictures) == made.frames == 4
    assert times == [200, 200, 200, 1200]
    assert {picture.shape for picture in pictures} == {(150, 200, 3)}
    for one, next_ in itertools.pairwise(pictures):
        assert (np.abs(one - next_).max(axis=-1) > 60).mean() > 0.005  # a line moved
    assert (tmp_path / "b.gif").read_bytes() == made.data
    assert re.fullmatch(r"Animation\(4 frames, 0\.\d MB\)", repr(made))
    assert made._repr_html_().startswith('<img alt="A decision boundary over 4 states of training" src="data:image/gif')
    made.save(tmp_path / "again.gif")
    assert (tmp_path / "again.gif").read_bytes() == made.data
    for name, array in before.items():
        np.testing.assert_array_equal(model.state_dict()[name], array)
    assert plt.get_fignums() == []


def test_a_frame_is_the_picture_of_its_state():
    model, states = trained(3)
    made = viz.animate_decision_boundary(
        model, states, CORNERS, OR, titles=["a", "b", "c"], vmax=1, size=(4, 3), dpi=50
    )
    model.load_state_dict(states[0])
    figure = Figure(figsize=(4, 3), dpi=50, layout="constrained")
    viz.plot_decision_boundary(
        model, CORNERS, OR, title="a", vmax=1, colorbar=False, resolution=120, ax=figure.subplots()
    )
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    expected = np.asarray(Image.open(file).convert("RGB")).astype(int)
    assert np.abs(frames(made.data)[0][0] - expected).mean() < 2  # a GIF has 256 colours


def test_equal_states_become_one_long_frame():
    model, states = trained(1)
    made = viz.animate_decision_boundary(
        model, states * 3, CORNERS, OR, titles=["same"] * 3, hold=0, size=(3, 2), dpi=50, resolution=10
    )
    assert frames(made.data)[1] == [300]


def test_the_model_is_as_before_after_an_error():
    model, states = trained(2)
    before = model.state_dict()
    with pytest.raises(ValueError, match="misshapen: weight"):
        viz.animate_decision_boundary(model, [states[0], {"weight": [1.0], "bias": [0.0]}], CORNERS, OR)
    np.testing.assert_array_equal(model.weight.data, before["weight"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        pytest.param({"model": above}, TypeError, "expected a Module, which takes on the states, got function", id="f"),
        pytest.param({"states": []}, ValueError, "there are no states; in training", id="no states"),
        pytest.param({"states": {}}, TypeError, "expected a list of what model.state_dict", id="one state"),
        pytest.param({"titles": ["a"]}, ValueError, "a title for each of 2 states, got 1", id="titles"),
        pytest.param({"fps": 0}, ValueError, "fps must be above 0", id="fps"),
        pytest.param({"fps": 1000}, ValueError, "at most 50", id="fps 1000"),
        pytest.param({"hold": -1}, ValueError, "hold not negative", id="hold"),
        pytest.param({"colour": 1}, TypeError, "unexpected option 'colour'", id="option"),
        pytest.param({"path": "no/such/folder/a.gif"}, FileNotFoundError, "there is no folder 'no/such", id="folder"),
        pytest.param({"X": np.ones((4, 3))}, ValueError, r"X must have shape \(n, 2\)", id="3 features"),
    ],
)
def test_the_animation_refuses(change, error, message):
    model, states = trained(2)
    arguments = {"model": model, "states": states, "X": CORNERS, "y": OR} | change
    with pytest.raises(error, match=f"^animate_decision_boundary: .*{message}"):
        viz.animate_decision_boundary(**arguments)


# ------------------------------------------------------------------------------------------ layout


def texts(figure):
    """The text and the box of every text that is seen."""
    figure.draw_without_rendering()
    seen = []
    for axes in figure.axes:
        ends = []
        for axis, k in ((axes.xaxis, 0), (axes.yaxis, 1)):
            low, high = sorted(axis.get_view_interval())
            ends += [label for label in axis.get_ticklabels() if low <= label.get_position()[k] <= high]
        legend = axes.get_legend()
        seen += [
            *ends,
            axes.title,
            axes.xaxis.label,
            axes.yaxis.label,
            *axes.texts,
            *(legend.get_texts() if legend else []),
        ]
    return [(text.get_text(), text.get_window_extent()) for text in seen if text.get_text() and text.get_visible()]


PICTURES = {
    "losses": lambda: viz.plot_losses({"training": np.geomspace(3, 0.001, 90), "test": [2.0, np.nan, 0.0]}, log=True),
    "many curves": lambda: viz.plot_losses({f"layer {k}, with a name": [k, k + 1] for k in range(14)}),
    "gradients": lambda: viz.plot_gradients(recorded()),
    "ten digits": lambda: viz.plot_confusion(np.arange(1000) % 10, np.arange(1000) % 7),
    "percentages": lambda: viz.plot_confusion(np.arange(1000) % 10, np.arange(1000) % 7, normalize=True),
    "25 classes": lambda: viz.plot_confusion(np.arange(999) % 25, np.arange(999) % 24, normalize=True),
    "80 classes": lambda: viz.plot_confusion(range(80), range(80)),
    "long names": lambda: viz.plot_confusion(["a long name", "another one", "a third name"] * 2, ["a long name"] * 6),
    "weights": lambda: viz.plot_weights(np.arange(-640.0, 640).reshape(10, 128)),
    "tiles": lambda: viz.plot_weights(tt.nn.Linear(64, 128), shape=(8, 8)),
    "scores": lambda: viz.plot_decision_boundary(above, CORNERS, OR),
    "regions": lambda: viz.plot_decision_boundary(columns, THREE, [0, 1, 2]),
}


@pytest.mark.parametrize("draw", [pytest.param(draw, id=name) for name, draw in PICTURES.items()])
def test_no_text_overlaps_another_or_leaves_the_figure(draw):
    figure = draw().figure
    boxes = texts(figure)
    assert len(boxes) > 5
    width, height = figure.canvas.get_width_height()
    for k, (words, box) in enumerate(boxes):
        assert -1 <= box.x0 <= box.x1 <= width + 1, words
        assert -1 <= box.y0 <= box.y1 <= height + 1, words
        for others, other in boxes[:k]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            along = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert across < 1 or along < 1, (words, others)
