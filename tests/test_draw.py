"""`draw`: values and operations, large graphs, files and notebooks, and what is missing."""

import json
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import tinytensor as tt
from tests.dot_source import chain, edges_of, loss, nodes_of, words_of
from tinytensor import Tensor, Value, viz
from tinytensor.viz import labels

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz's program dot is not installed")

# ------------------------------------------------------------------------------------------- draw


def test_values_operations_and_arrows():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    product = a * b
    root = product + 10
    root.label = "root"
    root.backward()
    drawing = viz.draw(root)
    words = words_of(drawing)
    by_words = sorted((words[tail], words[head]) for tail, head in edges_of(drawing))
    product_words, ten = ["() float64", "data", "-6", "grad", "1"], ["() float64", "data", "10", "grad", "1"]
    assert by_words == sorted([
        (["a", "() float64", "data", "2", "grad", "-3"], ["*"]),
        (["b", "() float64", "data", "-3", "grad", "2"], ["*"]),
        (["*"], product_words), (product_words, ["+"]), (ten, ["+"]),
        (["+"], ["root", "() float64", "data", "4", "grad", "1"]),
    ])  # fmt: skip


def test_a_value_used_twice_has_two_arrows():
    a = Value(3.0)
    assert edges_of(viz.draw(a + a)) == [("o1", "v1"), ("v0", "o1"), ("v0", "o1")]


def test_a_tensor_has_its_shape_dtype_and_all_its_numbers():
    x = Tensor([[1.0, -0.0], [3.25, 1e-9]], requires_grad=True, label="x", dtype=np.float32)
    (x * 2).sum().backward()
    words = words_of(viz.draw((x * 2).sum()))["v0"]
    assert words == ["x", "(2, 2) float32", "data", "1", "0", "3.25", "1e-09", "grad", "2", "2", "2", "2"]


ARRAYS = [
    pytest.param(np.arange(3.0), ["0", "1", "2"], id="a row"),
    pytest.param(np.arange(4).reshape(2, 1, 2), ["0", "1", "2", "3"], id="three axes"),
    pytest.param(np.array([True, False]), ["True", "False"], id="truth values"),
    pytest.param(np.zeros((0, 3)), ["empty"], id="empty"),
    pytest.param(np.arange(9.0), ["min 0, mean 4, max 8"], id="too long a row"),
    pytest.param(np.arange(20).reshape(5, 4), ["min 0, mean 9.5, max 19"], id="too many"),
    pytest.param(np.zeros((1, 1, 1, 2)), ["min 0, mean 0, max 0"], id="four axes"),
    pytest.param(np.arange(20).reshape(5, 4) > 3, ["16 of 20 True"], id="many truth values"),
    pytest.param(np.array([*range(19), np.nan]).reshape(5, 4), ["min 0, mean 9, max 18, 1 of 20 not finite"], id="nan"),
    pytest.param(np.full((5, 4), np.inf), ["20 of 20 not finite"], id="infinite"),
]  # fmt: skip


@pytest.mark.parametrize(("array", "expected"), ARRAYS)
def test_numbers_in_full_or_in_summary(array, expected):
    assert words_of(viz.draw(Tensor(array)))["v0"][2:] == expected


def test_matrices_of_three_axes_are_told_apart_by_a_line():
    (box,) = nodes_of(viz.draw(Tensor(np.zeros((3, 2, 2))))).values()
    assert box["label"].count("<HR/>") == 2


def test_max_elements():
    x = Tensor(np.arange(20.0).reshape(5, 4))
    assert words_of(viz.draw(x, max_elements=20))["v0"][2:] == [str(k) for k in range(20)]


x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
OPERATIONS = [
    pytest.param(x + x, "+", id="symbol"),
    pytest.param(x - 1, "- 1", id="number on the right"),
    pytest.param(1 - x, "1 -", id="number on the left"),
    pytest.param(x**3, "** 3", id="power"),
    pytest.param(np.exp(x), "exp", id="name"),
    pytest.param(x.sum(), "sum", id="defaults are not worth words"),
    pytest.param(x.sum(axis=1, keepdims=True), "sum(axis=1, keepdims=True)", id="keywords"),
    pytest.param(np.transpose(x, (1, 0)), "transpose(axes=(1, 0))", id="a tuple"),
    pytest.param(np.maximum(x, 0.5), "maximum(0.5)", id="a ufunc's number"),
    pytest.param(x[0, 1:], "[0, 1:]", id="key"),
    pytest.param(x[..., ::-1, None], "[…, ::-1, None]", id="key of all kinds"),
    pytest.param(x[np.array([1, 0, 1])], "[[1, 0, 1]]", id="key of an array"),
    pytest.param(x[np.zeros(20, int)], "[int64(20,)]", id="key of a long array"),
    pytest.param(Value(2.0) ** 3, "**3", id="a Value's exponent"),
]  # fmt: skip


