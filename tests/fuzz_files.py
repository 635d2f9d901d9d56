"""Damaged files against the loader: ``python tests/fuzz_files.py --seconds 600 --seed 0``.

Valid files of weights and checkpoints are mutated: bits, bytes, lengths, and the header's JSON with the lengths set right
again, so that deeper checks are reached. What is right is known of every mutant:

- a file is refused with a FileError of one line, and what it should have been loaded into is as it was; or
- it loads. Where it bears our checksum, as the arrays it was made from; else as the safetensors library reads it.

Another exception, another result, memory beyond a bound, or 20 seconds of computing on one file are findings: the file
stays in the folder, with the command that makes it again. Mutant number i of seed s is always the same.
"""

import argparse
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import safetensors.numpy
from file_mutations import mutant

import tinytensor as tt
from tinytensor import io
from tinytensor.io import files

MEMORY = 192 << 20  # bytes beyond what the program has when it begins; the files are smaller than 100 kB


class Training:
    """Something of every kind that a checkpoint holds."""

    def __init__(self):
        rng = np.random.default_rng(1)
        self.model = tt.nn.Sequential(
            tt.nn.Linear(3, 2, generator=rng), tt.nn.Dropout(0.5, generator=np.random.Generator(np.random.MT19937(2)))
        )
        self.optimizer = tt.optim.Adam(self.model.parameters(), amsgrad=True)
        first = tt.optim.LinearLR(self.optimizer)
        self.schedule = tt.optim.SequentialLR(self.optimizer, [first, tt.optim.StepLR(self.optimizer, 2)], [2])
        self.batches = tt.data.batches(np.ones((7, 3), np.float32), batch_size=2, rng=rng)
        self.rng = np.random.Generator(np.random.Philox(3))

    @property
    def parts(self):
        return vars(self)

    def trained(self):
        for x in self.batches:
            self.model(x).sum().backward()
            self.optimizer.step()
            break
        self.schedule.step()
        return self

    def state(self):
        """All of it, as text."""
        arrays = {}
        document = {name: io.states.packed(io.states.taken(part), name, arrays) for name, part in self.parts.items()}
        return repr(document) + repr({name: array.tobytes() for name, array in arrays.items()})


def seeds(folder):
    """Valid files, as bytes."""
    rng = np.random.default_rng(0)
    some = {
        "layers.0.weight": rng.normal(size=(4, 3)).astype(np.float32), "half": np.float16([1, 2, 3]),
        "flags": np.array([True, False, True]), "count": np.array(7), "none": np.zeros((2, 0)), "z": np.complex64([1j]),
    }  # fmt: skip
    io.save(folder / "seed", some, metadata={"made by": "the fuzzer"})
    ours = (folder / "seed").read_bytes()
    io.save(folder / "seed", {})
    empty = (folder / "seed").read_bytes()
    path = io.Checkpointer(folder / "checkpoints").save(
        1, values={"history": [0.5, 0.25], "best": np.arange(3)}, **Training().trained().parts
    )
    plain = safetensors.numpy.save(some)
    described = safetensors.numpy.save({"w": np.arange(200, dtype=np.int16)}, {"format": "pt"})
    return {"ours": ours, "empty": empty, "plain": plain, "described": described, "checkpoint": path.read_bytes()}


# ----------------------------------------------------------------------------------------------- oracle


class Finding(Exception):
    pass


def equal(found, expected):
    return found.keys() == expected.keys() and all(
        (found[name].dtype, found[name].shape, found[name].tobytes())
        == (array.dtype, array.shape, array.tobytes())
        for name, array in expected.items()
    )  # fmt: skip


def refused(path, load):
    """What a load gives, or the kind of its refusal."""
    try:
        return load(), None
    except io.FileError as error:
        message = str(error)
        if not message.startswith(f"{path}: ") or not message.isprintable() or len(message) > 1000:
            raise Finding(f"not one clear line: {message!r}") from error
        if "not enough memory" in message:
            raise Finding(f"memory: {message}") from error
        return None, kind_of(message[len(str(path)) + 2 :])


