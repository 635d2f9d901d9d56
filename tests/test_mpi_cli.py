"""``mpiexec -n 2 tinytensor train``: the model of one process, and a training that continues after a rank was killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinytensor as tt

from .test_mpi import ENVIRONMENT, FOREVER, MPIEXEC, ROOT

TRAIN = [sys.executable, "-m", "tinytensor", "train"]
SHORT = ["digits", "--epochs", "8", "--patience", "0", "--batch", "64", "--clip-norm", "1", "--checkpoint-every", "0"]


def start(folder, *arguments, ranks=2):
    assert MPIEXEC, "no mpiexec: pip install 'tinytensor[mpi]'"
    command = [MPIEXEC, "-n", str(ranks), *TRAIN, *arguments] if ranks > 1 else [*TRAIN, *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=os.environ | ENVIRONMENT | {"PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finished(process):
    out, err = process.communicate(timeout=FOREVER)
    assert process.returncode == 0, err
    return out, err


def model(folder):
    document = json.loads((folder / "model.json").read_text("utf-8"))
    return tt.load(folder / "weights.safetensors"), document


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    return folder / "model", *finished(start(folder, *SHORT))


def test_two_ranks_make_the_model_of_one(straight, tmp_path):
    finished(start(tmp_path, *SHORT, ranks=1))
    (one, alone), (two, ours) = model(tmp_path / "model"), model(straight[0])
    for name, array in one.items():
        assert np.max(np.abs(two[name] - array)) < 1e-3, name
    for curve, values in alone["curves"].items():
        np.testing.assert_allclose(ours["curves"][curve], values, rtol=0.01, err_msg=curve)
    assert ours["network"] == alone["network"]


def test_one_rank_speaks(straight):
    folder, out, err = straight
    assert out.count("Written to") == err.count("epoch 8/8") == 1
    assert not (folder / "checkpoints").exists()


def test_a_training_whose_rank_was_killed_is_resumed(straight, tmp_path):
    killed = start(tmp_path, *SHORT)
    while not killed.stderr.readline().startswith("epoch 3/"):
        assert killed.poll() is None, killed.communicate()[1]
    ranks = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
    assert len(ranks) == 2
    os.kill(int(ranks[-1]), signal.SIGKILL)
    err = killed.communicate(timeout=FOREVER)[1]
    assert killed.returncode != 0
    assert "signal 9 (Killed)" in err
    assert "tinytensor.mpi: rank" in err
    assert "start the job again" in err
    _, err = finished(start(tmp_path, "--resume", "model"))
    assert "going on after epoch" in err
    (one, straight_document), (two, document) = model(straight[0]), model(tmp_path / "model")
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert document["curves"] == straight_document["curves"]
