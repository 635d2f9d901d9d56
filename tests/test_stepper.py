"""The stepper without a browser: the walk is the engine's, the page is one small file, and what it refuses."""

import html
import importlib.resources
import inspect
import json
import re

import numpy as np
import pytest

import tinytensor as tt
from tests.stepper_graphs import GRAPHS, NETWORK, classifier, column_and_row, moments, scalar_network, used_twice
from tinytensor import Value
from tinytensor.rules.table import RULES, name_of
from tinytensor.viz.stepper import step_through
from tinytensor.viz.stepper.formulas import CONDITIONS, FORMULAS
from tinytensor.viz.stepper.pool import packed
from tinytensor.viz.stepper.record import formulas
from tinytensor.viz.stepper.sources import row_source
from tinytensor.viz.stepper.walk import walk

# ---------------------------------------------------------------------------------------- the walk


def walked(loss):
    return walk(loss, 1.0 if isinstance(loss, Value) else np.ones_like(loss.data), 1500)


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_the_walk_takes_the_engines_steps(make):
    loss = make()
    expected = [moment for moment in moments(loss) if moment.phase == "backward"]
    steps = walked(loss).steps
    assert [step.node for step in steps] == [moment.node for moment in expected]
    for step, moment in zip(steps, expected, strict=True):
        np.testing.assert_array_equal(step.gradient, moment.arrays["g"])
        assert [part.operand.source for part in step.parts] == [part["to"] for part in moment.parts]
        for part, want in zip(step.parts, moment.parts, strict=True):
            np.testing.assert_array_equal(part.value, want["part"])
            assert (part.before is None) == ("before" not in want)
            np.testing.assert_array_equal(part.after, want.get("after", want["part"]))


@pytest.mark.parametrize("make", [*GRAPHS.values(), scalar_network], ids=[*GRAPHS, "scalar network"])
def test_finished_gradients_are_those_of_backward(make):
    loss = make()
    gradients = walked(loss).gradients
    for node in gradients:
        node.grad = None
    loss.backward()
    for node, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, node.grad)


@pytest.mark.parametrize("make", GRAPHS.values(), ids=GRAPHS)
def test_local_times_arriving_is_what_the_rule_returned(make):
    for step in walked(make()).steps:
        for part in step.parts:
            raw = part.value if part.raw is None else part.raw
            if part.local is not None:
                np.testing.assert_allclose(np.multiply(step.gradient, part.local), raw, rtol=1e-12)
            assert step.given is None


def test_what_is_before_the_sum():
    loss = column_and_row()
    column, row = (part for step in walked(loss).steps for part in step.parts if part.raw is not None)
    table = np.ones((3, 4))
    np.testing.assert_array_equal(column.raw, table * [3.0, 4.0, 5.0, -2.0])
    np.testing.assert_array_equal(column.value, column.raw.sum(axis=1, keepdims=True))
    np.testing.assert_array_equal(row.raw, table * [[1.0], [2.0], [-1.0]])
    np.testing.assert_array_equal(row.value, row.raw.sum(axis=0))


def test_nobodys_grad_is_touched():
    a = tt.Tensor([1.0, 2.0], requires_grad=True)
    b = tt.Tensor([3.0, 4.0], requires_grad=True)
    c = a * b
    loss = c.sum()
    kept = a.grad = np.array([5.0, 6.0])
    kept = a.grad
    step_through(loss)
    assert a.grad is kept
    assert kept.tolist() == [5.0, 6.0]
    assert b.grad is None
    assert c.grad is None
    assert loss.grad is None
    v = Value(2.0)
    step_through(v * v)
    assert v.grad == 0.0


# ---------------------------------------------------------------------------------------- what is refused


def by_hand():
    a = Value(2.0)
    out = Value(4.0, (a,), "squared")
    out._backward = lambda: None
    return out


def replaced():
    a = Value(2.0)
    b = a * a
    b._backward = lambda: None
    return b + 1


def changed():
    a = tt.Tensor([1.0], requires_grad=True, label="a")
    loss = (a * a).sum()
    a.data = [2.0]
    return loss


