"""ONNX: what ONNX Runtime makes of an exported file equals what the model computes."""

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinytensor as tt
from tinytensor import nn
from tinytensor.onnx.operators import ENTRIES
from tinytensor.rules.table import RULES


class Composed(nn.Module):
    """A model of one's own: layers, and a function of them."""

    def __init__(self, function, nin=4, nout=6):
        self.first, self.function = nn.Linear(nin, nout), function

    def forward(self, x):
        return self.function(self.first(x))


def runs(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {"input": x})
    return out


def check(model, tmp_path, shape=(4,), dtype=np.float32, tolerance=1e-5):
    """Export, and compare on batches of other sizes."""
    rng = np.random.default_rng(0)
    path = tmp_path / "model.onnx"
    tt.onnx.export(model, path, rng.standard_normal((2, *shape)))
    model.eval()
    for size in (1, 2, 7):
        x = rng.standard_normal((size, *shape)).astype(dtype)
        expected = model(x).data
        found = runs(path, x)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    return onnx.load(path)


MODULES = {
    "Linear": lambda: nn.Linear(4, 3),
    "Linear without bias": lambda: nn.Linear(4, 3, bias=False),
    "Sequential": lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2), nn.Softmax()),
    "ReLU": lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU()),
    "Tanh": lambda: nn.Sequential(nn.Linear(4, 5), nn.Tanh()),
    "Sigmoid": lambda: nn.Sequential(nn.Linear(4, 5), nn.Sigmoid()),
    "GELU": lambda: nn.Sequential(nn.Linear(4, 5), nn.GELU()),
    "GELU by tanh": lambda: nn.Sequential(nn.Linear(4, 5), nn.GELU(approximate="tanh")),
    "SiLU": lambda: nn.Sequential(nn.Linear(4, 5), nn.SiLU()),
    "Softplus": lambda: nn.Sequential(nn.Linear(4, 5), nn.Softplus()),
    "Softplus with options": lambda: nn.Sequential(nn.Linear(4, 5), nn.Softplus(beta=3.0, threshold=0.5)),
    "LeakyReLU": lambda: nn.Sequential(nn.Linear(4, 5), nn.LeakyReLU(0.2)),
    "ELU": lambda: nn.Sequential(nn.Linear(4, 5), nn.ELU(0.7)),
    "Identity": lambda: nn.Sequential(nn.Linear(4, 5), nn.Identity()),
    "Softmax of axis 0": lambda: nn.Sequential(nn.Linear(4, 5), nn.Softmax(-1)),
    "Dropout": lambda: nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.5), nn.Linear(5, 1)),
    "MLP": lambda: nn.MLP(4, [8, 8, 3]),
    "MLP with dropout": lambda: nn.MLP(4, [8, 3], activation="tanh", output_activation="sigmoid", dropout=0.3),
}


@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
def test_modules(make, tmp_path):
    check(make(), tmp_path)


def test_every_module_of_nn_is_here():
    losses = {"BCEWithLogitsLoss", "CrossEntropyLoss", "HingeLoss", "MSELoss"}
    modules = {
        name for name in nn.__all__ if isinstance(getattr(nn, name), type) and issubclass(getattr(nn, name), nn.Module)
    }
    assert modules - losses - {"Module"} == {name.split(" ")[0] for name in MODULES}


