"""Layers, dropout and the MLP: PyTorch's numbers, and one precision from the input to every gradient."""

import copy
import pickle

import numpy as np
import pytest
import torch

import tinytensor as tt
from tinytensor import nn
from tinytensor.engine import newest_first
from tinytensor.fused import linear


def rng(seed=0):
    return np.random.default_rng(seed)


def parameter(*values):
    return tt.Tensor(np.array(values), requires_grad=True)


def names(module):
    return [name for name, _ in module.named_parameters()]


def test_linear_starts_with_torchs_distribution():
    layer = nn.Linear(25, 4000, generator=rng())
    for values in (layer.weight.data, layer.bias.data):
        assert values.dtype == np.float32
        assert np.abs(values).max() <= 1 / 5
        # Uniform over ±1/5: mean 0, deviation 1/5/sqrt(3). torch draws 4,000 biases and 100,000 weights alike.
        assert abs(values.mean()) < 0.01
        assert values.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.03)
    torch.manual_seed(0)
    twin = torch.nn.Linear(25, 4000)
    for name, values in layer.state_dict().items():
        theirs = getattr(twin, name).detach().numpy()
        np.testing.assert_allclose(np.quantile(values, [0.01, 0.25, 0.75, 0.99]),
                                   np.quantile(theirs, [0.01, 0.25, 0.75, 0.99]), atol=0.015)  # fmt: skip


def test_the_layout_of_a_weight_changes_no_number_that_is_drawn():
    layer = nn.Linear(3, 4, generator=rng(5), dtype=np.float64)
    drawn = rng(5)
    bound = 1 / np.sqrt(3)
    np.testing.assert_array_equal(layer.weight.data, drawn.uniform(-bound, bound, (4, 3)))
    np.testing.assert_array_equal(layer.bias.data, drawn.uniform(-bound, bound, 4))


