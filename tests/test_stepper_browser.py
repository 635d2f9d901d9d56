"""The stepper in a real Chromium: every step is driven, and what the page shows equals the arrays in Python."""

# ruff: noqa: F401, F811  # the fixtures: pytest finds them by their names

import re

import numpy as np
import pytest

import tinytensor as tt
from tests.stepper_browser import READ, READ_GRAPH, assert_shows, browser, only, opened, parsed, shown, some
from tests.stepper_graphs import (
    GRAPHS,
    NETWORK,
    classifier,
    column_and_row,
    moments,
    neuron,
    scalar_network,
    used_twice,
)
from tinytensor.fused import linear, linear_relu


def by_button(page, k):
    page.click("#next")


def by_key(page, k):
    page.keyboard.press("ArrowRight")


def by_slider(page, k):
    page.focus("#slider")
    page.keyboard.press("ArrowRight")


def by_dragging(page, k):
    page.locator("#slider").fill(str(k))


DRIVES = {"buttons": by_button, "keys": by_key, "slider": by_slider, "dragging": by_dragging}

# ---------------------------------------------------------------------------------------- every step


def check(seen, moment, gradients):
    """Everything in the panel against the moment that it shows."""
    arrays = seen["arrays"]
    if moment.phase == "forward":
        assert_shows(only(arrays, "out"), moment.arrays["out"], "result")
        for array in some(arrays, "operand"):
            assert_shows(array, moment.arrays[f"operand {array['card']}"], "operand")
        assert len(some(arrays, "operand")) == len(moment.arrays) - 1
    elif moment.phase == "seed":
        assert_shows(only(arrays, "out"), moment.arrays["out"], "loss")
        assert_shows(only(arrays, "g"), moment.arrays["g"], "seed")
    elif moment.phase == "backward":
        assert_shows(only(arrays, "g"), moment.arrays["g"], "arriving")
        assert len(seen["parts"]) == len(moment.parts)
        for card, part in enumerate(moment.parts):
            assert_shows(only(arrays, "part", card), part["part"], "part")
            for role in ("before", "after"):
                assert len(some(arrays, role, card)) == (role in part)
                if role in part:
                    assert_shows(only(arrays, role, card), part[role], role)
            for array in some(arrays, "part-copy", card):
                assert_shows(array, part["part"], "part")
            for array in some(arrays, "g-copy", card):
                assert_shows(array, moment.arrays["g"], "arriving")
    elif moment.phase == "end":
        leaves = [gradient for node, gradient in gradients.items() if node.is_leaf]
        assert len(arrays) == len(leaves)
        for array, gradient in zip(arrays, sorted(leaves, key=id_of_leaf(gradients)), strict=True):
            assert_shows(array, gradient, "leaf")


def id_of_leaf(gradients):
    """Leaves stand on the page by the time they were made."""
    times = {id(gradient): node._time for node, gradient in gradients.items()}
    return lambda gradient: times[id(gradient)]


def gradients_of(loss):
    """What one ``backward()`` leaves in every node."""
    found, stack = {}, [loss]
    while stack:
        node = stack.pop()
        if node not in found and node.requires_grad:
            found[node] = node.grad = None
            stack += node._operands
    loss.backward()
    return {node: node.grad for node in found if node.grad is not None}


def in_turn(page, k):
    list(DRIVES.values())[k % len(DRIVES)](page, k)


EVERY_STEP = {f"neuron by {name}": (neuron, drive) for name, drive in DRIVES.items()}
EVERY_STEP |= {f"{name} by all in turn": (make, in_turn) for name, make in GRAPHS.items() if make is not neuron}


@pytest.mark.parametrize(("make", "drive"), EVERY_STEP.values(), ids=EVERY_STEP)
def test_every_step_shows_what_python_has(opened, make, drive):
    loss = make()
    expected, gradients = moments(loss), gradients_of(loss)
    page = opened(lambda: loss)
    for k, moment in enumerate(expected):
        if k:
            drive(page, k)
        seen = page.evaluate(READ)
        assert seen["time"] == f"{k} / {len(expected) - 1}"
        check(seen, moment, gradients)
    turn = [moment.phase for moment in expected].index("seed")
    last = len(expected) - 1
    page.evaluate("document.activeElement.blur()")
    for key, place in (("ArrowLeft", last - 1), ("Home", 0), ("End", last), ("b", turn), ("ArrowLeft", turn - 1)):
        page.keyboard.press(key)
        assert page.inner_text("#position") == f"{place} / {last}"
    for button, place in (("#last", last), ("#previous", last - 1), ("#first", 0), ("#turn", turn)):
        page.click(button)
        assert page.inner_text("#position") == f"{place} / {last}"


