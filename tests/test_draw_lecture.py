"""`draw_dot` and `trace` are the lecture's, node by node."""

import random

import numpy as np
import pytest

from tests.dot_source import chain, edges_of, loss, nodes_of, product_plus_constant
from tinytensor import Tensor, Value, scalar, viz


def described(drawing):
    """A drawing without its names: the records, what each operation makes, and what each is made from."""
    nodes = nodes_of(drawing)
    label = {name: attributes["label"] for name, attributes in nodes.items()}
    is_record = {name: attributes.get("shape") == "record" for name, attributes in nodes.items()}
    records = sorted(label[name] for name in nodes if is_record[name])
    result = {tail: head for tail, head in edges_of(drawing) if is_record[head]}
    makes = sorted((label[operation], label[made]) for operation, made in result.items())
    uses = sorted(
        (label[tail], label[head], label[result[head]]) for tail, head in edges_of(drawing) if is_record[tail]
    )
    return records, makes, uses


# ------------------------------------------------------------------------------ the lecture's graphs


def neuron_s_sum():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8813735870195432, label="b")
    x1w1 = x1 * w1
    x1w1.label = "x1*w1"
    x2w2 = x2 * w2
    x2w2.label = "x2*w2"
    both = x1w1 + x2w2
    both.label = "x1*w1 + x2*w2"
    n = both + b
    n.label = "n"
    return n


def neuron():
    o = neuron_s_sum().tanh()
    o.label = "o"
    o.backward()
    return o


def neuron_of_exp():
    e = (2 * neuron_s_sum()).exp()
    e.label = "e"
    o = (e - 1) / (e + 1)
    o.label = "o"
    o.backward()
    return o


def trace_notebook_s_first():
    y = (Value(1.0) * 2 + 1).relu()
    y.backward()
    return y


def trace_notebook_s_neuron():
    random.seed(1337)
    y = scalar.Neuron(2)([Value(1.0), Value(-2.0)])
    y.backward()
    return y


