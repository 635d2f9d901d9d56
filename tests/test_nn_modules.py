"""Modules: what they find in themselves, and how they show it. (State: ``test_nn_state.py``.)"""

import copy
import pickle

import numpy as np
import pytest

import tinytensor as tt
from tinytensor import nn


def rng(seed=0):
    return np.random.default_rng(seed)


def parameter(*values):
    return tt.Tensor(np.array(values), requires_grad=True)


def names(module):
    return [name for name, _ in module.named_parameters()]


class Net(nn.Module):
    """Everything that parameters may hide in; no super().__init__()."""

    def __init__(self):
        self.scale = parameter(1.0)
        self.layers = [nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False)]
        self.pair = (parameter(2.0), [parameter(3.0)])
        self.heads = {"a": nn.Linear(1, 1), "b": {"deep": parameter(4.0)}}
        self.mean = tt.Tensor([5.0])
        self.again = self.layers[0]
        self.twice = self.scale
        self.cached = self.scale * 2
        self.number, self.text, self.array = 1, "text", np.ones(3)


NET = ["scale", "layers.0.weight", "layers.0.bias", "layers.2.weight", "pair.0", "pair.1.0", "heads.a.weight",
       "heads.a.bias", "heads.b.deep"]  # fmt: skip


def test_the_public_names():
    assert all(hasattr(nn, name) for name in nn.__all__)
    assert nn.SGD is tt.optim.SGD


# ---------------------------------------------------------------------------------- what is inside


def test_parameters_are_found_everywhere_in_order_each_once():
    net = Net()
    assert names(net) == NET
    assert [id(p) for p in net.parameters()] == [id(p) for _, p in net.named_parameters()]
    assert all(p.requires_grad and p.is_leaf for p in net.parameters())


def test_a_parameter_frozen_later_is_no_longer_given():
    net = Net()
    net.layers[0].weight.requires_grad = False
    assert names(net) == [name for name in NET if name != "layers.0.weight"]
    assert "layers.0.weight" in net.state_dict()


def test_zero_grad_forgets_gradients():
    layer = nn.Linear(2, 1)
    layer([[1.0, 2.0]]).sum().backward()
    assert layer.weight.grad.tolist() == [[1.0, 2.0]]
    layer.zero_grad()
    assert layer.weight.grad is None
    assert layer.bias.grad is None


def test_modules_and_children():
    net = Net()
    assert [name for name, _ in net.named_modules()] == ["", "layers.0", "layers.1", "layers.2", "heads.a"]
    assert list(net.modules()) == [net, *net.layers, net.heads["a"]]
    assert list(net.children()) == [*net.layers, net.heads["a"], net.layers[0]]


def test_train_and_eval_reach_every_module():
    net = Net()
    assert net.training
    assert net.eval() is net
    assert [module.training for module in net.modules()] == [False] * 5
    assert net.train() is net
    assert [module.training for module in net.modules()] == [True] * 5


def test_modules_and_lists_in_a_circle():
    net, child = nn.Sequential(nn.Linear(1, 1)), nn.Linear(1, 1)
    net.child, child.parent = child, net
    net.notes = [parameter(1.0)]
    net.notes.append(net.notes)
    assert names(net) == ["0.weight", "0.bias", "child.weight", "child.bias", "notes.0"]
    assert list(net.state_dict()) == names(net)
    assert net.eval().child.training is False
    assert "(parent): Sequential(…)" in repr(net)


def test_two_tensors_under_one_name_are_an_error():
    net = nn.Module()
    net.heads = {1: parameter(1.0), "1": parameter(2.0)}
    with pytest.raises(ValueError, match=r"two tensors have the name 'heads\.1'"):
        net.state_dict()


def test_a_module_can_be_copied_and_pickled():
    model = nn.MLP(2, [3, 1], dropout=0.5, generator=rng()).eval()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other([1.0, 2.0]).data, model([1.0, 2.0]).data)
        other.layers[0].weight.data += 1
        assert not np.array_equal(other.layers[0].weight.data, model.layers[0].weight.data)


class Inner(nn.Module):
    def __init__(self):
        self.weight = tt.zeros((30, 40), requires_grad=True)
        self.norm = tt.zeros(7)


class Outer(nn.Module):
    def __init__(self):
        self.inner = Inner()
        self.blocks = [nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.25)), nn.Softmax()]


def test_repr_is_a_tree_with_counts():
    assert repr(Outer()) == (
        "Outer(\n"
        "  (inner): Inner()  # 1,200 parameters, 7 frozen\n"
        "  (blocks.0): Sequential(\n"
        "    (0): Linear(in_features=1, out_features=1, bias=True)  # 2 parameters\n"
        "    (1): Dropout(p=0.25)\n"
        "  )  # 2 parameters\n"
        "  (blocks.1): Softmax(axis=-1)\n"
        ")  # 1,202 parameters, 7 frozen"
    )


def test_repr_counts_a_shared_module_once():
    layer = nn.Linear(1, 1)
    assert repr(nn.Sequential(layer, layer)).endswith(")  # 2 parameters")
    assert repr(nn.Linear(0, 1, bias=False)) == "Linear(in_features=0, out_features=1, bias=False)"
    assert repr(nn.Linear(1, 1, bias=False)).endswith("# 1 parameter")
