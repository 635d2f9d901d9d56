"""What neural networks refuse: each error names the operation, the shapes or names, and the fix."""

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import nn

LOGITS = np.array([[0.5, -1.0, 2.0], [0.0, 1.0, -1.0]])
LABELS = [2, 0]

f32 = np.float32
bce = nn.binary_cross_entropy_with_logits
LOSSES = {
    # id: (call, error, fragments of its message)
    "mse (N,1) against (N,)": (
        lambda: nn.mse(np.zeros((4, 1)), np.zeros(4)), ValueError,
        ["mse", "(4, 1)", "(4,)", "target.reshape((4, 1))"],
    ),
    "mse (N,) against (N,1)": (
        lambda: nn.mse(np.zeros(4), np.zeros((4, 1))), ValueError,
        ["mse", "(4, 1)", "(4,)", "target.reshape((4,))"],
    ),
    "bce (N,1) against (N,)": (
        lambda: bce(np.zeros((4, 1)), np.zeros(4)), ValueError,
        ["binary_cross_entropy_with_logits", "(4, 1)", "(4,)", "target.reshape((4, 1))"],
    ),
    "hinge (N,1) against (N,)": (
        lambda: nn.hinge(np.zeros((4, 1)), np.ones(4)), ValueError,
        ["hinge", "(4, 1)", "(4,)", "target.reshape((4, 1))"],
    ),
    "mse against a tensor (N,)": (
        lambda: nn.mse(np.zeros((4, 1)), tt.zeros(4)), ValueError, ["(4, 1)", "(4,)", "target.reshape((4, 1))"],
    ),
    "mse against a number": (lambda: nn.mse(np.zeros(3), 0.0), ValueError, ["(3,)", "()", "must be equal"]),
    "mse of another size": (lambda: nn.mse(np.zeros(3), np.zeros(2)), ValueError, ["(3,)", "(2,)", "must be equal"]),
    "mse of integers": (lambda: nn.mse([1, 2], [1.5, 2.0]), TypeError, ["mse", "prediction", "floating", "int64"]),
    "mse of words": (lambda: nn.mse([1.0], ["one"]), TypeError, ["mse", "target", "numbers"]),
    "mse of complex targets": (lambda: nn.mse([1.0], [1j]), TypeError, ["mse", "target", "complex128"]),
    "mse of a ragged target": (lambda: nn.mse([1.0, 2.0], [[1.0], [1.0, 2.0]]), ValueError, ["mse", "target"]),
    "mse of two floating dtypes": (
        lambda: nn.mse(tt.Tensor(np.zeros(2, f32)), tt.zeros(2)), TypeError,
        ["mse", "float32", "float64", "target.astype(np.float32)"],
    ),
    "mse of nothing": (lambda: nn.mse(np.zeros(0), np.zeros(0)), ValueError, ["mse", "empty", "reduction='sum'"]),
    "bce of nothing": (lambda: bce(np.zeros((0, 2)), np.zeros((0, 2))), ValueError, ["empty", "reduction='sum'"]),
    "hinge of nothing": (lambda: nn.hinge(np.zeros(0), np.zeros(0)), ValueError, ["hinge", "empty"]),
    "bce labels -1 and 1": (lambda: bce([0.5, 1.0], [-1, 1]), ValueError, ["from 0 to 1", "-1", "(y + 1) / 2"]),
    "bce labels 1 and 2": (lambda: bce([0.5, 1.0], [1, 2]), ValueError, ["from 0 to 1", "2.0"]),
    "bce target nan": (lambda: bce([0.5], [np.nan]), ValueError, ["from 0 to 1", "nan"]),
    "hinge labels 0 and 1": (lambda: nn.hinge([0.5, 1.0], [0, 1]), ValueError, ["hinge", "-1 or 1", "0.0", "2*y - 1"]),
    "hinge label nan": (lambda: nn.hinge([0.5], [np.nan]), ValueError, ["-1 or 1", "nan"]),
    "hinge target that learns": (
        lambda: nn.hinge([0.5], tt.ones(1, requires_grad=True)), TypeError, ["hinge", "target", "detach()"],
    ),
    "label too large": (
        lambda: nn.cross_entropy(LOGITS, [0, 3]), ValueError, ["cross_entropy", "label 3", "(2, 3)", "0 to 2"],
    ),
    "label negative": (lambda: nn.cross_entropy(LOGITS, [0, -1]), ValueError, ["label -1", "0 to 2"]),
    "label ignored by torch": (lambda: nn.cross_entropy(LOGITS, [0, -100]), ValueError, ["-100", "logits[mask]"]),
    "label negative in int8": (lambda: nn.cross_entropy(LOGITS, np.array([0, -1], np.int8)), ValueError, ["label -1"]),
    "label huge in uint64": (
        lambda: nn.cross_entropy(LOGITS, np.array([0, 2**64 - 1], np.uint64)), ValueError, ["label 18446744073709551"],
    ),
    "label too large, one sample": (lambda: nn.cross_entropy(LOGITS[0], 3), ValueError, ["label 3", "(3,)"]),
    "label too large, a Tensor": (lambda: nn.cross_entropy(LOGITS, tt.Tensor([0, 3])), ValueError, ["label 3"]),
    "floating labels": (
        lambda: nn.cross_entropy(LOGITS, [0.0, 1.0]), TypeError, ["cross_entropy", "float64", "labels.astype(int)"],
    ),
    "boolean labels": (lambda: nn.cross_entropy(LOGITS, [True, False]), TypeError, ["bool", "labels.astype(int)"]),
    "one-hot integers": (
        lambda: nn.cross_entropy(LOGITS, np.eye(3, dtype=int)[:2]), TypeError,
        ["probabilities", "int64", "target.astype(np.float64)", "labels of shape (2,)"],
    ),
    "labels (N,1)": (
        lambda: nn.cross_entropy(LOGITS, [[0], [1]]), ValueError, ["(2, 3)", "(2, 1)", "(2,)", "target.reshape((2,))"],
    ),
    "too few labels": (lambda: nn.cross_entropy(LOGITS, [0]), ValueError, ["(2, 3)", "(1,)", "shape (2,)"]),
    "classes on axis 1": (
        lambda: nn.cross_entropy(np.zeros((2, 3, 5)), np.zeros((2, 5), int)), ValueError,
        ["(2, 3, 5)", "(2, 5)", "np.moveaxis(logits, 1, -1)"],
    ),
    "probabilities of another shape": (
        lambda: nn.cross_entropy(LOGITS, np.ones((2, 4))), ValueError, ["(2, 3)", "(2, 4)", "float64"],
    ),
    "probabilities of another dtype": (
        lambda: nn.cross_entropy(LOGITS.astype(f32), tt.ones((2, 3))), TypeError, ["float32", "float64", "astype"],
    ),
    "words for labels": (lambda: nn.cross_entropy(LOGITS, ["a", "b"]), TypeError, ["cross_entropy: the target"]),
    "ragged labels": (lambda: nn.cross_entropy(LOGITS, [[0], [1, 2]]), ValueError, ["cross_entropy", "target"]),
    "integer logits": (lambda: nn.cross_entropy([[1, 2]], [0]), TypeError, ["cross_entropy", "logits", "floating"]),
    "no batch": (
        lambda: nn.cross_entropy(np.zeros((0, 3)), np.zeros(0, int)), ValueError, ["cross_entropy", "empty", "mean"],
    ),
    "no class": (lambda: nn.cross_entropy(np.zeros((4, 0)), np.zeros(4, int)), ValueError, ["(4, 0)", "(…, C)"]),
    "no class, summed": (
        lambda: nn.cross_entropy(np.zeros((4, 0)), np.zeros(4, int), "sum"), ValueError, ["(4, 0)", "(…, C)"],
    ),
    "no axis": (lambda: nn.cross_entropy(1.0, 0), ValueError, ["cross_entropy", "()", "(…, C)"]),
    "smoothing too large": (
        lambda: nn.cross_entropy(LOGITS, LABELS, label_smoothing=1.5), ValueError, ["label_smoothing", "1.5"],
    ),
    "smoothing negative, in the module": (
        lambda: nn.CrossEntropyLoss(label_smoothing=-0.1), ValueError, ["CrossEntropyLoss", "label_smoothing", "-0.1"],
    ),
    "unknown reduction, mse": (
        lambda: nn.mse([1.0], [1.0], "avg"), ValueError, ["mse", "'mean', 'sum', 'none'", "'avg'"],
    ),
    "unknown reduction, cross_entropy": (
        lambda: nn.cross_entropy(LOGITS, LABELS, "avg"), ValueError, ["cross_entropy", "'mean', 'sum', 'none'", "avg"],
    ),
    "unknown reduction, module": (lambda: nn.MSELoss("avg"), ValueError, ["MSELoss", "'mean', 'sum', 'none'", "'avg'"]),
}  # fmt: skip


