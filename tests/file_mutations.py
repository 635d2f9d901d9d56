"""How `fuzz_files` damages a file: bits, bytes and lengths, and the header's JSON with the lengths set right again."""

import contextlib
import json
import re

import numpy as np
import safetensors.numpy

from tinytensor.io import documents, files

INTERESTING = [
    0, 1, -1, 2, 7, 8, 127, 255, 256, 65535, 2**24, 2**31 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**70,
]  # fmt: skip
WORDS = [
    "F32", "F64", "BF16", "F8_E5M2", "BOOL", "C64", "I64", "U8", "Q9", "", "../x", "/x", "C:\\x", "a\0", "\x1b[2J",
    "w",
]  # fmt: skip
WORDS += ["__metadata__", "dtype", "shape", "data_offsets", "$array", "PCG64", "MT19937", "Adam", "x" * 300]
VALUES = [
    None, True, False, 1.5, 1e308, float("nan"), float("inf"), [], {}, "", [0], {"$array": "none"}, {"a": {}},
    [[[]]],
]  # fmt: skip


def bits(data, rng):
    changed = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        changed[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(changed)


def some_bytes(data, rng):
    at = rng.integers(len(data))
    return data[:at] + rng.bytes(rng.integers(1, 9)) + data[at + rng.integers(0, 9) :]


def cut(data, rng):
    return data[: rng.integers(len(data))]


def longer(data, rng):
    return data + (rng.bytes(rng.integers(1, 64)) if rng.random() < 0.5 else bytes(rng.integers(1, 5000)))


def span_lost(data, rng):
    first, last = np.sort(rng.integers(0, len(data), 2))
    return data[:first] + data[last:]


def span_twice(data, rng):
    first, last = np.sort(rng.integers(0, len(data), 2))
    return data[:last] + data[first:]


def length(data, rng):
    number = INTERESTING[rng.integers(len(INTERESTING))] if rng.random() < 0.5 else len(data) - rng.integers(0, 30)
    return (int(number) % 2**64).to_bytes(8, "little") + data[8:]


def header_text(data, rng):
    """One number or word of the header's text exchanged, with the length set right."""
    end = 8 + int.from_bytes(data[:8], "little")
    text = data[8:end].decode()
    found = list(re.finditer(r'"[^"]*"|-?\d+|[{}\[\],:]', text))
    one = found[rng.integers(len(found))]
    return with_header(data, text[: one.start()] + token(rng) + text[one.end() :])


def token(rng):
    kind = rng.integers(4)
    if kind == 0:
        return str(INTERESTING[rng.integers(len(INTERESTING))])
    if kind == 1:
        return json.dumps(WORDS[rng.integers(len(WORDS))])
    if kind == 2:
        return json.dumps(VALUES[rng.integers(len(VALUES))])
    return str(rng.choice(list('{}[],:"') + ["[" * 2000, '{"a":' * 200, "1" * 5000, "-", "\\u0000", "\\ud800"]))


def with_header(data, text):
    end = 8 + int.from_bytes(data[:8], "little")
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return len(raw).to_bytes(8, "little") + raw + data[end:]


def header_tree(data, rng):
    """Values within the header's JSON exchanged, removed or added."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    for _ in range(rng.integers(1, 4)):
        changed(header, rng)
    return with_header(data, json.dumps(header))


def changed(tree, rng):
    """One change at a random place of a tree of dicts and lists."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        if not keys:
            return
        key = keys[rng.integers(len(keys))]
        inner = tree[key]
        if isinstance(inner, (dict, list)) and inner and rng.random() < 0.8:
            tree = inner
            continue
        break
    kind = rng.integers(5)
    if kind == 0:
        del tree[key]
    elif kind == 1 and isinstance(tree, dict):
        tree[WORDS[rng.integers(len(WORDS))]] = tree.pop(key)
    elif kind == 2 and isinstance(inner, int):
        tree[key] = int(inner) + int(rng.integers(-9, 10))
    elif kind == 3:
        tree[key] = VALUES[rng.integers(len(VALUES))]
    else:
        numbers = rng.random() < 0.5
        tree[key] = INTERESTING[rng.integers(len(INTERESTING))] if numbers else WORDS[rng.integers(len(WORDS))]


def signed_anew(data, rng):
    """A checkpoint whose JSON is changed and whose checksum is right again: only the parts can refuse it."""
    arrays = safetensors.numpy.load(data)
    end = 8 + int.from_bytes(data[:8], "little")
    texts = json.loads(data[8:end])["__metadata__"]
    texts.pop(files.CHECKSUM)
    document = json.loads(texts[documents.TEXT])
    for _ in range(rng.integers(1, 3)):
        changed(document, rng)
    texts[documents.TEXT] = json.dumps(document)
    if rng.random() < 0.2:
        name = sorted(arrays)[rng.integers(len(arrays))]
        arrays[name] = np.zeros(rng.integers(0, 4, rng.integers(0, 3)), rng.choice(["f4", "f8", "i8", "?"]))
    with contextlib.suppress(ValueError):  # a zero byte in a word
        return safetensors.numpy.save(arrays, {**texts, files.CHECKSUM: files.digest(arrays, texts)})
    return data


PLAIN = [
    bits, bits, some_bytes, cut, longer, span_lost, span_twice, length, header_text, header_text, header_tree,
    header_tree,
]  # fmt: skip


def mutant(kinds, seed, number):
    """Mutant number i of a seed, and what it was made from."""
    rng = np.random.default_rng([seed, number])
    name = list(kinds)[rng.integers(len(kinds))]
    data = kinds[name]
    if name == "checkpoint" and rng.random() < 0.6:
        return name, signed_anew(data, rng), True
    for _ in range(1 + (rng.random() < 0.25)):
        with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
            data = PLAIN[rng.integers(len(PLAIN))](data, rng)  # the second finds perhaps no header any more
    return name, data, False