def write(path, data):
    path.unlink(missing_ok=True)  # some file systems flush one that is written over
    path.write_bytes(data)


def kind_of(message):
    """A refusal without its numbers and names."""
    found = re.match(r"(\w+: not a state of this \w+|not a sound checkpoint|refused: the header is not JSON)", message)
    return (
        found[0]
        if found
        else re.sub(r"'(\\.|[^'\\])*'|\"[^\"]*\"|`[^`]*`|-?\d[\d,]*| \(.*| at line.*", "…", message)[:70]
    )


def check_weights(path, data, seed):
    """Load a mutant as weights; the kind of what happened."""
    write(path, data)
    found, kind = refused(path, lambda: io.load(path, allow_nan=True))
    if kind:
        return kind
    texts = safetensors.safe_open(path, "np").metadata() or {}
    expected = safetensors.numpy.load(seed if files.CHECKSUM in texts or files.FORMAT in texts else data)
    if not equal(found, expected):
        raise Finding("it loads as something else")
    return "loads, with equal arrays"


def check_checkpoint(folder, data, before, after, signed):
    """Restore a mutant; the kind of what happened."""
    checkpoints, training = io.Checkpointer(folder), Training()
    write(checkpoints.path(1), data)
    found, kind = refused(checkpoints.path(1), lambda: checkpoints.restore(**training.parts))
    if kind:
        if training.state() != before:
            raise Finding("refused, but the training has changed")
        return f"checkpoint: {kind}"
    if not signed and (training.state() != after or found.values["history"] != [0.5, 0.25]):
        raise Finding("it is restored as something else")
    with np.errstate(all="ignore"):  # a learning rate of 1e308
        training.trained()
    return "checkpoint: restored, and trains"


def run(options, folder):
    kinds, outcomes, number = seeds(folder), Counter(), options.first
    before, after = Training().state(), Training().trained().state()
    with open("/proc/self/statm") as file:
        memory = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (memory + MEMORY, memory + MEMORY))
    deadline = time.monotonic() + options.seconds
    while time.monotonic() < deadline if options.only is None else number == options.first:
        name, data, signed = mutant(kinds, options.seed, number)
        signal.setitimer(signal.ITIMER_PROF, 20)  # of computing, not of waiting; its signal ends the process
        try:
            tt.manual_seed(0)
            if name == "checkpoint":
                kind = check_checkpoint(folder / "checkpoints", data, before, after, signed)
            else:
                kind = check_weights(folder / "mutant", data, kinds[name])
        except BaseException as error:  # a panic of the library is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            (folder / "finding").write_bytes(data)
            print(f"mutant {number} of seed {options.seed}, from {name!r}: {type(error).__name__}: {error}")
            print(f"it is in {folder}/finding; again: python tests/fuzz_files.py --seed {options.seed} --only {number}")
            if options.only is not None:
                raise
            return 1
        outcomes[kind] += 1
        number += 1
    signal.setitimer(signal.ITIMER_PROF, 0)
    loaded = sum(count for kind, count in outcomes.items() if "load" in kind or "restored" in kind)
    print(f"{sum(outcomes.values()):,} files tried, seed {options.seed}: {loaded:,} loaded rightly, the others refused")
    for kind, count in outcomes.most_common():
        print(f"{count:10,}  {kind}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first mutant")
    parser.add_argument("--only", type=int, help="this mutant alone")
    parser.add_argument("--folder", type=Path, help="where the files are written; by default a temporary folder")
    options = parser.parse_args()
    if options.only is not None:
        options.first = options.only
    if options.folder:
        return run(options, options.folder)
    folder = Path(tempfile.mkdtemp())  # stays where something is found
    status = run(options, folder)
    if status == 0:
        import shutil

        shutil.rmtree(folder)
    return status


if __name__ == "__main__":
    sys.exit(main())