@pytest.mark.parametrize(("result", "text"), OPERATIONS)
def test_an_operation_has_its_plain_arguments(result, text):
    drawing = viz.draw(result)
    assert [words for name, words in words_of(drawing).items() if name.startswith("o")] == [[text]]
    assert viz.to_json(result)["root"]["operation"] == text


def test_arrays_among_the_arguments_are_drawn():
    drawing = viz.draw(np.where(np.array([True, False]), x, np.array([10.0, 20.0])))
    assert sorted(words_of(drawing)[name][-2:] for name, _ in edges_of(drawing) if name.startswith("c")) == [
        ["10", "20"], ["True", "False"]]  # fmt: skip
    joined = viz.draw(np.concatenate([x, np.zeros((1, 2)), x]))
    assert [tail[0] for tail, head in edges_of(joined) if head == "o1"] == ["v", "c", "v"]


def test_the_line_of_code_is_told_on_hover():
    with tt.record_lines():
        y = x * 2
    hint = nodes_of(viz.draw(y))["o1"]["tooltip"]
    assert re.fullmatch(r"\* 2\\ntest_draw.py:\d+: y = x \* 2", hint)


@pytest.mark.parametrize("label", ["<b>&amp;</b>", 'quoted "so"', "back\\slash", "a|b{c}", "ünï → ∂"])
@needs_dot
def test_labels_of_any_signs_are_drawn_as_they_are(label):
    for draw in (viz.draw, viz.draw_dot):
        by_hand = Value(1.0, (Value(2.0, label=label),), label)  # the operation has the same name
        svg = ElementTree.fromstring(draw(by_hand).pipe(format="svg"))
        texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
        assert texts.count(label) == 2


# ------------------------------------------------------------------------------------- large graphs


def test_ten_thousand_nodes_are_summarized_and_it_says_so():
    root = chain(5000)
    assert len(viz.trace(root)[0]) == 10_001
    drawing = viz.draw(root)
    nodes = nodes_of(drawing)
    assert len(nodes) == 1001
    assert nodes["more"]["label"].startswith("… 14,001 more boxes\\nare not drawn.")
    assert all(word in nodes["more"]["label"] for word in ("max_nodes=", "model=", "depth=", "earlier result"))
    assert [head for tail, head in edges_of(drawing) if tail == "more"]
    assert labels.ROOT in {attributes["fillcolor"] for attributes in nodes.values()}
    assert len(nodes_of(viz.draw(root, max_nodes=15_001))) == 15_001


def test_no_more_boxes_are_kept_than_asked_for():
    wide = np.concatenate([Tensor([float(k)], requires_grad=True) for k in range(20)])
    drawing = viz.draw(wide, max_nodes=5)
    assert len(nodes_of(drawing)) == 6
    assert nodes_of(drawing)["more"]["label"].startswith("… 17 more boxes")
    assert edges_of(drawing).count(("more", "o20")) == 1


def test_a_deep_chain_overflows_no_walk():
    root = chain(30_000)
    assert len(viz.trace(root)[0]) == 60_001
    assert len(nodes_of(viz.draw(root, max_nodes=50))) == 51
    graph = viz.to_json(root)
    assert graph["nodes"] == 60_001
    assert json.loads(json.dumps(graph, allow_nan=False))["nodes"] == 60_001


@pytest.mark.parametrize("name", ["trace", "draw", "draw_dot", "to_json"])
def test_what_is_no_graph(name):
    with pytest.raises(TypeError, match=r": expected a (Tensor or a Value|Value or a Tensor), got MLP"):
        getattr(viz, name)(tt.nn.MLP(1, [1]))


# ----------------------------------------------------------------------------- files and notebooks

STARTS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph", "gv": b"digraph"}


