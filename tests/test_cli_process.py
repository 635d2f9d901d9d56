"""The command line as a process: signals and resuming, a closed pipe, what is imported, the exit status."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tinytensor as tt
from tinytensor.cli import main

pytest.importorskip("sklearn")
pytest.importorskip("safetensors")

COMMAND = [sys.executable, "-m", "tinytensor"]
TRAIN = [*COMMAND, "train"]
LONG = [
    "data.csv", "--target", "label", "--epochs", "120", "--patience", "0", "--batch", "16", "--hidden", "32,16",
    "--dropout", "0.2", "--schedule", "cosine", "--checkpoint-every", "0",
]  # fmt: skip


@pytest.fixture(autouse=True)
def interruptible():
    """SIGINT as in a terminal: a shell starts what runs in the background with it ignored, and children inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with data and the model of a training that nothing interrupted."""
    folder = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    with open(folder / "data.csv", "w", encoding="utf-8") as file:
        file.write("a,b,colour,label\n")
        for a, b, c in x:
            file.write(f"{a:.4f},{b:.4f},{'rot' if c > 0 else 'grün'},{'yes' if a * b + c > 0 else 'no'}\n")
    done = call(folder, "train", *LONG, "--out", "straight")
    assert done.returncode == 0, done.stderr
    return folder


def call(folder, *arguments):
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, encoding="utf-8", env=environment()
    )


def environment():
    """One BLAS thread, and the package from where the tests run."""
    root = os.path.dirname(os.path.dirname(tt.__file__))
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": root, "PYTHONUTF8": "1"}


def same_model(folder, one, two):
    first, second = (tt.load(folder / name / "weights.safetensors") for name in (one, two))
    documents = [json.loads((folder / name / "model.json").read_text("utf-8")) for name in (one, two)]
    assert documents[0]["curves"] == documents[1]["curves"]
    assert documents[0]["measures"] == documents[1]["measures"]
    assert first.keys() == second.keys()
    return all(np.array_equal(first[name], second[name]) for name in first)


# The moment is a line of the progress, and some milliseconds after it.
MOMENTS = [
    (signal.SIGINT, "epoch 1/", 0.0),
    (signal.SIGINT, "epoch 30/", 0.013),
    (signal.SIGTERM, "epoch 42/", 0.005),
    (signal.SIGKILL, "epoch 18/", 0.007),
    (signal.SIGKILL, "epoch 72/", 0.011),
]  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "line", "after"), MOMENTS, ids=[f"{s.name} {line}" for s, line, _ in MOMENTS])
def test_a_training_that_is_ended_by_a_signal_goes_on_bit_by_bit(folder, capsys, monkeypatch, number, line, after):
    name = f"{number.name}-{line[6:-1]}"
    command = [*TRAIN, *LONG, "--out", name]
    with subprocess.Popen(
        command, cwd=folder, stdout=-1, stderr=-1, text=True, encoding="utf-8", env=environment()
    ) as process:
        for text in process.stderr:
            if text.startswith(line):
                break
        time.sleep(after)
        process.send_signal(number)
        out, err = process.communicate()
    if number == signal.SIGKILL:
        assert process.returncode == -number
    else:
        assert process.returncode == 128 + number
        assert err.endswith(f"of 120; go on with: tinytensor train --resume {name}\n")
        assert "Traceback" not in err
    assert out == ""
    assert not (folder / name / "model.json").exists()

    monkeypatch.chdir(folder)
    assert main(["train", "--resume", name]) == 0
    assert "note: going on after epoch" in capsys.readouterr().err
    assert same_model(folder, "straight", name)
    assert sorted(os.listdir(folder / name)) == sorted(os.listdir(folder / "straight"))


def test_a_training_that_has_ended_has_nothing_to_resume(folder):
    done = call(folder, "train", "--resume", "straight")
    assert (done.returncode, done.stdout, done.stderr) == (0, "straight is trained already\n", "")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_other_data_are_not_gone_on_with(folder, tmp_path):
    (tmp_path / "data.csv").write_bytes((folder / "data.csv").read_bytes())
    with subprocess.Popen([*TRAIN, *LONG], cwd=tmp_path, stderr=-1, text=True, env=environment()) as process:
        process.stderr.readline()
        process.kill()
    done = call(tmp_path, "predict", "model", "data.csv")
    assert done.returncode == 2
    assert done.stderr == (
        "tinytensor: error: model: its training has not ended; go on with tinytensor train --resume model\n"
    )
    with open(tmp_path / "data.csv", "a") as file:
        file.write("1,2,rot,yes\n")
    done = call(tmp_path, "train", "--resume", "model")
    assert done.returncode == 2
    assert "not the data that the training in model began with" in done.stderr
    assert call(tmp_path, "train", "--resume", "model", str(folder / "data.csv"), "--quiet").returncode == 0
    assert same_model(tmp_path, str(folder / "straight"), "model")


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_second_signal_stops_at_once():
    from tinytensor.cli.saving import Interrupted, Signals

    notes, before = [], signal.getsignal(signal.SIGINT)
    with Signals().caught(notes.append) as signals:
        signal.raise_signal(signal.SIGINT)
        assert signals.number == signal.SIGINT
        assert notes == ["stopping after this batch, to save; Ctrl-C again stops at once"]
        with pytest.raises(Interrupted, match="stopped at once") as stopped:
            signal.raise_signal(signal.SIGINT)
    assert stopped.value.status == 130
    assert not isinstance(stopped.value, KeyboardInterrupt)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_checkpoints_that_are_no_good(folder, tmp_path, capsys, monkeypatch):
    """One line, whether a checkpoint is cut off or sound but of something else."""
    from tinytensor.io import Checkpointer

    (tmp_path / "data.csv").write_bytes((folder / "data.csv").read_bytes())
    with subprocess.Popen([*TRAIN, *LONG], cwd=tmp_path, stderr=-1, text=True, env=environment()) as process:
        while not process.stderr.readline().startswith("epoch 6/"):
            pass
        process.kill()
    monkeypatch.chdir(tmp_path)
    checkpoints = Checkpointer("model/checkpoints")
    newest = checkpoints.path(checkpoints.latest())
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-1])
    assert main(["train", "--resume", "model", "--quiet"]) == 1
    err = capsys.readouterr().err
    assert "can't resume: " in err
    assert "truncated" in err
    assert err.count("\n") == 1
    for state in ({}, {"model": 1}):
        checkpoints.save(checkpoints.latest() + 1, values={"state": state})
        assert main(["train", "--resume", "model", "--quiet"]) == 1
        err = capsys.readouterr().err
        assert "can't resume: the checkpoint does not fit: " in err
        assert err.count("\n") == 1


def test_results_on_stdout_and_the_rest_on_stderr(folder):
    done = call(folder, "train", *LONG, "--epochs", "2", "--out", "json", "--json")
    assert json.loads(done.stdout)["model"] == "json"
    assert len(done.stderr.splitlines()) == 2
    assert "\x1b" not in done.stdout + done.stderr
    done = call(folder, "evaluate", "json", "data.csv")
    assert done.stdout.startswith("Accuracy on 400 rows: ")
    assert done.stderr == ""
    done = call(folder, "evaluate", "json", "nowhere.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tinytensor: error: nowhere.csv: there is no such file\n"


@pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")
def test_a_reader_that_goes_away(folder):
    with open(folder / "many.csv", "w") as file:
        file.write("a,b,colour\n" + "1,2,rot\n" * 100_000)
    command = f"'{sys.executable}' -m tinytensor predict straight many.csv --quiet | head -n 2"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, env=environment())
    assert done.stdout.splitlines()[0] == "prediction,probability_no,probability_yes"
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")
def test_memory_is_bounded_when_a_large_file_is_predicted(folder):
    """40 MiB of text, and at most half of that more memory than for one row."""
    with open(folder / "large.csv", "w") as file:
        file.write("a,b,colour,note\n")
        for _ in range(20):
            file.write(f"1.5,2.25,rot,{'x' * 1000}\n" * 2_000)
    (folder / "small.csv").write_text("a,b,colour\n1,2,rot\n")
    peak = (
        "import re, sys; from tinytensor.cli import main; status = main(sys.argv[1:]); "
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1], file=sys.stderr); sys.exit(status)"
    )
    peaks = []
    for name in ("small.csv", "large.csv"):
        command = [sys.executable, "-c", peak, "predict", "straight", name, "--out", "p.csv", "--quiet"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment())
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stderr.split()[-1]) / 1024)
    assert os.path.getsize(folder / "large.csv") > 40e6
    assert peaks[1] - peaks[0] < 20


def test_help_and_predict_import_nothing_heavy(folder):
    look = (
        "import sys; from tinytensor.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'sklearn', 'scipy', 'pandas', 'matplotlib', 'tqdm', 'pyarrow'} & sys.modules.keys()\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    for arguments in (["--help"], ["train", "--help"], ["predict", "straight", "data.csv", "--quiet"]):
        command = [sys.executable, "-c", look, *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment())
        assert done.stderr == "[]\n"


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
def test_a_bar_in_a_terminal(folder):
    import fcntl
    import pty
    import struct
    import termios

    pytest.importorskip("tqdm")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
    command = [*TRAIN, *LONG, "--epochs", "5", "--out", "bar"]
    with subprocess.Popen(
        command, cwd=folder, stdout=-1, stderr=theirs, env={**environment(), "NO_COLOR": "1"}
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux's way to say that the other end is closed
                break
            if not part:
                break
            shown += part
        process.stdout.read()
    os.close(ours)
    text = shown.decode()
    assert "epoch 5/5 100%|" in text
    assert re.search(r"loss [\d.]+/[\d.]+, accuracy [\d.]+", text)
    assert "\x1b[3" not in text  # no colours
