"""What the first bytes of an HDF5 file say of the whole, before the library reads any of it."""

from __future__ import annotations

import struct

MAGIC = b"\x89HDF\r\n\x1a\n"
HEADER_BYTES = 32
TREE_RANK = 1_024  # half of a tree node's entries; 4 and 16 are usual. One with 65,535 has nodes of megabytes

_FIRST = struct.Struct("<8x8B2HI")  # superblock versions 0 and 1: …, ranks of leaves and of inner nodes, flags
_LATER = struct.Struct("<8x4B")  # versions 2 and 3: version, sizes of offsets and lengths, flags

_CLOSE = "Close the file, or let the program that writes it end, then hand it in: model.save_weights does both."
_SAVE_AGAIN = "Save the weights again: model.save_weights('model.weights.h5'), and hand that file in as it is."


def container_fault(start: bytes) -> tuple[str, str, str, str] | None:
    """What speaks against a file: check, expected, received and remedy; None where nothing does.

    Args:
        start: Its first `HEADER_BYTES` bytes.
    """
    if not start.startswith(MAGIC):
        return "h5-magic", "an HDF5 file", _beginning(start[: len(MAGIC)]), _SAVE_AGAIN
    if len(start) < HEADER_BYTES:
        return None
    ranks: tuple[int, ...] = ()
    if start[len(MAGIC)] < 2:
        *_, leaves, inner, flags = _FIRST.unpack_from(start)
        ranks = (leaves, inner)
    else:
        version, *_, flags = _LATER.unpack_from(start)
        flags = flags if version <= 3 else 0
    if flags:
        return "h5-open", "a file that its writer has closed", f"one that is open for writing ({flags:#x})", _CLOSE
    if max(ranks, default=0) > TREE_RANK:
        return "h5-tree", f"trees of a rank up to {TREE_RANK:,}", f"{max(ranks):,}", _SAVE_AGAIN
    return None


def _beginning(start: bytes) -> str:
    if not start:
        return "an empty file"
    known = {b"PK": "a zip archive", b"\x1f\x8b": "a gzip archive"}
    return next((name for magic, name in known.items() if start.startswith(magic)), f"one that begins with {start!a}")
