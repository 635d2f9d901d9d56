"""The examples, run as a user runs them: what they print, what they draw, what they refuse."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import PIL.Image
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def command(script, *options):
    return [sys.executable, "-W", "error", str(EXAMPLES / script), *map(str, options)]


def run(script, *options, cwd=None):
    return subprocess.run(command(script, *options), capture_output=True, text=True, timeout=300, cwd=cwd)


def load(script, monkeypatch):
    """The example as a module, to call its functions."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", os.environ.get("OPENBLAS_NUM_THREADS", "1"))  # which it sets
    spec = importlib.util.spec_from_file_location(f"example_{Path(script).stem}", EXAMPLES / script)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def pictures(folder):
    """The names of the files in a folder; each is a picture with something on it."""
    names = sorted(path.name for path in folder.iterdir())
    for name in names:
        image = matplotlib.image.imread(folder / name)
        assert min(image.shape[:2]) > 200
        assert len(np.unique(image)) > 50
    return names


# ----------------------------------------------------------------------------------------- digits


def test_digits_reads_97_5_percent_over_five_seeds(tmp_path):
    result = run("digits.py", "--seeds", 5, "--out", tmp_path / "new" / "out")
    assert result.returncode == 0, result.stderr
    each = [float(x) for x in re.findall(r"^seed \d: test accuracy ([\d.]+)% of 450 digits$", result.stdout, re.M)]
    assert len(each) == 5
    assert np.mean(each) >= 97.5
    assert f"mean of 5 seeds: {np.mean(each):.1f}" in result.stdout
    rows = re.findall(r"^ +(\d) ((?: +[\d.]+){10}) +([\d.]+)%$", result.stdout, re.M)
    table = np.array([[int(cell.replace(".", "0")) for cell in cells.split()] for _, cells, _ in rows])
    assert [digit for digit, _, _ in rows] == list("0123456789")
    assert table.sum() == 450
    assert np.trace(table) / 4.5 == pytest.approx(each[0], abs=0.006)
    assert pictures(tmp_path / "new" / "out") == ["confusion.png", "curves.png", "mistakes.png", "weights.png"]
    assert all(word in result.stderr for word in ("loss=", "accuracy=", "test="))  # the progress bar
    assert "Warning" not in result.stderr


