"""The source that `compile` writes: how it reads, that it allocates nothing, that it runs alone, that it is checked."""

from __future__ import annotations

import ast
import gc
import inspect
import re
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import nn, optim
from tinytensor.compiler import compiled as compiled_module
from tinytensor.compiler.saving import _without_annotations as without_annotations
from tinytensor.compiler.source import ALIGNED, Writer
from tinytensor.quick import aligned

SIZES = {"S": (100, 2, 16, 16, 2), "M": (64, 64, 128, 64, 10)}


def data_for(batch, width, classes, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((batch, width)).astype(np.float32), rng.integers(0, classes, batch)


def training(sizes, make=lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9), dropout=0.0):
    generator = np.random.default_rng(0)
    model = nn.MLP(sizes[0], list(sizes[1:]), generator=generator, dropout=dropout)
    optimizer = make(model.parameters())

    @tt.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def compiled_training(batch, *sizes, **options):
    step = training(sizes, **options)
    x, y = data_for(batch, sizes[0], sizes[-1])
    step(x, y)
    return step, x, y


def inner_lines(source):
    """The lines of `step` itself."""
    return source[source.index("    def step(") :].splitlines()


# --------------------------------------------------------------------------------------- how it reads

MAKERS = {
    "SGD": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9),
    "Adam": lambda ps: optim.Adam(ps, lr=0.1, amsgrad=True),
    "AdamW": lambda ps: optim.AdamW(ps, lr=0.1),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_source_reads_well(size, make):
    step, _, _ = compiled_training(*SIZES[size], make=make)
    tree = ast.parse(step.source)
    assert max(map(len, step.source.splitlines())) <= 120
    assert not re.search(r"[ \t]$", step.source, re.M)
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert functions == ["aligned", "prepare", "step"]
    for name in ("layers_0_weight", "layers_2_bias", "d_layers_0_weight", "d_layers_2_bias", "parameters", "gradients"):
        assert re.search(rf"\b{name}\b", step.source), name
    assert not re.search(r"[^\w]d_d_|_view_view", "\n".join(inner_lines(step.source)))
    inner = "\n".join(inner_lines(step.source))
    assert not re.search(r"np\.(empty|zeros|ones|full|copy)\b", inner)
    assert "tinytensor" not in inner
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]


def test_each_operation_has_a_comment_with_its_line():
    weight = tt.Tensor(np.eye(3), requires_grad=True)
    optimizer = optim.SGD([weight], lr=0.1)

    @tt.compile
    def step(x):
        optimizer.zero_grad()
        hidden = np.matmul(x, weight)
        active = np.tanh(hidden)
        scaled = active * 3.0
        loss = np.square(scaled).sum()
        loss.backward()
        optimizer.step()
        return loss

    step(np.ones((2, 3)))
    first = step.function.__code__.co_firstlineno
    lines = {"matmul": 3, "tanh": 4, "multiply": 5, "sum": 6}
    for operation, offset in lines.items():
        place = rf"test_compile_source\.py:{first + offset}: "
        assert re.search(rf"# {operation}: {place}", step.source), operation
        if operation != "sum":  # its gradient is a broadcast number, which may need no call
            assert re.search(rf"# gradient of {operation}: {place}", step.source), operation
    assert re.search(rf"# SGD: test_compile_source\.py:{first + 8}: optimizer\.step\(\)", step.source)
    # The user's own names stand for the values.
    for name in ("hidden", "active", "scaled", "loss"):
        assert re.search(rf"\b{name}\b", re.sub(r"#.*", "", step.source)), name


def calls_after(source, title):
    """How many calls of NumPy stand below the comments of one operation in `step`."""
    count, inside = 0, False
    for line in inner_lines(source):
        if line.strip().startswith("#"):
            inside = line.strip().startswith(f"# {title}")
        elif inside:
            count += line.count("np.")
    return count


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_an_optimizer_is_a_few_calls_for_the_whole_model(make):
    name = next(key for key, value in MAKERS.items() if value is make)
    counts = []
    for layers in (3, 30):
        step, _, _ = compiled_training(8, 4, *[6] * (layers - 1), 3, make=make)
        counts.append(calls_after(step.source, f"{name}:"))
    assert counts[0] == counts[1]
    assert 1 < counts[0] < 25


def test_what_is_computed_twice_is_computed_once_and_what_is_not_used_not_at_all():
    def function(x):
        np.sin(x)
        return np.exp(x) * np.exp(x), np.exp(x) + 0

    compiled = tt.compile(function)
    compiled(np.ones(3))
    code = re.sub(r"#.*", "", compiled.source)
    assert code.count("np.exp(") == 1
    assert "np.sin(" not in code


