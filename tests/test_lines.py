"""record_lines: which line of the user's code made a node."""

import threading

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import Value, lines, node, value
from tinytensor.lines import line_of, record_lines


def made_here(x):
    return x * 2  # this line


def test_tensors_and_values():
    with record_lines():
        nodes = [made_here(tt.Tensor([1.0], requires_grad=True)), made_here(Value(3.0))]
    for made in nodes:
        line = line_of(made)
        assert line.text == "return x * 2  # this line"
        assert line.function == "made_here"
        assert line.place == f"test_lines.py:{line.number}"
        assert str(line) == f"{line.place}: {line.text}"


def test_inside_of_a_module_it_is_the_call():
    model = tt.nn.MLP(2, [3, 1])
    with record_lines():
        out = model(np.ones((4, 2)))  # the call
    assert line_of(out).text.endswith("# the call")


def test_only_within_the_block():
    before = made_here(Value(1.0))
    with record_lines(), record_lines():
        pass
    after = made_here(Value(1.0))
    assert line_of(before) is line_of(after) is None
    assert node.now is value.now is lines._plain_clock


def test_an_error_ends_it():
    with pytest.raises(ZeroDivisionError), record_lines():
        raise ZeroDivisionError
    assert node.now is lines._plain_clock


def test_a_source_that_is_not_at_hand():
    scope = {"x": Value(1.0)}
    with record_lines():
        exec(compile("y = x * 2", "<nowhere>", "exec"), scope)
    line = line_of(scope["y"])
    assert (line.number, line.text, str(line)) == (1, "", "<nowhere>:1")


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(lines, "MOST", len(lines._lines) + 1)
    with record_lines():
        first = Value(1.0)
        for _ in range(lines.MOST):
            last = Value(1.0)
    assert line_of(first) is None
    assert line_of(last) is not None
    assert len(lines._lines) <= lines.MOST


def test_other_threads_are_noted_too():
    made = []
    with record_lines():
        thread = threading.Thread(target=lambda: made.append(made_here(Value(1.0))))
        thread.start()
        thread.join()
    assert line_of(made[0]).function == "made_here"


def test_in_a_notebook_it_is_the_cell():
    from IPython.core import interactiveshell

    shell = interactiveshell.InteractiveShell.instance()
    try:
        shell.run_cell(
            "from tinytensor import Value, record_lines\nwith record_lines():\n    y = Value(1.0) * 2",
            store_history=True,
        )
        line = line_of(shell.user_ns["y"])
        assert (line.place, line.text) == ("In[1]:3", "y = Value(1.0) * 2")
    finally:
        interactiveshell.InteractiveShell.clear_instance()