FUNCTIONS = {
    "residual": lambda z: z + np.tanh(z),
    "numbers": lambda z: (2.0 * z - 1) / 3 + z**2,
    "arrays": lambda z: z * np.arange(6, dtype=np.float32),
    "norm": lambda z: z / np.sqrt(np.mean(np.square(z), axis=-1, keepdims=True) + 1e-6),
    "reductions": lambda z: np.stack([z.sum(axis=1), z.mean(axis=1), z.max(axis=1), z.min(axis=1)], axis=1),
    "logsumexp": lambda z: tt.logsumexp(z, axis=1, keepdims=True),
    "log_softmax": lambda z: tt.log_softmax(z),
    "reshape": lambda z: z.reshape(len(z.data), 2, 3).sum(axis=2),
    "reshape by -1": lambda z: z.reshape(-1, 3).exp(),
    "transpose": lambda z: np.transpose(z.reshape(-1, 2, 3), (0, 2, 1)),
    "swapaxes": lambda z: np.swapaxes(z.reshape(-1, 2, 3), -1, 1),
    "concatenate": lambda z: np.concatenate([z, -z], axis=1),
    "columns": lambda z: z[:, 1:5:2],
    "the last column": lambda z: z[:, -1],
    "backward": lambda z: z[:, ::-1],
    "new axes": lambda z: z[..., None, 2:],
    "expand and squeeze": lambda z: np.squeeze(np.expand_dims(z, 1), axis=1),
    "clip": lambda z: np.clip(z, -0.5, 0.5),
    "clip below": lambda z: np.clip(z, 0.1, None),
    "where": lambda z: np.where(np.array([True, False] * 3), z, 0.0),
    "maximum": lambda z: np.maximum(z, -z),
    "matmul": lambda z: z @ tt.Tensor(np.ones((6, 2), np.float32)),
    "trigonometry": lambda z: np.sin(z) * np.cos(z) + np.arctan(z) - np.sinh(z / 4) * np.cosh(z / 4),
    "logarithms": lambda z: np.log(np.abs(z) + 1) - np.reciprocal(np.exp(z)),
    "rounding": lambda z: z + np.floor(z) + np.ceil(z) + np.rint(z) + np.sign(z),
    "erf": lambda z: tt.erf(z),
    "float64 within": lambda z: z.astype(np.float64).sum(axis=1).astype(np.float32),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_models_of_ones_own(function, tmp_path):
    check(Composed(function), tmp_path)


def test_batches_of_sequences(tmp_path):
    check(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)), tmp_path, shape=(3, 4))


@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4),
    activation=st.sampled_from(
        ["relu", "tanh", "sigmoid", "gelu", "silu", "softplus", "leaky_relu", "elu", "identity"]
    ),
    bias=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_mlp(sizes, activation, bias, dtype, tmp_path_factory):
    if dtype is np.float64 and activation in ("gelu", "softplus", "leaky_relu", "elu"):
        activation = "tanh"  # ONNX Runtime has none of these for float64
    model = nn.MLP(4, sizes, activation=activation, bias=bias, dtype=dtype)
    check(model, tmp_path_factory.mktemp("any"), dtype=dtype)


def test_names_and_layouts_stay(tmp_path):
    model = nn.MLP(4, [8, 3])
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in check(model, tmp_path).graph.initializer}
    for name, p in model.named_parameters():
        np.testing.assert_array_equal(stored[name], p.data)


def test_the_batch_is_open(tmp_path):
    graph = check(nn.MLP(4, [3]), tmp_path).graph
    assert [graph.input[0].name, graph.output[0].name] == ["input", "output"]
    for value in (graph.input[0], graph.output[0]):
        assert value.type.tensor_type.shape.dim[0].dim_param == "N"


def test_training_mode_and_gradients_stay(tmp_path):
    model = nn.MLP(4, [8, 3], dropout=0.5)
    model.dropout.eval()
    check_modes = [module.training for module in model.modules()]
    with tt.no_grad():
        tt.onnx.export(model, tmp_path / "m.onnx", np.zeros((1, 4)))
    assert [module.training for module in model.modules()] == check_modes
    assert all(p.grad is None for p in model.parameters())


REFUSED = {
    "no module": (lambda: np.tanh, TypeError, "expected a Module"),
    "no sample": (lambda: nn.Linear(4, 2), ValueError, r"shape \(0, 4\); expected \(N, …\)"),
    "an operation without an entry": (lambda: Composed(lambda z: np.cumsum(z, axis=1)), NotImplementedError, "cumsum has no entry"),
    "an index by an array": (lambda: Composed(lambda z: z[:, np.array([0, 2])]), NotImplementedError, "index by an array"),
    "the batch's size": (lambda: Composed(lambda z: z / len(z.data)), ValueError, "the file and the model differ"),
    "a decision": (lambda: Composed(lambda z: z if len(z.data) > 2 else -z), ValueError, "the file and the model differ"),
    "nothing of the input": (lambda: Composed(lambda z: tt.Tensor([1.0])), ValueError, "does not depend on the input"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(make, error, words, tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(error, match=words):
        tt.onnx.export(make(), path, np.zeros((0 if "shape" in words else 2, 4)))
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"onnx\.export"):
        tt.onnx.export(nn.Linear(4, 2), tmp_path / "nowhere" / "model.onnx", np.zeros((1, 4)))


def test_every_entry_has_a_rule():
    assert ENTRIES.keys() <= RULES.keys()


def test_without_onnx(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'tinytensor\[onnx\]'"):
        tt.onnx.export(nn.Linear(4, 2), tmp_path / "m.onnx", np.zeros((1, 4)))