# ------------------------------------------------------------------------------------------------ memory


def test_a_steady_step_allocates_no_array():
    for batch, *sizes in SIZES.values():
        for name, make in MAKERS.items():
            step, x, y = compiled_training(batch, *sizes, make=make)
            for _ in range(3):
                step(x, y)
            gc.collect()
            gc.disable()
            work = np.setbufsize(16)  # NumPy's own work memory: how many elements it casts or broadcasts at a time
            tracemalloc.start()
            try:
                step(x, y)
                tracemalloc.reset_peak()
                before = tracemalloc.get_traced_memory()[0]
                step(x, y)
                peak = tracemalloc.get_traced_memory()[1] - before
            finally:
                tracemalloc.stop()
                np.setbufsize(work)
                gc.enable()
            # The loss, a tensor, and the frames of Python; an array of the batch has 400 bytes or more.
            assert peak < 2000, f"{batch} {name}: {peak} bytes"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool, np.int64, np.complex128])
@pytest.mark.parametrize("shape", [(), 0, 5, (3, 7), (2, 0, 4), (64, 128)])
def test_memory_begins_at_a_cache_line(shape, dtype):
    array = aligned(shape, dtype)
    assert (array.shape, array.dtype) == (np.empty(shape).shape, dtype)
    assert not array.size or array.__array_interface__["data"][0] % 64 == 0
    assert array.flags.c_contiguous
    assert array.flags.writeable


def test_a_source_brings_what_makes_its_memory():
    text = without_annotations(inspect.getsource(aligned))
    assert text + "\n\n" == ALIGNED
    step, _, _ = compiled_training(5, 4, 16, 3)
    assert ALIGNED in step.source


def test_parameters_and_gradients_begin_at_a_cache_line():
    model = nn.MLP(4, [16, 3], generator=np.random.default_rng(0))
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @tt.compile
    def step(x, y):
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()

    step(*data_for(5, 4, 3))
    first = model.layers[0].weight
    assert [a.__array_interface__["data"][0] % 64 for a in (first.data, first.grad)] == [0, 0]
    assert "np.empty(" not in step.source.replace("memory = np.empty(size", "")


@pytest.mark.parametrize(("batch", "floats"), [(255, True), (256, False)])
def test_a_large_mask_stays_bools(batch, floats):
    step, _, _ = compiled_training(batch, 4, 16, 3)
    assert ("] = greater" in step.source) == floats
    assert ("greater, out=arriving)" in step.source) != floats


@pytest.mark.parametrize(
    "product",
    [
        lambda x, y: (x > 0).astype(np.float32) * y,
        lambda x, y: y * (x > 0).astype(np.float32),
        lambda x, y: y.astype(np.float64) * (x > 0).astype(np.float32),
        lambda x, y: (y > 0).astype(np.float32) * (x > 0).astype(np.float32),
        lambda x, y: (x > 0).astype(np.float32) * y[0],
        lambda x, y: 3.0 * (x > 0).astype(np.float32),
    ],
)
def test_masks_of_all_kinds_multiply_as_in_eager(product):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((64, 64)).astype(np.float32) for _ in range(2))
    x[0, :2], y[0, :3] = np.nan, [np.inf, -0.0, np.nan]
    with np.errstate(invalid="ignore"):
        expected = np.asarray(product(tt.tensor(x), tt.tensor(y)))
        found = np.asarray(tt.compile(product)(tt.tensor(x), tt.tensor(y)))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


# ------------------------------------------------------------------------------------------------ saving

RUN_ALONE = """
import sys, runpy
import numpy as np
sys.modules["tinytensor"] = None  # whatever imports it fails
names = runpy.run_path(sys.argv[1])
data = np.load(sys.argv[2])
for k in range(4):
    result = names["step"](*[data[f"{name}{k}"] for name in "xy" if f"{name}{k}" in data])
    for part in result:
        print(np.asarray(part, np.float64).ravel().tolist())
"""


