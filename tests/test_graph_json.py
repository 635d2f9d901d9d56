"""`to_json`: the graph as nested JSON, complete, and readable by any reader of JSON."""

import json

import numpy as np
import pytest

import tinytensor as tt
from tests.dot_source import chain
from tinytensor import Tensor, Value, viz


def test_json_of_values():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    c = a * b
    c.backward()
    leaf = {"kind": "Value", "shape": [], "dtype": "float64", "requires_grad": True, "op": None, "operation": None,
            "line": None, "operands": []}  # fmt: skip
    assert viz.to_json(c) == {
        "format": "tinytensor-graph-1",
        "nodes": 3,
        "root": {
            **leaf, "id": 2, "name": "", "data": -6.0, "grad": 1.0, "op": "*", "operation": "*",
            "operands": [
                {**leaf, "id": 0, "name": "a", "data": 2.0, "grad": -3.0},
                {**leaf, "id": 1, "name": "b", "data": -3.0, "grad": 2.0},
            ],
        },
        "continued": [],
    }  # fmt: skip


def test_json_of_tensors():
    model = tt.nn.Linear(2, 1)
    with tt.record_lines():
        y = model(Tensor([[1, 2]], dtype=np.float32, label="x"))
    entry = viz.to_json(y, model=model)["root"]
    assert (entry["kind"], entry["shape"], entry["dtype"], entry["grad"]) == ("Tensor", [1, 1], "float32", None)
    assert entry["operation"] == "linear"
    assert entry["line"]["text"] == 'y = model(Tensor([[1, 2]], dtype=np.float32, label="x"))'
    assert [operand["name"] for operand in entry["operands"]] == ["x", "weight", "bias"]
    assert [operand["requires_grad"] for operand in entry["operands"]] == [False, True, True]


def test_json_of_a_node_used_twice():
    a = Value(3.0)
    square, once_more = viz.to_json((a * a) + a)["root"]["operands"]
    assert once_more["id"] == 0  # an operand is written out where it is met first: here, nearest to the root
    assert square["operands"] == [{"ref": 0}, {"ref": 0}]
    first, second = viz.to_json(a * a)["root"]["operands"]
    assert (first["id"], second) == (0, {"ref": 0})


def all_entries(entry):
    yield entry
    for operand in entry.get("operands", ()):
        yield from all_entries(operand)


@pytest.mark.parametrize("length", [99, 100, 101, 250])
def test_json_of_a_chain_goes_on_where_nesting_ends(length):
    graph = viz.to_json(chain(length))
    entries = [found for top in (graph["root"], *graph["continued"]) for found in all_entries(top)]
    ids = [entry["id"] for entry in entries if "id" in entry]
    assert sorted(ids) == list(range(2 * length + 1))
    assert {entry["ref"] for entry in entries if "ref" in entry} <= set(ids)
    assert len(graph["continued"]) == 2 * (length // 100)  # a result and a constant at each hundredth level


def test_json_of_numbers_that_json_has_no_word_for():
    root = Tensor([[1.0, np.nan], [np.inf, -np.inf]])
    entry = viz.to_json(root)["root"]
    assert entry["data"] == [[1.0, "NaN"], ["Infinity", "-Infinity"]]
    assert json.dumps(entry, allow_nan=False)
    assert np.array_equal(np.array(entry["data"]).astype(float), root.data, equal_nan=True)
    assert viz.to_json(Value(float("nan")))["root"]["data"] == "NaN"
    assert viz.to_json(Tensor(np.full(5, np.inf)), max_elements=3)["root"]["data"] == {
        "min": "Infinity", "mean": "Infinity", "max": "Infinity"}  # fmt: skip


def test_json_of_large_arrays_and_other_dtypes():
    graph = viz.to_json(Tensor(np.arange(8).reshape(2, 4)), max_elements=7)
    assert graph["root"]["data"] == {"min": 0, "mean": 3.5, "max": 7}
    assert viz.to_json(Tensor([True, False]))["root"]["data"] == [True, False]
    assert viz.to_json(Tensor([3]))["root"]["data"] == [3]
    assert viz.to_json(Tensor(np.zeros((0, 2))), max_elements=0)["root"]["data"] == []
