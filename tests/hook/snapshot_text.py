"""Every decompressed byte of a snapshot, read as docs/snapshot-format.md says and not by heldby's own reader.

Knows blocks and streams only; the checksums are the reader's business.
"""
import ctypes
import ctypes.util
import struct
import subprocess

BLOCK = struct.Struct("<4sHHIIQQQQ")
STREAM = struct.Struct("<HBBIII")


def decompressor():
    """A function (stored bytes, raw size) -> raw bytes."""
    name = ctypes.util.find_library("zstd") or "libzstd.so.1"
    try:
        library = ctypes.CDLL(name)
    except OSError:
        return lambda stored, size: subprocess.run(["zstd", "-dc"], input=stored, stdout=subprocess.PIPE, check=True).stdout
    library.ZSTD_decompress.restype = ctypes.c_size_t
    library.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]

    def decompress(stored, size):
        raw = ctypes.create_string_buffer(size)
        if library.ZSTD_decompress(raw, size, stored, len(stored)) != size:
            raise ValueError("a stream of %d bytes does not decompress to %d" % (len(stored), size))
        return raw.raw
    return decompress


def streams(path):
    """Yields (block kind, stream id, bytes) of every stream of the file, in order."""
    decompress = decompressor()
    with open(path, "rb") as source:
        data = source.read()
    if data[:8] != b"\x89HELD\r\n\x1a":
        raise ValueError("%s: not a snapshot" % path)
    position = 64
    while data[position:position + 4] == b"HBLK":
        _, kind, count, _, _, _, _, payload, _ = BLOCK.unpack_from(data, position)
        entry = position + BLOCK.size
        content = entry + count * STREAM.size
        for _ in range(count):
            number, compression, _, _, raw_size, stored_size = STREAM.unpack_from(data, entry)
            stored = data[content:content + stored_size]
            yield kind, number, decompress(stored, raw_size) if compression else stored
            entry += STREAM.size
            content += stored_size
        position += BLOCK.size + payload
    if data[position:position + 8] != b"HELDEND\n":
        raise ValueError("%s: no trailer at %d" % (path, position))