def test_the_lectures_neuron_has_the_lectures_numbers(opened):
    page = opened(neuron)
    gradients = {"x1": -1.5, "w1": 1.0, "x2": 0.5, "w2": 0.0, "b": 0.5, "n": 0.5, "o": 1.0}
    page.keyboard.press("End")
    nodes = page.evaluate(READ_GRAPH)["nodes"]
    for name, gradient in gradients.items():
        assert parsed(nodes[name]["numbers"][1]) == gradient
        assert "finished" in nodes[name]["classes"]
    assert parsed(nodes["o"]["numbers"][0]) == 0.7071


def test_gradients_fill_in_one_by_one(opened):
    loss = neuron()
    page = opened(lambda: loss)
    page.keyboard.press("b")
    counts = []
    while True:
        nodes = page.evaluate(READ_GRAPH)["nodes"]
        counts.append(sum("finished" in node["classes"] for node in nodes.values()))
        current = [name for name, node in nodes.items() if "current" in node["classes"]]
        assert len(current) == ("Done" not in page.inner_text("#panel .phase"))
        if "Done" in page.inner_text("#panel .phase"):
            break
        page.keyboard.press("ArrowRight")
    assert counts == [1, 2, 4, 6, 8, 10, 10]


def test_cross_entropys_gradient_is_softmax_minus_one_hot(opened):
    loss = classifier()
    logits = loss._args[0]
    probabilities = np.exp(logits.data) / np.exp(logits.data).sum(axis=1, keepdims=True)
    expected = (probabilities - np.eye(4)[[0, 1, 2, 3, 1, 0]]) / 6
    page = opened(lambda: loss)
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")
    assert_shows(only(page.evaluate(READ)["arrays"], "part", 0), expected)


def test_what_a_rule_makes_of_the_gradient_first_is_shown(opened):
    layer = tt.nn.Linear(3, 2, dtype="float64", generator=np.random.default_rng(1))
    x = np.random.default_rng(2).normal(size=(4, 3))
    hidden = layer.rectified(x)
    page = opened(lambda: (hidden * [1.0, -2.0]).sum())
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    seen = page.evaluate(READ)
    given = np.where(x @ layer.weight.data.T + layer.bias.data > 0, [1.0, -2.0], 0.0)
    assert 0 < np.count_nonzero(given) < given.size
    assert_shows(only(seen["arrays"], "g"), np.tile([1.0, -2.0], (4, 1)))
    assert_shows(only(seen["arrays"], "h"), given)
    assert_shows(only(seen["arrays"], "part", 0), given.T @ x)
    assert "arriving=lambda g, out, x, weight, bias=None: where_positive(g, out)" in seen["text"]
    unit = int(np.argmax((given == 0).any(axis=0)))  # one that relu cut off for some example
    page.locator(f"[data-role='part'][data-card='0'] td[data-k='{3 * unit + 1}']").hover()
    terms = re.findall(r"(\S+) × (\S+)", page.inner_text("#readout"))
    assert [(parsed(a), parsed(b)) for a, b in terms] == [
        (shown(a, 4), shown(b, 4)) for a, b in zip(given[:, unit], x[:, 1], strict=True)
    ]