def changed_value():
    a = Value(1.0, label="a")
    loss = a * a
    a.data = 2.0
    return loss


def long_chain():
    a = Value(0.0)
    for _ in range(1000):
        a = a + 1.0
    return a


REFUSED = {
    "not a tensor": (lambda: 3.0, TypeError, "expected a Tensor or a Value, or a function that returns one, got float"),
    "no gradient": (lambda: tt.Tensor([1.0]).sum(), RuntimeError, "does not require a gradient"),
    "several elements": (lambda: tt.Tensor([1.0, 2.0], requires_grad=True) * 2, RuntimeError, "reduce it to one element"),
    "a _backward written by hand": (by_hand, TypeError, "'squared' has a _backward written by hand"),
    "a _backward replaced": (replaced, TypeError, r"'\*' has a _backward written by hand"),
    "data changed": (changed, RuntimeError, "multiply: an operand, the tensor 'a'.*was changed after the forward pass"),
    "data of a Value changed": (changed_value, RuntimeError, "'a' of shape.*was changed after the forward pass"),
    "too many nodes": (long_chain, ValueError, "more than 1500 nodes.*take fewer examples.*limit="),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(make, error, words):
    with pytest.raises(error, match=words):
        step_through(make())


def test_several_elements_with_a_gradient():
    x = tt.Tensor([1.0, 2.0], requires_grad=True, label="x")
    assert "x" in step_through(x * 2, gradient=[1.0, 10.0]).html
    with pytest.raises(ValueError, match="gradient: expected shape"):
        step_through(x * 2, gradient=[1.0])


def test_a_larger_limit_is_taken():
    assert len(record_of(step_through(long_chain(), limit=5000))["nodes"]) == 2001


# ---------------------------------------------------------------------------------------- rules and formulas

LISTED = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "negative",
    "reciprocal",
    "square",
    "sqrt",
    "power",
    "exp",
    "expm1",
    "log",
    "log1p",
    "tanh",
    "sigmoid",
    "sin",
    "cos",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "softplus",
    "absolute",
    "maximum",
    "minimum",
    "clip",
    "where",
    "sum",
    "mean",
    "prod",
    "max",
    "min",
    "var",
    "std",
    "linalg.norm",
    "logsumexp",
    "matmul",
    "linear",
    "linear_relu",
    "softmax",
    "log_softmax",
    "nll",
    "bce",
    "reshape",
    "ravel",
    "expand_dims",
    "squeeze",
    "transpose",
    "swapaxes",
    "index",
    "concatenate",
    "stack",
    "broadcast_to",
]


def test_the_formulas_are_typeset():
    assert set(LISTED) <= set(FORMULAS)
    assert set(FORMULAS) <= {name_of(function) for function in RULES}
    assert set(CONDITIONS) <= set(FORMULAS)
    stored = {name: tuple(entry["tex"]) for name, entry in formulas().items()}
    assert stored == FORMULAS, "python -m tinytensor.viz.stepper.typeset"
    assert {name: entry["if"] for name, entry in formulas().items() if "if" in entry} == CONDITIONS
    for entry in formulas().values():
        assert len(entry["math"]) == len(entry["tex"])
        assert all(math.startswith("<math ") and math.endswith("</math>") for math in entry["math"])


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_has_a_part_for_the_first_ruled_argument(name):
    function = next(function for function in RULES if name_of(function) == name)
    ruled = [vjp for vjp in RULES[function].vjps if vjp is not None]
    assert 1 <= len(FORMULAS[name]) - 1 <= len(ruled)


def is_ours(function):
    """Whether a row with a rule stands in the package; other tests write rows of their own."""
    package = str(importlib.resources.files("tinytensor"))
    vjps = [vjp for vjp in RULES[function].vjps if vjp is not None]
    return bool(vjps) and all(inspect.getfile(vjp).startswith(package) for vjp in vjps)


