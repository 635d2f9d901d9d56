"""Parameters and modules in drawings: names, colours, clusters, folding."""

import re

import numpy as np
import pytest

import tinytensor as tt
from tests.dot_source import clusters_of, edges_of, fills_of, nodes_of, words_of
from tinytensor import Tensor, Value, scalar, viz
from tinytensor.viz.labels import PARAMETER, PLAIN, RESULT, ROOT

# ------------------------------------------------------------------------- parameters and modules


def test_colours_without_a_model():
    data, weight = Tensor([1.0], label="data"), Tensor([1.0], requires_grad=True, label="weight")
    product = data * weight
    product.label = "product"
    root = product.sum()
    root.label = "root"
    fills = fills_of(viz.draw(root))
    assert fills["weight"] == PARAMETER
    assert fills["data"] == PLAIN
    assert fills["product"] == RESULT
    assert fills["root"] == ROOT


@pytest.mark.parametrize("params", [lambda w: {"w": w}, lambda w: [("w", w)], lambda w: iter([("w", w)])])
def test_parameters_are_named_and_only_they_are_coloured(params):
    inputs, weight = Value(1.0, label="x"), Value(2.0)
    fills = fills_of(viz.draw(inputs * weight, params=params(weight)))
    assert fills["w"] == PARAMETER
    assert fills["x"] == PLAIN


def test_parameters_without_names_keep_their_labels():
    weight = Value(2.0, label="w")
    for params in ([weight], weight):
        assert fills_of(viz.draw(Value(1.0, label="x") * weight, params=params))["w"] == PARAMETER


def test_a_shared_parameter_has_its_first_name():
    first, second = tt.nn.Linear(2, 2), tt.nn.Linear(2, 2)
    second.weight = first.weight
    model = tt.nn.Sequential(first, second)
    assert {"0.weight", "0.bias", "1.bias"} <= set(fills_of(viz.draw(model([[1.0, 2.0]]), model=model)))


def test_a_frozen_tensor_of_a_model_has_its_name_and_no_colour():
    layer = tt.nn.Linear(2, 1)
    layer.weight.requires_grad = False
    fills = fills_of(viz.draw(layer([[1.0, 2.0]]), model=layer))
    assert (fills["weight"], fills["bias"]) == (PLAIN, PARAMETER)


def test_modules_are_clusters():
    model = tt.nn.MLP(3, [4, 2], activation="tanh")
    loss = tt.nn.cross_entropy(model(Tensor(np.ones((2, 3), np.float32), label="x")), np.array([0, 1]))
    clusters = clusters_of(viz.draw(loss, model=model))
    shape = "(2, 4) float32"
    assert clusters["layers.0"] == ["layers.0.weight", "layers.0.bias", shape, "linear"]
    assert clusters["model"] == [shape, "tanh"]  # between the two layers: the network's
    assert clusters["layers.1"] == ["layers.1.weight", "layers.1.bias", "(2, 2) float32", "linear"]
    assert sorted(clusters[None]) == sorted([
        "x", "log_softmax", "(2, 2) float32", "(2,) int64", "nll(reduction=mean)", "() float32"])  # fmt: skip


def test_parameters_stand_above_and_below_their_operation():
    """So that a network is a row. The arrow to what is below is told the other way round, and drawn back."""
    model = tt.nn.Linear(2, 1)
    drawing = viz.draw(model(Tensor([[1.0, 2.0]], dtype=np.float32, label="x")), model=model)
    words = {name: found[0] for name, found in words_of(drawing).items()}
    arrows = sorted((words[tail], words[head]) for tail, head in edges_of(drawing))
    assert arrows == [("bias", "linear"), ("linear", "(1, 1) float32"), ("weight", "linear"), ("x", "linear")]
    assert drawing.source.count("dir=back") == 1
    assert drawing.source.count("rank=same") == 1


def test_a_folded_module_has_one_arrow_from_each_operand():
    model = scalar.MLP(2, [3, 1])
    drawing = viz.draw(model([Value(1.0, label="x"), Value(2.0, label="y")]), model=model, depth=0)
    words = {name: found[0] for name, found in words_of(drawing).items()}
    arrows = sorted((words[tail], words[head]) for tail, head in edges_of(drawing))
    assert arrows == [("MLP", "() float64"), ("x", "MLP"), ("y", "MLP")]


def test_a_penalty_on_the_weights_belongs_to_no_module():
    model = tt.nn.Linear(2, 1, bias=False)
    loss = model([[1.0, 2.0]]).sum() + 0.1 * (model.weight**2).sum()
    clusters = clusters_of(viz.draw(loss, model=model))
    assert clusters["model"] == ["weight", "(1, 1) float32", "linear"]
    assert {"square", "0.1 *", "sum", "+"} <= set(clusters[None])