def test_digits_with_other_options_and_no_pictures(tmp_path):
    options = ["--hidden", "32", "--epochs", 5, "--lr", 0.01, "--batch-size", 100, "--seed", 7, "--no-plots"]
    first, second = (run("digits.py", *options, cwd=tmp_path) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert float(re.search(r"seed 7: test accuracy ([\d.]+)%", first.stdout)[1]) > 90
    assert not list(tmp_path.iterdir())


def test_digits_are_split_and_standardized_honestly(monkeypatch):
    digits = load("digits.py", monkeypatch).load(seed=0)
    assert len(digits.X_train) + len(digits.X_test) == 1797
    assert digits.X_train.dtype == np.float32
    assert np.abs(digits.X_train.mean(axis=0)).max() < 1e-5
    assert np.abs(digits.X_test.mean(axis=0)).max() > 1e-2  # the test part had no say
    shares = [np.bincount(y, minlength=10) / len(y) for y in (digits.y_train, digits.y_test)]
    assert np.abs(shares[0] - shares[1]).max() < 0.005
    assert digits.images_test.shape == (450, 8, 8)


def test_digits_draws_a_picture_without_mistakes(monkeypatch, tmp_path):
    module = load("digits.py", monkeypatch)
    module.plot_mistakes(np.zeros((3, 8, 8)), np.arange(3), np.eye(3), tmp_path / "mistakes.png")
    assert pictures(tmp_path) == ["mistakes.png"]


# ------------------------------------------------------------------------------------------ moons


def test_moons_are_told_apart_with_micrograd_s_numbers(tmp_path):
    result = run("moons.py", "--scalar", 2, "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    steps = re.findall(r"^step +(\d+)  loss ([\d.]+)  accuracy (\d+)%$", result.stdout, re.M)
    assert [int(step) for step, _, _ in steps] == [*range(0, 100, 10), 99]
    # What micrograd's notebook prints for the same seed.
    assert steps[0][1:] == ("0.8958", "50")
    assert steps[1][1:] == ("0.2451", "91")
    assert steps[-1][1:] == ("0.0110", "100")
    assert re.search(r"2 steps, the losses differ by \de-1[5-7] at most|differ by 0e\+00", result.stdout)
    assert int(re.search(r": ([\d,]+) times faster$", result.stdout, re.M)[1].replace(",", "")) > 20
    assert pictures(tmp_path) == ["surface.png"]
    assert result.stderr == ""


def test_moons_in_an_animation(tmp_path):
    result = run("moons.py", "--gif", "--steps", 4, "--out", tmp_path)
    assert result.returncode == 0, result.stderr
    assert f"Animation: {tmp_path / 'boundary.gif'}\n" in result.stdout
    assert pictures(tmp_path) == ["boundary.gif", "surface.png"]
    with PIL.Image.open(tmp_path / "boundary.gif") as film:
        assert film.n_frames == 5  # before each step, and after the last
    assert result.stderr == ""


@pytest.mark.parametrize("seed", range(5))
def test_moons_reach_100_percent_with_other_seeds(seed, monkeypatch, capsys):
    load("moons.py", monkeypatch).main(["--seed", str(seed), "--no-plots"])
    assert "accuracy 100%\n100 steps in" in capsys.readouterr().out


# -------------------------------------------------------------------------------------- refusals

BOTH = [
    pytest.param(["--lr", "-1"], "--lr: expected a finite number above 0, got -1", id="negative lr"),
    pytest.param(["--lr", "0"], "--lr: expected a finite number above 0", id="lr 0"),
    pytest.param(["--lr", "nan"], "--lr: expected a finite number above 0", id="lr nan"),
    pytest.param(["--lr", "inf"], "--lr: expected a finite number above 0", id="lr inf"),
    pytest.param(["--lr", "fast"], "--lr: expected a number, got 'fast'", id="lr in words"),
    pytest.param(["--seed", "-1"], "--seed: expected a whole number from 0 to", id="negative seed"),
    pytest.param(["--seed", "1.5"], "--seed: expected a whole number, got '1.5'", id="half a seed"),
    pytest.param(["--lr"], "--lr: expected one argument", id="nothing after lr"),
    pytest.param(["--depth", "3"], "unrecognized arguments: --depth 3", id="unknown option"),
    pytest.param(["extra"], "unrecognized arguments: extra", id="stray word"),
    pytest.param(["--out", "FILE"], "--out: cannot write into", id="out is a file"),
    pytest.param(["--out", "FILE/below"], "--out: cannot write into", id="out below a file"),
]
DIGITS = [
    pytest.param(["--epochs", "0"], "--epochs: expected a whole number from 1 to 10000, got 0", id="epochs 0"),
    pytest.param(["--epochs", "-3"], "--epochs: expected a whole number from 1 to 10000, got -3", id="epochs -3"),
    pytest.param(["--epochs", "ten"], "--epochs: expected a whole number, got 'ten'", id="epochs in words"),
    pytest.param(["--batch-size", "0"], "--batch-size: expected a whole number from 1", id="batch size 0"),
    pytest.param(["--seeds", "0"], "--seeds: expected a whole number from 1", id="no seeds"),
    pytest.param(["--hidden", "a,b"], "--hidden: expected sizes such as 128,64, got 'a,b'", id="hidden a,b"),
    pytest.param(["--hidden", "64,0"], "--hidden: expected sizes such as 128,64, got '64,0'", id="hidden 0"),
    pytest.param(["--hidden", "64,,32"], "--hidden: expected sizes such as 128,64", id="hidden with a gap"),
    pytest.param(["--hidden", ""], "--hidden: expected sizes such as 128,64, got ''", id="hidden empty"),
    pytest.param(["--hidden", "1000000000"], "--hidden: expected sizes such as 128,64", id="hidden enormous"),
]
MOONS = [
    pytest.param(["--steps", "0"], "--steps: expected a whole number from 1", id="steps 0"),
    pytest.param(["--scalar", "0"], "--scalar: expected a whole number from 1", id="scalar 0"),
    pytest.param(["--steps", "5", "--scalar", "6"], "--scalar: expected at most --steps, which is 5", id="scalar 6"),
    pytest.param(["--gif", "--no-plots"], "--gif: not allowed with --no-plots, which draws nothing", id="no gif"),
]


def refuse(script, options, message, monkeypatch, capsys, tmp_path):
    """The script's own main, in this process: starting Python for each would take a minute."""
    (tmp_path / "file").write_text("")
    module = load(script, monkeypatch)
    monkeypatch.setattr(sys, "argv", [script])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        module.main([option.replace("FILE", str(tmp_path / "file")) for option in options])
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith(f"{script}: error: ")
    assert message in printed.err


@pytest.mark.parametrize(("options", "message"), BOTH + DIGITS)
def test_digits_refuses(options, message, monkeypatch, capsys, tmp_path):
    refuse("digits.py", options, message, monkeypatch, capsys, tmp_path)


@pytest.mark.parametrize(("options", "message"), BOTH + MOONS)
def test_moons_refuses(options, message, monkeypatch, capsys, tmp_path):
    refuse("moons.py", options, message, monkeypatch, capsys, tmp_path)


@pytest.mark.parametrize("script", ["digits.py", "moons.py"])
def test_a_refusal_from_the_shell(script, tmp_path):
    result = run(script, "--lr", "-0.1", cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == f"{script}: error: argument --lr: expected a finite number above 0, got -0.1\n"
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", ["digits.py", "moons.py"])
def test_a_loss_that_overflows_is_one_line(script, monkeypatch):
    with pytest.raises(SystemExit, match=r"^error: the loss is (nan|inf); the learning rate --lr 1e\+30 is too high$"):
        load(script, monkeypatch).main(["--lr", "1e30", "--no-plots"])


@pytest.mark.parametrize(("script", "library"), [("digits.py", "tqdm"), ("moons.py", "sklearn")])
def test_a_missing_library_names_the_extra(script, library):
    code = f"import sys; sys.modules[{library!r}] = None; import runpy; runpy.run_path({str(EXAMPLES / script)!r})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert result.stderr == f"error: {library} is missing: pip install 'tinytensor[examples]'\n"


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_stops_quietly(tmp_path):
    # A shell starts background jobs with Ctrl-C ignored, and tests may be one.
    heeding = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    wanted = command("digits.py", "--epochs", 10_000, "--no-plots")
    training = subprocess.Popen([sys.executable, "-c", heeding, *wanted], stderr=subprocess.PIPE)
    try:
        os.read(training.stderr.fileno(), 1)  # the progress bar: training has begun
        training.send_signal(signal.SIGINT)
        _, printed = training.communicate(timeout=60)
    finally:
        training.kill()
    assert training.returncode == 130
    assert printed.endswith(b"\nstopped\n")
    assert b"Traceback" not in printed