@pytest.mark.parametrize("function", list(filter(is_ours, RULES)), ids=name_of)
def test_the_source_is_the_row(function):
    entries = row_source(function)
    lambdas = [vjp for vjp in RULES[function].vjps if vjp is not None]
    shown = "\n".join(entry["text"] for entry in entries)
    for vjp in lambdas:
        first = inspect.getsource(vjp).strip().splitlines()[0]
        assert first in shown
    for entry in entries:
        file, line = entry["place"].rsplit(":", 1)
        path = importlib.resources.files("tinytensor").joinpath(file.removeprefix("tinytensor/"))
        source = path.read_text(encoding="utf-8").splitlines()
        assert entry["text"] == "\n".join(source[int(line) - 1 :][: entry["text"].count("\n") + 1])


def test_what_is_not_listed_is_shown_by_its_source_alone():
    rule = record_of(step_through(np.arctan2(tt.Tensor(1.0, requires_grad=True), 2.0)))["rules"]["arctan2"]
    assert "math" not in rule
    assert [entry["text"].splitlines()[0] for entry in rule["source"]] == [
        "rule(np.arctan2, lambda g, out, y, x: over_radius(over_radius(g, x, x, y), 1, x, y),"
    ]


def test_a_users_function_is_shown_by_its_source():
    @tt.primitive
    def multiply(x):  # the name of NumPy's: its formulas must not be taken for ours
        return x * 3

    multiply.defvjp(lambda g, out, x: g * 3)
    record = record_of(step_through(multiply(tt.Tensor(2.0, requires_grad=True))))
    rule = record["rules"]["multiply"]
    assert "math" not in rule
    assert rule["source"][0]["text"].strip() == "multiply.defvjp(lambda g, out, x: g * 3)"
    assert rule["source"][0]["place"].startswith("test_stepper.py:")


# ---------------------------------------------------------------------------------------- the page


def record_of(page):
    return json.loads(re.search(r'<script type="application/json" id="record">(.*?)</script>', page.html, re.S)[1])


def test_the_page_is_one_small_file(tmp_path):
    path = tmp_path / "backprop.html"
    for make, names in ((scalar_network, NETWORK), (classifier, None)):
        page = step_through(make, path, names=names)
        assert page.path == path
        assert path.stat().st_size < 1_000_000
        text = path.read_text(encoding="utf-8")
        assert "default-src 'none'" in text
        assert not re.findall(r"""<(?:link|img|iframe|script[^>]*\bsrc)\b""", text)
        assert "Copyright (c) 2012-2014 Chris Pettitt" in text  # the layout library's license goes with it


def test_names_and_lines():
    record = record_of(step_through(classifier))
    by_name = {node["n"]: node for node in record["nodes"]}
    assert {"hidden", "active", "logits", "loss", "target", "x"} <= set(by_name)
    line = record["lines"][by_name["logits"]["l"]]
    assert line["text"] == "logits = model.layers[1](active)"
    assert line["place"].startswith("stepper_graphs.py:")
    assert by_name["logits"]["c"].startswith("linear(active, leaf 3, leaf 4")
    named = record_of(step_through(scalar_network, names=NETWORK))
    assert "layers.0.neurons.3.w.2" in {node["n"] for node in named["nodes"]}
    assert record_of(step_through(used_twice()))["lines"] == []  # built before: nobody recorded


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", "<!--DATA-->", "\u2028", "<b>&amp;"])
def test_names_cannot_break_the_page(name):
    x = tt.Tensor(1.0, requires_grad=True, label=name)
    page = step_through(x * 2, title=name)
    assert record_of(page)["nodes"][0]["n"] == name
    assert "alert(1)</script>" not in page.html
    assert page.html.count("<!--DATA-->") == 0


def test_a_notebook_shows_it_in_a_frame(tmp_path):
    page = step_through(used_twice, height=500)
    frame = page._repr_html_()
    assert html.unescape(re.search(r'srcdoc="(.*?)" title=', frame, re.S)[1]) == page.html
    assert 'sandbox="allow-scripts"' in frame
    assert "height: 500px" in frame
    assert "not written" in repr(page)
    page.save(tmp_path / "page.html")
    assert str(tmp_path / "page.html") in repr(page)