@needs_dot
@pytest.mark.parametrize("suffix", STARTS)
def test_files(suffix, tmp_path):
    path = tmp_path / f"graph.{suffix}"
    viz.draw(loss(), path=path)
    assert path.read_bytes().startswith(STARTS[suffix])
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@needs_dot
def test_the_lecture_s_render(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    viz.draw_dot(loss()).render("gout")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["gout", "gout.svg"]


@needs_dot
def test_a_notebook_shows_svg_with_every_box_once():
    model = tt.nn.MLP(3, [4, 4, 2])
    root = tt.nn.cross_entropy(model(np.ones((5, 3))), np.zeros(5, int))
    root.backward()
    drawing = viz.draw(root, model=model)
    (kind, text), = drawing._repr_mimebundle_().items()  # fmt: skip
    assert kind == "image/svg+xml"
    svg = ElementTree.fromstring(text.encode())
    groups = [group.get("class") for group in svg.iter("{http://www.w3.org/2000/svg}g")]
    assert groups.count("node") == len(nodes_of(drawing))
    assert groups.count("edge") == len(edges_of(drawing))
    assert groups.count("cluster") == 4
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"layers.0.weight", "MLP", "layers.2: Linear", "log_softmax"} <= set(texts)


def contrast(first, second):
    """WCAG's ratio between two colours."""

    def luminance(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted([luminance(first), luminance(second)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_readable_on_light_and_dark_pages():
    fills = [labels.PARAMETER, labels.RESULT, labels.ROOT, labels.PLAIN, labels.PAPER, *labels.SHADES]
    assert min(contrast(ink, fill) for ink in (labels.INK, labels.FAINT) for fill in fills) >= 4.5
    pages = ("#ffffff", "#14181e", *labels.SHADES)
    assert min(contrast(labels.ARROW, page) for page in pages[:2]) >= 3
    assert "bgcolor=transparent" in viz.draw(Value(1.0)).source


# --------------------------------------------------------------------------------- what is missing


@pytest.fixture
def no_dot(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


INSTALL = r"`dot`, which is not on the PATH\. Install it: apt install .*brew install .*conda install .*winget install "


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("act", [
    pytest.param(lambda: viz.draw(loss(), path="graph.svg"), id="path"),
    pytest.param(lambda: viz.draw(loss()).pipe(), id="pipe"),
    pytest.param(lambda: viz.draw(loss()).render("graph"), id="render"),
    pytest.param(lambda: viz.draw_dot(loss()).render("graph"), id="draw_dot"),
])  # fmt: skip
def test_without_dot_the_error_says_how_to_install_it(act, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match=INSTALL):
        act()


@pytest.mark.usefixtures("no_dot")
def test_without_dot_there_is_the_source_and_notebooks_show_words(tmp_path):
    drawing = viz.draw(loss(), path=tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == drawing.source
    for shown in (drawing, viz.draw_dot(loss())):
        assert shown.source.startswith("digraph {")
        (kind, text), = shown._repr_mimebundle_().items()  # fmt: skip
        assert kind == "text/plain"
        assert re.search(INSTALL, text)
        assert shown.source in text


@pytest.mark.parametrize("name", ["draw", "draw_dot"])
def test_without_graphviz_the_error_names_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    monkeypatch.delitem(sys.modules, "tinytensor.viz.drawing", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'tinytensor\[viz\]'"):
        getattr(viz, name)(loss())
    assert viz.trace(loss())[0]
    assert viz.to_json(loss())["nodes"] == 7


REFUSED = [
    pytest.param({"rankdir": "up"}, ValueError, "rankdir must be one of 'LR', 'TB'", id="rankdir"),
    pytest.param({"depth": 1}, ValueError, "depth= folds the modules of a model; say which with model=", id="depth"),
    pytest.param({"max_nodes": 0}, ValueError, "expected max_nodes >= 1", id="max_nodes"),
    pytest.param({"model": 3}, TypeError, r"model= takes a module, something with parameters\(\); got int", id="model"),
    pytest.param({"params": [3]}, TypeError, r"params= takes tensors, pairs \(name, tensor\).*got int", id="params"),
    pytest.param({"path": "graph"}, ValueError, r"'graph' has no suffix; use \.svg, \.png, \.pdf", id="no suffix"),
    pytest.param({"path": "a.doc"}, ValueError, r"'a.doc' has the suffix '\.doc'; use \.svg", id="unknown suffix"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "kind", "message"), REFUSED)
def test_what_has_no_meaning_is_refused(options, kind, message):
    with pytest.raises(kind, match=message):
        viz.draw(loss(), **options)


def test_no_file_has_the_name_of_a_function():
    """Importing it would put the module in the function's place."""
    files = {path.stem for path in Path(viz.__file__).parent.iterdir()}
    assert not files & set(viz.__all__)