class Attention(tt.nn.Module):
    """Written out with views of the weights, and with one module used twice."""

    def __init__(self):
        self.query = Tensor(np.ones((2, 2)), requires_grad=True)
        self.shared = tt.nn.Linear(2, 2, dtype=float)

    def forward(self, x):
        scores = (x @ self.query.T) @ self.shared(x).T
        return self.shared(tt.softmax(scores) @ x)


def test_views_of_parameters_and_what_stands_between_them():
    model = Attention()
    drawing = viz.draw(model(Tensor(np.eye(2), label="x")).sum(), model=model)
    clusters = clusters_of(drawing)
    assert [word for word in clusters["shared"] if word == "linear"] == ["linear", "linear"]
    assert {"query", "transpose", "@", "softmax"} <= set(clusters["model"])
    assert set(clusters[None]) == {"x", "sum", "() float64"}


def test_the_lecture_s_own_classes_are_modules_too():
    """They have parameters() and nothing else; the neuron's sum is in the neuron."""
    model = scalar.MLP(2, [2, 1])
    clusters = clusters_of(viz.draw(model([1.0, 2.0]), model=model))
    for neuron, size in (("layers.0.neurons.0", 2), ("layers.0.neurons.1", 2), ("layers.1.neurons.0", 2)):
        names = [word for word in clusters[neuron] if word.startswith("layers")]
        assert names == [*(f"{neuron}.w.{k}" for k in range(size)), f"{neuron}.b"]
        assert [clusters[neuron].count(sign) for sign in "*+"] == [2, 2]
    assert clusters["model"].count("ReLU") == 2


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_modules_are_folded_at_a_depth(depth):
    model = tt.nn.Sequential(tt.nn.Linear(3, 4), tt.nn.Sequential(tt.nn.Linear(4, 4), tt.nn.Tanh(), tt.nn.Linear(4, 1)))
    root = model(Tensor(np.ones((2, 3), np.float32), label="x")).sum()
    drawing = viz.draw(root, model=model, depth=depth)
    boxes = {words[0]: words[1:] for name, words in words_of(drawing).items() if name.startswith("m")}
    assert (
        boxes
        == [
            {"Sequential": ["41 parameters", "4 operations"]},
            {"0: Linear": ["16 parameters", "1 operation"], "1: Sequential": ["25 parameters", "3 operations"]},
            {"1.0: Linear": ["20 parameters", "1 operation"], "1.2: Linear": ["5 parameters", "1 operation"]},
        ][depth]
    )
    if depth == 0:  # x and the sum are outside, and so is the result that the sum uses
        assert [words[0] for name, words in words_of(drawing).items() if name[0] != "m"] == [
            "x", "(2, 1) float32", "() float32", "sum"]  # fmt: skip
        assert {(words_of(drawing)[tail][0], words_of(drawing)[head][0]) for tail, head in edges_of(drawing)} == {
            ("x", "Sequential"), ("Sequential", "(2, 1) float32"), ("(2, 1) float32", "sum"), ("sum", "() float32")}  # fmt: skip


def test_a_parameter_of_a_folded_module_is_used_elsewhere():
    model = tt.nn.Linear(2, 1)
    loss = model([[1.0, 2.0]]).sum() + (model.weight**2).sum()
    drawing = viz.draw(loss, model=model, depth=0)
    heads = [words_of(drawing)[head][0] for tail, head in edges_of(drawing) if tail.startswith("m")]
    assert sorted(heads) == ["(1, 1) float32", "square"]


def test_modules_are_folded_only_as_far_as_needed():
    model = scalar.MLP(2, [8, 1])
    root = sum((model([k, 1.0]) for k in range(3)), Value(0.0))
    everything = len(nodes_of(viz.draw(root, model=model)))
    drawing = viz.draw(root, model=model, max_nodes=everything - 1)
    (note,) = [attributes["label"] for name, attributes in nodes_of(drawing).items() if name == "note"]
    assert note == f"{everything:,} boxes are more than max_nodes={everything - 1:,}:\\nmodules are folded at depth=2"
    neuron = next(words for name, words in words_of(drawing).items() if name.startswith("m"))
    assert neuron == ["layers.0.neurons.0: Neuron", "3 parameters", "12 operations"]
    small = viz.draw(root, model=model, max_nodes=25)
    (network,) = [words for name, words in words_of(small).items() if re.fullmatch(r"m\d+", name)]
    assert network == ["MLP", "33 parameters", "168 operations"]
    assert "depth=0" in nodes_of(small)["note"]["label"]