SENTENCES = {
    "column": (lambda x: (x((3, 1)) * x((3, 4))).sum(), [1], "Summed over axis 1: forward copied x of shape (3, 1) to (3, 4) along axis 1, so each element was used 4 times"),
    "row": (lambda x: (x((4,)) + x((3, 4))).sum(), [0], "Summed over axis 0: forward copied x of shape (4,) to (3, 4) along axis 0, so each element was used 3 times"),
    "number": (lambda x: (x(()) * x((3, 4))).sum(), [0, 1], "Summed over axes 0 and 1: forward copied x of shape () to (3, 4) along axes 0 and 1, so each element was used 12 times"),
    "batch of a product": (lambda x: (x((2, 3)) @ x((5, 3, 4))).sum(), [0], "Summed over axis 0: forward copied x of shape (2, 3) to (5, 2, 3) along axis 0"),
    "left of a product": (lambda x: (x((2, 3)) @ x((3, 4))).sum(), [1], "The product GYᵀ sums over axis 1: each element of x was used in 4 columns"),
    "sum": (lambda x: x((2, 3)).sum(axis=1).sum(), [], "Forward summed over axis 1; backward copies the gradient back along it"),
    "reshape": (lambda x: x((2, 3)).reshape(6).sum(), [], "Elements only move"),
    "softmax": (lambda x: tt.softmax(x((2, 3))).sum(), [], "Each output depends on all elements along axis 1"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "axes", "why"), SENTENCES.values(), ids=SENTENCES)
def test_the_axes_that_are_summed_are_named(make, axes, why):
    labels = iter(["x", "y"])
    rng = np.random.default_rng(0)

    def x(shape):
        return tt.Tensor(rng.normal(size=shape), requires_grad=True, label=next(labels))

    record = record_of(step_through(make(x)))
    part = next(
        part
        for step in record["steps"]
        for part in step["p"]
        if record["nodes"][record["nodes"][step["n"]]["a"][part["a"]]["n"]]["n"] == "x"
    )
    assert part["w"].startswith(why)
    assert part.get("x", []) == axes


def test_a_linear_layer_says_what_it_sums():
    record = record_of(step_through(classifier))
    whys = [part["w"] for step in record["steps"] for part in step["p"] if record["nodes"][step["n"]]["n"] == "logits"]
    assert whys[0] == "The product GW sums over axis 1: each element of active was used in 4 columns."
    assert whys[1] == "The product GᵀX sums over axis 0: each of the 6 rows used the same leaf 3."
    assert whys[2].startswith("Summed over axis 0: forward copied leaf 4 of shape (4,) to (6, 4)")
    assert whys[2].endswith("The rule sums by itself.")
    nothing = [entry for step in record["steps"] for entry in step.get("x", [])]
    assert any("the logits' rule has counted it" in why for _, why in nothing)


# ---------------------------------------------------------------------------------------- arrays


def test_small_arrays_are_whole_and_large_ones_are_corners():
    small = np.arange(12.0).reshape(3, 4)
    assert packed(small) == {"s": [3, 4], "v": list(range(12))}
    large = np.arange(100.0 * 50).reshape(100, 50)
    entry = packed(large)
    assert entry["s"] == [100, 50]
    assert entry["i"] == [[0, 1, 2, 97, 98, 99], [0, 1, 2, 47, 48, 49]]
    assert entry["v"] == large[np.ix_(*entry["i"])].ravel().tolist()
    np.testing.assert_allclose(entry["m"], [0, large.mean(), 4999, np.linalg.norm(large)], rtol=1e-9)


def test_numbers_that_json_lacks():
    assert packed(np.array([np.nan, np.inf, -np.inf, -0.0, 1e-30, 3.0]))["v"] == ["nan", "inf", "-inf", 0, 1e-30, 3]
    assert packed(np.array([True, False])) == {"s": [2], "t": "bool", "v": [1, 0]}
    assert packed(np.zeros((0, 3)))["v"] == []
