"""Trainings killed at random moments, writing included, and disks that refuse: the last good checkpoint stays."""

import errno
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from tinytensor import io

from .checkpoint_run import Training

PROGRAM = Path(__file__).with_name("checkpoint_run.py")
KILLS = 25  # for each of two kinds of step


def start(folder, compiled):
    command = [sys.executable, PROGRAM, folder, "--compiled"] if compiled else [sys.executable, PROGRAM, folder]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def temporaries(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")] if folder.exists() else []


def kill_at_a_moment(process, folder, moment, rng):
    """Kill the process while it starts, while it trains, or when it is seen writing; False where it was done before."""
    if moment == "starting":
        time.sleep(rng.uniform(0, 0.3))
    else:
        assert process.stdout.readline().startswith("training")
        if moment == "training":
            time.sleep(rng.uniform(0, 0.15))
        else:
            seen, number = set(temporaries(folder)), rng.integers(1, 6)  # a process killed before may have left one
            while process.poll() is None and number:
                if new := set(temporaries(folder)) - seen:
                    seen |= new
                    number -= 1
            time.sleep(rng.uniform(0, 0.002))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_training_killed_again_and_again_ends_as_if_it_had_not_been(tmp_path, compiled):
    uninterrupted = start(tmp_path / "straight", compiled).communicate()[0].split()[-1]
    rng = np.random.default_rng(7 + compiled)
    kills, half_written, resumed, runs = 0, 0, 0, 0
    while kills < KILLS:
        folder = tmp_path / str(runs)
        runs += 1
        while kills < KILLS:
            moment = rng.choice(["starting", "training", "writing", "writing"])
            if not kill_at_a_moment(start(folder, compiled), folder, moment, rng):
                break  # this training was done before; the next one is killed
            kills += 1
            half_written += len(temporaries(folder)) > 0
            checkpoints = io.Checkpointer(folder)
            for step in checkpoints.steps():
                assert io.load(checkpoints.path(step))  # not one is damaged: the checksums fit
            resumed += bool(checkpoints.steps())
        first, last = start(folder, compiled).communicate()[0].split("\n")[:2]
        assert last == f"done {uninterrupted}", (first, kills)
        assert temporaries(folder) == []  # what the killed ones left is cleared away
        assert len(io.Checkpointer(folder).steps()) == 3
    assert half_written >= 3, "hardly a kill hit a write: the test does not test what it says"
    assert resumed >= 10
    print(f"{kills} kills, {half_written} left a file half written, {resumed} left checkpoints, {runs} trainings")


def test_the_program_in_this_process_and_alone_agree(tmp_path):
    """So the tests of `test_checkpoints`, which run in one process, speak of the same training."""
    training = Training(ballast=500_000)
    training.run(8)
    assert start(tmp_path, compiled=False).communicate()[0].split()[-1] == training.digest()


# ------------------------------------------------------------------------------------ disks that refuse


@pytest.fixture
def file_size_limit():
    """Let no file grow beyond so many bytes: a real error of the system in the middle of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_the_system_stops_leaves_the_last_good_checkpoint(tmp_path, file_size_limit):
    training, checkpoints = Training(ballast=50_000), io.Checkpointer(tmp_path)
    checkpoints.save(1, **training.parts)
    before = checkpoints.path(1).read_bytes()
    file_size_limit(100_000)
    for step in (1, 2):  # also where it would replace the last one
        with pytest.raises(
            OSError, match=r"larger than this process may write.*last good checkpoint is step 1"
        ) as caught:
            checkpoints.save(step, **training.parts)
        assert caught.value.errno == errno.EFBIG
        assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == ["checkpoint-00000001.safetensors"]
    assert checkpoints.path(1).read_bytes() == before


def test_a_model_that_the_system_stops_leaves_the_file_of_that_name(tmp_path, file_size_limit):
    path = tmp_path / "model.safetensors"
    io.save(path, {"w": np.zeros(10)})
    file_size_limit(100_000)
    with pytest.raises(OSError, match="nothing was written") as caught:
        io.save(path, {"w": np.zeros(50_000)})
    assert caught.value.filename == str(path)
    assert io.load(path)["w"].shape == (10,)
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    checkpoints = io.Checkpointer(tmp_path)
    checkpoints.save(1, values={"w": 1})
    opened = os.open

    def on_a_full_disk(path, flags, *mode):
        return opened("/dev/full", os.O_WRONLY) if flags & os.O_CREAT else opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", on_a_full_disk)  # the kernel's own refusal, of every byte
    with pytest.raises(
        OSError, match=r"the disk is full; nothing was written, the last good checkpoint is step 1"
    ) as caught:
        checkpoints.save(2, values={"w": 2})
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert checkpoints.restore().values == {"w": 1}


def test_the_disk_has_the_file_before_its_name_and_the_name_before_save_returns(tmp_path, monkeypatch):
    calls = []

    def noted(name, function):
        def call(*arguments):
            place = arguments[0]
            place = os.readlink(f"/proc/self/fd/{place}") if isinstance(place, int) else place
            calls.append((name, Path(place).name.split(".")[-1]))
            return function(*arguments)

        return call

    for name in ("fsync", "replace", "unlink"):
        monkeypatch.setattr(os, name, noted(name, getattr(os, name)))
    checkpoints = io.Checkpointer(tmp_path / "run", keep=1)
    for step in (1, 2):
        checkpoints.save(step)
    once = [("fsync", "tmp"), ("replace", "tmp"), ("fsync", "run")]
    assert calls == [("fsync", Path(tmp_path).name), *once, *once, ("unlink", "safetensors")]


def test_ctrl_c_in_the_middle_of_a_write_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    checkpoints = io.Checkpointer(tmp_path)
    checkpoints.save(1, values={"w": 1})

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(2, values={"w": 2})
    assert os.listdir(tmp_path) == ["checkpoint-00000001.safetensors"]
    assert checkpoints.restore().values == {"w": 1}


FULL_DISK = """
import os
import numpy as np
from tinytensor import io
checkpoints = io.Checkpointer("checkpoints", keep=None)
try:
    for step in range(100):
        checkpoints.save(step, values={"w": np.zeros(100_000)})
except OSError as error:
    print(error)
print(checkpoints.steps(), sorted(os.listdir("checkpoints")))
print(checkpoints.restore().step)
"""
SMALL_DISK = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
MOUNT = "mount -t tmpfs -o size=3m tmpfs /mnt && cd /mnt && "


def test_a_disk_that_fills_up_leaves_all_checkpoints_but_the_one_too_many():
    try:
        subprocess.run([*SMALL_DISK, MOUNT + "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this system lets a user mount no file system; the two tests above stand for this one")
    environment = os.environ | {"PYTHONPATH": str(PROGRAM.parent.parent)}
    command = [*SMALL_DISK, MOUNT + 'exec "$0" -c "$1"', sys.executable, FULL_DISK]
    error, names, latest = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout.splitlines()
    assert "the disk is full; nothing was written, the last good checkpoint is step 2" in error
    assert names == f"[0, 1, 2] {[f'checkpoint-{step:08d}.safetensors' for step in range(3)]}"
    assert latest == "2"


READ_ONLY = """
import os
import sys
import numpy as np
from tinytensor import io
os.chdir(sys.argv[1])
checkpoints = io.Checkpointer("checkpoints", keep=1)
io.save("w.safetensors", {"w": np.zeros(3)})  # imports all that is needed
checkpoints.save(1, values={"w": 1})
os.chmod("checkpoints", 0o555)
if os.geteuid() == 0:  # to whom a folder is never read-only
    os.chmod("checkpoints/checkpoint-00000001.safetensors", 0o444)
    os.seteuid(65534)
try:
    checkpoints.save(2, values={"w": 2})
except OSError as error:
    print(error.errno, error)
try:
    io.Checkpointer("checkpoints/deeper").save(2, values={"w": 2})
except OSError as error:
    print(error.errno, error)
print(checkpoints.restore().values)
"""


def test_a_read_only_folder_is_a_clear_error_and_its_checkpoint_is_read(tmp_path):
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, whose parents are closed to other users
        os.chmod(folder, 0o777)
        command = [sys.executable, "-c", READ_ONLY, folder]
        environment = os.environ | {"PYTHONPATH": str(PROGRAM.parent.parent)}
        lines = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout.splitlines()
    refused = r"13 \[Errno 13\] Checkpointer\.save: no permission; nothing was written"
    assert re.fullmatch(
        refused + r", the last good checkpoint is step 1: '.*checkpoint-00000002\.safetensors'", lines[0]
    )
    assert re.fullmatch(refused + r": '.*deeper/checkpoint-00000002\.safetensors'", lines[1])
    assert lines[2:] == ["{'w': 1}"]
