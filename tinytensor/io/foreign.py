"""What a file is that is not safetensors: told by its first bytes, with the way to convert it.

Nothing of such a file is unpacked or run. Read next: ``files.py``.
"""

from __future__ import annotations

TORCH = (
    "PyTorch's pickle format, which can run code when it is read, so it is never opened here; convert it where "
    "you trust it: safetensors.torch.save_file(torch.load(file, weights_only=True), 'model.safetensors')"
)

PICKLE = "a pickle, which can run code when it is read, so it is never opened here"

STARTS = (
    (b"PK\x03\x04", f"a zip archive, as torch.save and np.savez write them. Of torch.save it is {TORCH}. Of np.savez: "
                    "tt.save('model.safetensors', dict(np.load(file)))"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x80\x02\x8a\x0a", TORCH),  # as torch.save wrote it before it wrote zip archives
    *((bytes([0x80, protocol]), PICKLE) for protocol in (2, 3, 4, 5)),
    (b"\x93NUMPY", "NumPy's format: tt.save('model.safetensors', {'name': np.load(file)})"),
    (b"\x89HDF", "HDF5, as Keras writes it; read it with h5py and give the arrays to tt.save"),
    (b"GGUF", "GGUF, the format of llama.cpp"),
    (b"\x1f\x8b", "compressed by gzip; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd; unpack it first"),
    (b"BZh", "compressed by bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed by xz; unpack it first"),
)  # fmt: skip


def kind_of(start: bytes) -> str:
    """What a file with this beginning is, or ``""``; a safetensors file has the ``{`` of its header at place 8."""
    if start[8:9] == b"{":
        return ""
    return next((words for bytes_, words in STARTS if start.startswith(bytes_)), "")