def alone(path, batches):
    arrays = {f"{name}{k}": a for k, batch in enumerate(batches) for name, a in zip("xy", batch, strict=False)}
    np.savez(path.with_name("data.npz"), **arrays)
    done = subprocess.run(
        [sys.executable, "-I", "-c", RUN_ALONE, path, path.with_name("data.npz")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [ast.literal_eval(line.replace("nan", "None")) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_saved_step_trains_alone(make, dropout, tmp_path):
    step = training((3, 8, 4), make=make, dropout=dropout)
    batches = [data_for(6, 3, 4, seed=k) for k in range(4)]
    for batch in batches[:3]:
        step(*batch)
    step.save(tmp_path / "step.py")
    found = alone(tmp_path / "step.py", batches)
    assert [row[0] for row in found] == [float(step(*batch).data) for batch in batches]


HELPED = {
    "gelu": lambda x: tt.gelu(x).sum(),
    "erf": lambda x: tt.erf(x).sum(),
    "cumprod": lambda x: np.cumprod(x).sum(),
    "det": lambda x: np.linalg.det(x),
    "sort": lambda x: (np.sort(x, axis=0) * x).sum(),
    "logsumexp": lambda x: tt.logsumexp(x),
    "norm": lambda x: np.linalg.norm(x),
    "eigh": lambda x: np.linalg.eigh(x + x.T)[0].sum(),
}


@pytest.mark.parametrize("function", HELPED.values(), ids=HELPED)
def test_functions_that_numpy_lacks_are_saved_too(function, tmp_path):
    def with_gradient(x):
        out = function(x)
        return out, tt.grad(out, x)[0]

    compiled = tt.compile(with_gradient)
    batches = [(np.random.default_rng(k).random((3, 3)) + 0.5,) for k in range(4)]
    tensors = [tt.Tensor(x, requires_grad=True) for (x,) in batches]
    compiled(tensors[0])
    compiled.save(tmp_path / "function.py")
    expected = [part.data.ravel().tolist() for x in tensors for part in compiled(x)]
    assert alone(tmp_path / "function.py", batches) == expected


def test_saving_asks_for_a_python_file(tmp_path):
    step, _, _ = compiled_training(4, 2, 3, 2)
    with pytest.raises(ValueError, match=r"expected a file ending in \.py"):
        step.save(tmp_path / "step.txt")
    with pytest.raises(RuntimeError, match="call it once first"):
        tt.compile(lambda x: x).save(tmp_path / "step.py")


# ------------------------------------------------------------------------------------------------ verify

PLANTED = [
    ("np.add(", "np.subtract(", "add"),
    ("np.tanh(", "np.sin(", "tanh"),
    ("np.matmul(x, ", "np.matmul(-x, ", "matmul"),
    ("np.multiply(", "np.divide(", "multiply"),
]


@pytest.mark.parametrize(("right", "wrong", "name"), PLANTED, ids=[row[2] for row in PLANTED])
def test_a_wrong_source_is_found_and_the_operation_named(monkeypatch, right, wrong, name):
    write = Writer.write

    def planted(self, title):
        written = write(self, title)
        assert right in written.text
        for attribute in ("text", "shown"):
            text = getattr(written, attribute)
            start = text.index("    def step(")
            head, body = text[:start], text[start:]
            at = re.search("^ *" + re.escape(right), body, re.M)
            if at is None:
                at = re.search(re.escape(right), body)
            setattr(written, attribute, head + body[: at.start()] + at.group().replace(right, wrong) + body[at.end() :])
        return written

    monkeypatch.setattr(Writer, "write", planted)
    weight = tt.Tensor(np.random.default_rng(0).random((3, 3)), requires_grad=True)

    @tt.compile
    def step(x):
        hidden = np.tanh(np.matmul(x, weight)) + 2.0
        return np.exp(hidden) * 3.0, hidden

    with pytest.raises(tt.CompileError, match=rf"does not agree with the function.*\n.*{name}.*test_compile_source"):
        step(np.random.default_rng(1).random((2, 3)))
    monkeypatch.undo()
    assert step(np.ones((2, 3)))[0].shape == (2, 3)


def test_a_wrong_update_is_found(monkeypatch):
    write = Writer.write

    def planted(self, title):
        written = write(self, title)
        assert "np.subtract(parameters" in written.text
        written.text = written.text.replace("np.subtract(parameters", "np.add(parameters")
        written.shown = written.shown.replace("np.subtract(parameters", "np.add(parameters")
        return written

    monkeypatch.setattr(Writer, "write", planted)
    step = training((3, 4, 2))
    with pytest.raises(tt.CompileError, match=r"does not agree.*\n.*subtract.*optimizer\.step\(\)"):
        step(*data_for(5, 3, 2))


def test_what_is_not_the_same_when_called_again_is_refused():
    state = [1.0]

    def step(x):
        state[0] += 1.0
        return tt.Tensor(x) * state[0]

    with pytest.raises(tt.CompileError, match="gives another result when it is called again"):
        tt.compile(step)(np.ones(3))


def test_tracebacks_show_the_source():
    step, x, y = compiled_training(4, 2, 3, 2)
    y = np.array([0, 1, 9, 0])
    with pytest.raises(ValueError, match="labels are 0 to 1") as raised:
        step(x, y)
    assert "<tinytensor.compile step" in str(raised.traceback[-1].path)
    assert "raise ValueError" in str(raised.traceback[-1].statement)
    assert compiled_module.Compiled is type(step)