def loaded(state, **options):
    return lambda: nn.MLP(3, [2, 1]).load_state_dict(state, **options)


LAYERS = {
    "input of another size": (
        lambda: nn.Linear(3, 2)(np.zeros((4, 5))), ValueError, ["Linear", "in_features=3", "(4, 5)", "(…, 3)"],
    ),
    "input without an axis": (lambda: nn.Linear(3, 2)(1.0), ValueError, ["in_features=3", "()"]),
    "input a float64 tensor": (
        lambda: nn.Linear(3, 2)(tt.zeros(3)), TypeError, ["Linear", "float64", "float32", "x.astype(np.float32)"],
    ),
    "input an integer tensor": (
        lambda: nn.Linear(3, 2)(tt.Tensor([1, 2, 3])), TypeError, ["Linear", "int64", "x.astype(np.float32)"],
    ),
    "input complex": (lambda: nn.Linear(2, 2)([1j, 1]), TypeError, ["Linear", "real numbers", "complex128"]),
    "input words": (lambda: nn.Linear(1, 2)(["1.5"]), TypeError, ["Linear", "real numbers"]),
    "input ragged": (lambda: nn.Linear(2, 2)([[1, 2], [1]]), ValueError, ["Linear", "not an array"]),
    "input a list of tensors": (
        lambda: nn.Linear(1, 2)([tt.ones(1, requires_grad=True)]), RuntimeError, ["np.stack"],
    ),
    "Linear of a negative size": (lambda: nn.Linear(3, -1), ValueError, ["Linear", "out_features", "-1"]),
    "Linear of half a feature": (lambda: nn.Linear(2.5, 1), TypeError, ["Linear", "in_features", "integer", "2.5"]),
    "Linear of integers": (lambda: nn.Linear(2, 1, dtype=int), TypeError, ["Linear", "floating", "int64"]),
    "Linear with a seed": (lambda: nn.Linear(2, 1, generator=0), TypeError, ["generator", "np.random.default_rng"]),
    "Sequential of a list": (
        lambda: nn.Sequential([nn.Tanh()]), TypeError, ["Sequential", "argument 0", "list", "Sequential(*modules)"],
    ),
    "Sequential of a class": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.Tanh), TypeError, ["argument 1", "the class Tanh itself"],
    ),
    "Dropout above 1": (lambda: nn.Dropout(1.5), ValueError, ["Dropout", "from 0 to 1", "1.5"]),
    "Dropout below 0": (lambda: nn.Dropout(-0.1), ValueError, ["Dropout", "from 0 to 1", "-0.1"]),
    "Dropout nan": (lambda: nn.Dropout(np.nan), ValueError, ["Dropout", "from 0 to 1", "nan"]),
    "Dropout with a seed": (lambda: nn.Dropout(generator=0), TypeError, ["np.random.default_rng"]),
    "Dropout of integers": (lambda: nn.Dropout()(tt.Tensor([1, 2])), TypeError, ["Dropout", "floating", "int64"]),
    "MLP with an unknown activation": (
        lambda: nn.MLP(2, [1], activation="rlu"), ValueError,
        ["MLP", "activation", "'relu', 'tanh', 'sigmoid', 'identity'", "'rlu'"],
    ),
    "MLP with an unknown output activation": (
        lambda: nn.MLP(2, [1], output_activation="softmax"), ValueError, ["output_activation", "'softmax'"],
    ),
    "MLP with the class of an activation": (lambda: nn.MLP(2, [1], activation=nn.ReLU), TypeError, ["write ReLU()"]),
    "MLP with a number for activation": (lambda: nn.MLP(2, [1], activation=3), TypeError, ["MLP", "activation"]),
    "MLP without layers": (lambda: nn.MLP(2, []), ValueError, ["MLP", "nouts", "[16, 16, 1]", "[]"]),
    "MLP with one number": (lambda: nn.MLP(2, 1), ValueError, ["MLP", "nouts", "[16, 16, 1]", "1"]),
    "MLP with an empty layer": (lambda: nn.MLP(2, [3, 0, 1]), ValueError, ["MLP", "layer's size", "got 0"]),
    "MLP without inputs": (lambda: nn.MLP(0, [1]), ValueError, ["MLP", "layer's size", "got 0"]),
    "MLP with a fraction": (lambda: nn.MLP(2, [1.5]), TypeError, ["MLP", "integer", "1.5"]),
    "MLP with too much dropout": (lambda: nn.MLP(2, [1], dropout=2), ValueError, ["Dropout", "from 0 to 1"]),
    "no forward": (lambda: type("Net", (nn.Module,), {})()(1), NotImplementedError, ["Net", "def forward(self, x)"]),
    "state not a mapping": (loaded([1, 2]), TypeError, ["load_state_dict", "mapping", "list"]),
    "state of another network": (
        loaded({"layers.0.weight": np.zeros((5, 3)), "layers.0.bias": np.zeros(2), "head.bias": 1.0}), ValueError,
        ["MLP.load_state_dict", "nothing was loaded", "missing: layers.1.weight, layers.1.bias",
         "unexpected: head.bias", "misshapen: layers.0.weight: expected (2, 3), got (5, 3)"],
    ),
    "state misshapen, not strict": (
        loaded({"layers.0.bias": np.zeros(3)}, strict=False), ValueError, ["layers.0.bias: expected (2,), got (3,)"],
    ),
    "state of complex numbers": (
        loaded({"layers.0.bias": [1j, 1]}, strict=False), ValueError, ["layers.0.bias", "float32", "complex128"],
    ),
    "state of words": (loaded({"layers.0.bias": ["1", "2"]}, strict=False), ValueError, ["layers.0.bias", "<U1"]),
    "state ragged": (loaded({"layers.0.bias": [[1], [1, 2]]}, strict=False), ValueError, ["array: layers.0.bias"]),
    "missing names alone": (loaded({}), ValueError, ["missing: layers.0.weight", "strict=False"]),
}  # fmt: skip


@pytest.mark.parametrize(("call", "error", "fragments"), [*LOSSES.values(), *LAYERS.values()], ids=[*LOSSES, *LAYERS])
def test_invalid_input_is_an_error_that_says_what_to_do(call, error, fragments):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    for fragment in fragments:
        assert fragment in str(caught.value)