# Each graph as the lecture draws it: the result's record, the operation, and the operands' records.
NEURON = [
    ("{ x1*w1 | data -6.0000 | grad 0.5000 }", "*", "{ x1 | data 2.0000 | grad -1.5000 }", "{ w1 | data -3.0000 | grad 1.0000 }"),
    ("{ x2*w2 | data 0.0000 | grad 0.5000 }", "*", "{ x2 | data 0.0000 | grad 0.5000 }", "{ w2 | data 1.0000 | grad 0.0000 }"),
    ("{ x1*w1 + x2*w2 | data -6.0000 | grad 0.5000 }", "+", "{ x1*w1 | data -6.0000 | grad 0.5000 }", "{ x2*w2 | data 0.0000 | grad 0.5000 }"),
    ("{ n | data 0.8814 | grad 0.5000 }", "+", "{ x1*w1 + x2*w2 | data -6.0000 | grad 0.5000 }", "{ b | data 6.8814 | grad 0.5000 }"),
]  # fmt: skip
GRAPHS = [
    pytest.param(product_plus_constant, [
        ("{ e | data -6.0000 | grad 0.0000 }", "*", "{ a | data 2.0000 | grad 0.0000 }", "{ b | data -3.0000 | grad 0.0000 }"),
        ("{ d | data 4.0000 | grad 0.0000 }", "+", "{ e | data -6.0000 | grad 0.0000 }", "{ c | data 10.0000 | grad 0.0000 }"),
    ], id="d = a*b + c"),
    pytest.param(loss, [
        ("{ e | data -6.0000 | grad -2.0000 }", "*", "{ a | data 2.0000 | grad 6.0000 }", "{ b | data -3.0000 | grad -4.0000 }"),
        ("{ d | data 4.0000 | grad -2.0000 }", "+", "{ e | data -6.0000 | grad -2.0000 }", "{ c | data 10.0000 | grad -2.0000 }"),
        ("{ L | data -8.0000 | grad 1.0000 }", "*", "{ d | data 4.0000 | grad -2.0000 }", "{ f | data -2.0000 | grad 4.0000 }"),
    ], id="L = d*f"),
    pytest.param(neuron, [
        *NEURON,
        ("{ o | data 0.7071 | grad 1.0000 }", "tanh", "{ n | data 0.8814 | grad 0.5000 }"),
    ], id="neuron"),
    pytest.param(neuron_of_exp, [
        *NEURON,
        ("{  | data 1.7627 | grad 0.2500 }", "*", "{ n | data 0.8814 | grad 0.5000 }", "{  | data 2.0000 | grad 0.2203 }"),
        ("{ e | data 5.8284 | grad 0.0429 }", "exp", "{  | data 1.7627 | grad 0.2500 }"),
        ("{  | data 4.8284 | grad 0.1464 }", "+", "{ e | data 5.8284 | grad 0.0429 }", "{  | data -1.0000 | grad 0.1464 }"),
        ("{  | data 6.8284 | grad -0.1036 }", "+", "{ e | data 5.8284 | grad 0.0429 }", "{  | data 1.0000 | grad -0.1036 }"),
        ("{  | data 0.1464 | grad 4.8284 }", "**-1", "{  | data 6.8284 | grad -0.1036 }"),
        ("{ o | data 0.7071 | grad 1.0000 }", "*", "{  | data 4.8284 | grad 0.1464 }", "{  | data 0.1464 | grad 4.8284 }"),
    ], id="neuron of exp"),
    pytest.param(trace_notebook_s_first, [
        ("{  | data 2.0000 | grad 1.0000 }", "*", "{  | data 1.0000 | grad 2.0000 }", "{  | data 2.0000 | grad 1.0000 }"),
        ("{  | data 3.0000 | grad 1.0000 }", "+", "{  | data 2.0000 | grad 1.0000 }", "{  | data 1.0000 | grad 1.0000 }"),
        ("{  | data 3.0000 | grad 1.0000 }", "ReLU", "{  | data 3.0000 | grad 1.0000 }"),
    ], id="trace_graph: (2x + 1).relu()"),
    pytest.param(trace_notebook_s_neuron, [
        ("{  | data 0.2355 | grad 1.0000 }", "*", "{  | data 0.2355 | grad 1.0000 }", "{  | data 1.0000 | grad 0.2355 }"),
        ("{  | data 0.2355 | grad 1.0000 }", "+", "{  | data 0.0000 | grad 1.0000 }", "{  | data 0.2355 | grad 1.0000 }"),
        ("{  | data -0.1331 | grad 1.0000 }", "*", "{  | data 0.0665 | grad -2.0000 }", "{  | data -2.0000 | grad 0.0665 }"),
        ("{  | data 0.1024 | grad 1.0000 }", "+", "{  | data 0.2355 | grad 1.0000 }", "{  | data -0.1331 | grad 1.0000 }"),
        ("{  | data 0.1024 | grad 1.0000 }", "ReLU", "{  | data 0.1024 | grad 1.0000 }"),
    ], id="trace_graph: Neuron(2)"),
]  # fmt: skip


@pytest.mark.parametrize(("graph", "expected"), GRAPHS)
def test_draw_dot_is_the_lecture_s_node_by_node(graph, expected):
    root = graph()
    drawing = viz.draw_dot(root)
    records, makes, uses = described(drawing)
    assert makes == sorted((operation, made) for made, operation, *_ in expected)
    assert uses == sorted((operand, operation, made) for made, operation, *operands in expected for operand in operands)
    nodes, edges = viz.trace(root)
    assert records == sorted(nodes_of(drawing)[str(id(node))]["label"] for node in nodes)
    assert len(edges_of(drawing)) == len(edges) + len(expected)
    for node in nodes:  # the lecture's names, and a tensor's own id
        assert nodes_of(drawing)[str(id(node))]["shape"] == "record"
        if node._op:
            assert nodes_of(drawing)[f"{id(node)}{node._op}"] == {"label": node._op}
            assert (f"{id(node)}{node._op}", str(id(node))) in edges_of(drawing)
    for operand, result in edges:
        assert (str(id(operand)), f"{id(result)}{result._op}") in edges_of(drawing)