@pytest.mark.parametrize("copied", [lambda m: m, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_weight_its_gradient_and_the_buffers_lie_alike(copied):
    """By columns: an optimizer then goes through all of them in one order."""
    model = copied(nn.MLP(5, [7, 3], generator=rng()))
    model.load_state_dict(nn.MLP(5, [7, 3], generator=rng(1)).state_dict())
    optimizer = tt.optim.Adam(model.parameters(), amsgrad=True)
    for shape in ((6, 5), (2, 6, 5), (5,)):
        optimizer.zero_grad()
        model(rng().standard_normal(shape)).sum().backward()
        optimizer.step()
        for layer in model.layers:
            assert np.isfortran(layer.weight.data)
            assert np.isfortran(layer.weight.grad)
    for state in optimizer._state[::2]:
        assert all(np.isfortran(state[name]) for name in ("m", "v", "v_max"))


def test_a_layer_written_by_hand_has_gradients_that_lie_as_its_weight():
    weight = nn.Linear(5, 4, generator=rng()).weight
    (rng().standard_normal((6, 5)).astype(np.float32) @ weight.T).sum().backward()
    assert np.isfortran(weight.grad)


@pytest.mark.parametrize("shape", [(5,), (6, 5), (2, 3, 5), (0, 5)])
@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer_computes_the_same_in_either_layout(shape, rectified, dtype):
    found = []
    for order in "CF":
        layer = nn.Linear(5, 4, generator=rng(), dtype=dtype)
        layer.weight.data = np.array(layer.weight.data, order=order)
        x = tt.Tensor(rng(1).standard_normal(shape).astype(dtype), requires_grad=True)
        y = layer.rectified(x) if rectified else layer(x)
        y.backward(rng(2).standard_normal(y.shape).astype(dtype))
        assert layer.weight.grad.flags.owndata
        found.append((y.data, x.grad, layer.weight.grad, layer.bias.grad))
    for rows, columns in zip(*found, strict=True):
        assert rows.dtype == columns.dtype == dtype
        np.testing.assert_allclose(rows, columns, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("own", "other"), [(np.float64, np.float32), (np.float32, np.float64)])
def test_a_weight_of_another_dtype_than_the_input_gets_a_gradient_in_its_own(own, other):
    weight = tt.Tensor(np.asfortranarray(rng().standard_normal((4, 5)), own), requires_grad=True)
    x = rng(1).standard_normal((6, 5)).astype(other)
    linear(x, weight).sum().backward()
    assert weight.grad.dtype == own
    np.testing.assert_allclose(weight.grad, np.tile(x.sum(axis=0), (4, 1)), rtol=1e-5)


def test_linear_without_inputs_is_its_bias():
    layer = nn.Linear(0, 2)
    assert layer.weight.shape == (2, 0)
    assert layer(np.zeros((3, 0))).tolist() == [[0.0, 0.0]] * 3


@pytest.mark.parametrize("shape", [(3,), (0, 3), (5, 3), (2, 5, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_linear_of_every_number_of_axes(shape, bias):
    layer = nn.Linear(3, 2, bias, dtype=np.float64)
    twin = torch.nn.Linear(3, 2, bias, dtype=torch.float64)
    layer.load_state_dict(twin.state_dict())
    x = rng().normal(size=shape)
    np.testing.assert_allclose(layer(x).data, twin(torch.tensor(x)).detach().numpy(), rtol=1e-12, atol=1e-14)


def test_the_generator_decides_everything():
    x = rng(9).normal(size=(4, 3))
    first, same, other = (nn.MLP(3, [5, 5, 1], dropout=0.5, generator=rng(seed)) for seed in (7, 7, 8))
    assert [first(x).tolist() for _ in range(3)] == [same(x).tolist() for _ in range(3)]
    assert first.layers[0].weight.tolist() != other.layers[0].weight.tolist()
    tt.manual_seed(5)
    model = nn.MLP(2, [2, 1])
    tt.manual_seed(5)
    assert nn.MLP(2, [2, 1]).layers[1].bias.tolist() == model.layers[1].bias.tolist()
    doubles = nn.Linear(3, 2, dtype=np.float64, generator=rng(7))
    singles = nn.Linear(3, 2, generator=rng(7))
    np.testing.assert_array_equal(doubles.weight.data.astype(np.float32), singles.weight.data)


def test_sequential_is_a_sequence_of_modules():
    layers = [nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)]
    model = nn.Sequential(*layers)
    assert len(model) == 3
    assert list(model) == layers
    assert model[-1] is layers[2]
    assert isinstance(model[:2], nn.Sequential)
    assert list(model[:2]) == layers[:2]
    assert names(model) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert nn.Sequential()([1.0]).tolist() == [1.0]


ACTIVATIONS = {"relu": (nn.ReLU, torch.relu), "tanh": (nn.Tanh, torch.tanh), "sigmoid": (nn.Sigmoid, torch.sigmoid),
               "identity": (nn.Identity, lambda x: x)}  # fmt: skip


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_as_modules_and_by_name(name):
    module, function = ACTIVATIONS[name]
    x = rng().normal(size=(4, 3))
    np.testing.assert_allclose(module()(x).data, function(torch.tensor(x)).numpy(), rtol=1e-12)
    np.testing.assert_allclose(module()(x.tolist()).data, function(torch.tensor(x)).numpy(), rtol=1e-12)
    by_name, by_module, by_function = (
        nn.MLP(3, [4, 2], activation=given, output_activation=given, generator=rng())
        for given in (name, module(), lambda t: module()(t))
    )
    assert by_name(x).tolist() == by_module(x).tolist() == by_function(x).tolist()
    hidden = function(torch.tensor(by_name.layers[0](x).data))
    np.testing.assert_allclose(
        by_name(x).data, function(torch.tensor(by_name.layers[1](hidden.numpy()).data)).numpy(), rtol=1e-5
    )


def test_softmax_along_an_axis():
    x = rng().normal(size=(2, 3))
    for axis in (0, -1):
        np.testing.assert_allclose(nn.Softmax(axis)(x).data, torch.softmax(torch.tensor(x), axis).numpy(), rtol=1e-12)


def test_an_activation_with_parameters_is_trained_and_saved():
    class Scaled(nn.Module):
        def __init__(self):
            self.scale = parameter(2.0)

        def forward(self, x):
            return x * self.scale

    model = nn.MLP(2, [3, 1], activation=Scaled(), dtype=np.float64)
    assert names(model)[-1] == "activation.scale"
    assert "(activation): Scaled()  # 1 parameter" in repr(model)


# ---------------------------------------------------------------------------------------- dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dropout_zeroes_a_part_and_keeps_the_mean(p, dtype):
    x = tt.ones((200, 500), dtype=dtype, requires_grad=True)
    y = nn.Dropout(p, generator=rng())(x)
    assert (y.shape, y.dtype) == (x.shape, dtype)
    assert (y.data == 0).mean() == pytest.approx(p, abs=0.01)
    np.testing.assert_allclose(np.unique(y.data), [0, 1 / (1 - p)], rtol=1e-3)
    assert y.data.mean(dtype=float) == pytest.approx(1, abs=0.03)
    y.backward(np.ones(x.shape, dtype))
    np.testing.assert_array_equal(x.grad, y.data)  # the same mask on the way back


def test_dropout_draws_anew_each_time_and_rests_in_use():
    drop, x = nn.Dropout(0.5, generator=rng()), tt.ones(1000)
    assert drop(x).tolist() != drop(x).tolist()
    assert drop.eval()(x) is x
    assert drop.train()(x).tolist() != x.tolist()


def test_dropout_of_nothing_and_of_everything():
    x = tt.Tensor([1.0, 2.0], requires_grad=True)
    assert nn.Dropout(0)(x) is x
    y = nn.Dropout(1)(x)
    y.sum().backward()
    assert y.tolist() == x.grad.tolist() == [0.0, 0.0]
    assert nn.Dropout(0.5).eval()([1.0, 2.0]).tolist() == [1.0, 2.0]


def test_mlp_drops_hidden_units_in_training_only():
    model = nn.MLP(2, [1000, 1000], dropout=0.5, generator=rng())
    outputs = model(np.ones(2)).data
    assert (outputs != 0).all()  # nothing is dropped after the last layer
    assert not np.array_equal(outputs, model(np.ones(2)).data)
    model.eval()
    np.testing.assert_array_equal(model(np.ones(2)).data, model(np.ones(2)).data)


# --------------------------------------------------------------------------------- the whole network


def test_micrograds_network_has_41_parameters():
    model = nn.MLP(3, [4, 4, 1])
    assert sum(p.size for p in model.parameters()) == 41
    assert model([2.0, 3.0, -1.0]).shape == (1,)
    assert model(np.zeros((7, 3))).shape == (7, 1)
    assert names(nn.MLP(3, [4, 1], bias=False)) == ["layers.0.weight", "layers.1.weight"]


def test_a_network_learns():
    x = rng().normal(size=(64, 2))
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    model, losses = nn.MLP(2, [16, 2], activation="tanh", generator=rng()), []
    for _ in range(300):
        loss = nn.cross_entropy(model(x), labels)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.5 * p.grad
        losses.append(loss.item())
    assert losses[-1] < 0.1 < losses[0]


LOSSES = {
    "mse": lambda y, x: nn.mse(y, x[:, :2]),
    "cross_entropy": lambda y, x: nn.cross_entropy(y, [0, 1, 1]),
    "cross_entropy, smoothed": lambda y, x: nn.cross_entropy(y, [0, 1, 1], label_smoothing=0.1),
    "cross_entropy of probabilities": lambda y, x: nn.cross_entropy(y, np.full((3, 2), 0.5)),
    "bce": lambda y, x: nn.binary_cross_entropy_with_logits(y, x[:, :2] > 0),
    "hinge": lambda y, x: nn.hinge(y, np.sign(x[:, :2])),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_precision_from_the_input_to_every_gradient(loss, activation, dtype):
    """The data are float64 and integers, as NumPy makes them."""
    model = nn.MLP(4, [8, 8, 2], activation=activation, dropout=0.3, dtype=dtype, generator=rng())
    x = rng(1).normal(size=(3, 4))
    value = loss(model(x), x)
    nodes = newest_first(value)
    assert len(nodes) >= 12
    assert {node.dtype for node in nodes} == {np.dtype(dtype)}
    value.backward()
    # The rule of log_probs is None in the table: what it receives is counted by the loss itself.
    assert {node.grad.dtype for node in nodes if node.grad is not None} == {np.dtype(dtype)}
    assert all(p.grad.shape == p.shape and p.grad.dtype == dtype for p in model.parameters())
    # Constants among the operands count as well: a float64 array beside a float32 tensor makes float64.
    arrays = [a for node in nodes for a in node._args if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    assert {a.dtype for a in arrays} <= {np.dtype(dtype)}