def test_broadcasting_names_the_axes_and_shows_the_sum(opened):
    page = opened(column_and_row)
    page.keyboard.press("b")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    seen = page.evaluate(READ)
    column, row = np.array([[1.0], [2.0], [-1.0]]), np.array([3.0, 4.0, 5.0, -2.0])
    assert "Summed over axis 1: forward copied column of shape (3, 1) to (3, 4)" in seen["text"]
    assert "Summed over axis 0: forward copied row of shape (4,) to (3, 4)" in seen["text"]
    spread = np.ones((3, 4))
    for card, (local, raw, part) in enumerate(
        [
            (spread * row, spread * row, np.full((3, 1), row.sum())),
            (spread * column, spread * column, np.full(4, column.sum())),
        ]
    ):
        assert_shows(only(seen["arrays"], "local", card), local)
        assert_shows(only(seen["arrays"], "raw", card), raw)
        assert_shows(only(seen["arrays"], "part", card), part)
    summed = page.locator(".axis.summed").all_inner_texts()
    assert summed == ["Σ sum over axis 1 → 4", "Σ sum over axis 0 ↓ 3"]
    assert sorted(page.evaluate(READ_GRAPH)["edges"]) == [
        "(3, 1)",
        "(4,)",
    ]  # the gradients in flight have the operands' shapes
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    text = page.inner_text("#panel")
    assert "column of shape (3, 1) is copied to (3, 4), along axis 1 (1 to 4)." in text
    assert "row of shape (4,) is copied to (3, 4), along axis 0 (new, 3 times)." in text


def test_a_node_used_again_shows_old_plus_part_equals_new(opened):
    page = opened(used_twice)
    a, seen = np.array([1.0, -2.0, 3.0]), []
    page.keyboard.press("b")
    while "Done" not in page.inner_text("#panel .phase"):
        page.keyboard.press("ArrowRight")
        arrays = page.evaluate(READ)["arrays"]
        for before in some(arrays, "before"):
            card = before["card"]
            seen.append(
                [[parsed(t) for _, t in only(arrays, role, card)["cells"]] for role in ("before", "part", "after")]
            )
            assert "a is used 3 times, and the gradients of all uses add up" in page.inner_text(f"[data-part='{card}']")
    # a reaches the loss as (a + a) * a: 2a from the product, and a from each side of the sum.
    assert seen == [[list(2 * a), list(a), list(3 * a)], [list(3 * a), list(a), list(4 * a)]]


# ---------------------------------------------------------------------------------------- rules, formulas, lines


def test_the_rule_stands_there_as_source_and_as_mathematics(opened):
    page = opened(neuron)
    page.keyboard.press("b")
    page.keyboard.press("ArrowRight")  # tanh
    assert "rule(np.tanh, lambda g, out, x: g * (1 - out * out))" in page.inner_text("details.source")
    assert re.search(r"tinytensor/rules/elementwise\.py:\d+", page.inner_text("details.source"))
    math = page.locator(".card.part math")
    assert math.count() == 1
    assert re.sub(r"\s", "", math.text_content()) == "x¯=z¯(1−z2)"
    assert math.evaluate("math => math.getBoundingClientRect().width") > 40  # the browser has typeset it
    assert re.search(r"stepper_graphs\.py:\d+\s+o = n\.tanh\(\)", page.inner_text(".code-line"))


def test_without_lines_the_page_says_how_to_get_them(opened):
    loss = neuron()
    page = opened(lambda: loss)
    page.keyboard.press("ArrowRight")
    assert "build the loss within tt.record_lines(), or give step_through a function" in page.inner_text(".code-line")


# ---------------------------------------------------------------------------------------- where elements came from


def influences(function, arrays, at):
    """Which elements of a result become nan when an element of operand `at` is nan: no law of indices is needed."""
    found = {}
    for place in range(arrays[at].size):
        changed = [array.copy() for array in arrays]
        changed[at].ravel()[place] = np.nan
        with np.errstate(invalid="ignore"):
            found[place] = np.flatnonzero(np.isnan(np.ravel(function(*changed)))).tolist()
    return found


# For each element of an array, the cells that are lit while it has the focus.
LIT = """([role, card, kind]) => {
  const figure = document.querySelector(`#panel [data-role="${role}"]${card === "" ? "" : `[data-card="${card}"]`}`);
  return [...figure.querySelectorAll("td[data-k]")].map((cell) => {
    cell.focus();
    return [...document.querySelectorAll(`#panel td.${kind}`)].map((lit) => {
      const {role, card} = lit.closest("figure").dataset;
      return [role, card, Number(lit.dataset.k)];
    });
  });
}"""