def test_draw_dot_s_settings():
    assert "rankdir=LR" in viz.draw_dot(neuron()).source
    drawing = viz.draw_dot(neuron(), format="png", rankdir="TB")
    assert "rankdir=TB" in drawing.source
    assert drawing.format == "png"


def test_draw_dot_of_one_s_own_engine():
    """micrograd's Value has no label, and its notebook draws none."""

    class Own:
        def __init__(self, data, children=(), op=""):
            self.data, self.grad, self._prev, self._op = data, 0, set(children), op

    x = Own(2.0)
    y = Own(4.0, (x,), "double")
    records, makes, uses = described(viz.draw_dot(y))
    assert records == ["{ data 2.0000 | grad 0.0000 }", "{ data 4.0000 | grad 0.0000 }"]
    assert makes == [("double", "{ data 4.0000 | grad 0.0000 }")]
    assert uses == [("{ data 2.0000 | grad 0.0000 }", "double", "{ data 4.0000 | grad 0.0000 }")]


def test_draw_dot_of_tensors():
    x = Tensor([1.0, 2.0], requires_grad=True, label="x")
    records, makes, _ = described(viz.draw_dot((x * 2).sum()))
    assert "{ x | data [1., 2.] | grad None }" in records
    assert [operation for operation, _ in makes] == ["*", "sum"]
    (big,) = described(viz.draw_dot(Tensor(np.zeros((3, 4)))))[0]
    assert big == "{  | data (3, 4) min 0, mean 0, max 0 | grad None }"


def test_a_colon_in_an_operation_s_name_is_no_port():
    made = Value(1.0, (Value(2.0),), "my::op")
    _, makes, uses = described(viz.draw_dot(made))
    assert makes == [("my::op", "{  | data 1.0000 | grad 0.0000 }")]
    assert uses == [("{  | data 2.0000 | grad 0.0000 }", "my::op", "{  | data 1.0000 | grad 0.0000 }")]


def test_draw_dot_keeps_signs_of_records_in_labels():
    assert r"{ a\|b \{c\} \<d\> | data 1.0000" in viz.draw_dot(Value(1.0, label="a|b {c} <d>")).source.replace(
        "\\\\", "\\"
    )


# ------------------------------------------------------------------------------------------ trace


def test_trace_is_the_lecture_s():
    root = loss()
    nodes, edges = viz.trace(root)
    by_label = {node.label: node for node in nodes}
    assert isinstance(nodes, set)
    assert isinstance(edges, set)
    assert sorted(by_label) == ["L", "a", "b", "c", "d", "e", "f"]
    pairs = {("a", "e"), ("b", "e"), ("e", "d"), ("c", "d"), ("d", "L"), ("f", "L")}
    assert edges == {(by_label[operand], by_label[result]) for operand, result in pairs}


def test_trace_of_a_value_used_twice():
    a = Value(3.0)
    b = a + a
    assert viz.trace(b) == ({a, b}, {(a, b)})


def test_trace_sees_constants_and_frozen_tensors():
    x, frozen = Tensor([1.0], requires_grad=True), Tensor([2.0])
    y = x * frozen
    assert viz.trace(y) == ({x, frozen, y}, {(x, y), (frozen, y)})


def test_ten_thousand_nodes_are_refused_by_the_lecture_s_drawing():
    with pytest.raises(ValueError, match=r"draw_dot: the graph has 10,001 nodes, more than max_nodes=2,000.*viz\.draw"):
        viz.draw_dot(chain(5000))
    assert len(viz.trace(chain(20))[0]) == 41
    with pytest.raises(ValueError, match="41 nodes, more than max_nodes=40"):
        viz.draw_dot(chain(20), max_nodes=40)
    assert len(described(viz.draw_dot(chain(20), max_nodes=41))[0]) == 41