PROVENANCE = {
    "elementwise": (np.multiply, [(3, 4), (3, 4)]),
    "column and row": (np.add, [(3, 1), (4,)]),
    "batches": (np.multiply, [(2, 1, 3), (4, 1)]),
    "unary": (np.tanh, [(2, 3)]),
    "matmul": (np.matmul, [(2, 3), (3, 4)]),
    "batched matmul": (np.matmul, [(2, 2, 3), (3, 4)]),
    "batched matmul, right": (np.matmul, [(2, 3), (4, 3, 2)]),
    "vector @ matrix": (np.matmul, [(3,), (3, 4)]),
    "matrix @ vector": (np.matmul, [(2, 3), (3,)]),
    "vector @ vector": (np.matmul, [(3,), (3,)]),
    "linear": (linear, [(2, 3), (4, 3), (4,)]),
    "linear and relu": (linear_relu, [(2, 3), (4, 3), (4,)]),
    "sum over rows": (lambda x: np.sum(x, axis=0), [(3, 4)]),
    "mean kept": (lambda x: np.mean(x, axis=(0, 2), keepdims=True), [(2, 3, 2)]),
    "max": (lambda x: np.max(x, axis=-1), [(3, 4)]),
    "softmax": (lambda x: tt.softmax(x, axis=0), [(3, 2)]),
    "reshape": (lambda x: np.reshape(x, (4, 3)), [(3, 4)]),
    "transpose": (lambda x: np.transpose(x, (2, 0, 1)), [(2, 3, 4)]),
    "index": (lambda x: x[np.array([0, 2, 0]), 1:], [(3, 4)]),
    "concatenate": (lambda x, y: np.concatenate([x, y], axis=1), [(2, 3), (2, 2)]),
    "stack": (lambda x, y: np.stack([x, y], axis=1), [(2, 3), (2, 3)]),
    "pad": (lambda x: np.pad(x, 1), [(2, 3)]),
}  # fmt: skip


@pytest.mark.parametrize(("function", "shapes"), PROVENANCE.values(), ids=PROVENANCE)
def test_pointing_lights_where_elements_came_from(opened, function, shapes):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    tensors = [tt.Tensor(array, requires_grad=True) for array in arrays]
    result = function(*tensors)
    page = opened(lambda: result.sum() if result.ndim else result)
    page.keyboard.press("ArrowRight")
    affected = [influences(function, arrays, at) for at in range(len(arrays))]
    lit = page.evaluate(LIT, ["out", "", "from"])
    for k in range(result.size):
        expected = [
            ["operand", str(at), e] for at, table in enumerate(affected) for e, outs in table.items() if k in outs
        ]
        assert sorted(lit[k]) == sorted(expected)
    for at, table in enumerate(affected):
        lit = page.evaluate(LIT, ["operand", str(at), "to"])
        assert lit == [[["out", "", k] for k in outs] for outs in table.values()]
    # Backward the same arrows are walked from the other end: a part takes in the gradients of what it went into.
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    for at, table in enumerate(affected):
        lit = page.evaluate(LIT, ["part", str(at), "from"])
        assert [[k for role, _, k in cells if role == "g"] for cells in lit] == list(table.values())


def test_pointing_says_the_arithmetic(opened):
    page = opened(column_and_row)
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.locator("[data-role='part'][data-card='0'] td[data-k='1']").hover()
    assert page.inner_text("#readout") == "part for column[1, 0] = 10 = 1 × 3 + 1 × 4 + 1 × 5 + 1 × −2"
    page.locator("[data-role='raw'][data-card='1'] td[data-k='9']").hover()
    assert page.inner_text("#readout") == "arriving × local, before the sum[2, 1] = −1 = 1 × −1"
    page.locator("h1").hover()
    assert page.locator("#panel .from").count() == 0


def test_the_network_of_41_parameters(opened):
    loss = scalar_network()
    expected, gradients = moments(loss), gradients_of(loss)
    page = opened(lambda: loss, names=NETWORK)
    assert page.locator("#graph .node").count() < 80  # folded, so that it can be read
    assert "folded" in page.inner_text("#fold-state")
    assert len(expected) == 603
    for k in [*range(0, 603, 9), 302, 602]:
        page.locator("#slider").fill(str(k))
        seen = page.evaluate(READ)
        assert seen["time"] == f"{k} / 602"
        check(seen, expected[k], gradients)
