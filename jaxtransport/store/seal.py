"""A seal after the end of a result file: a CRC-32 of every byte that runs do not change.

    HDF5 ... | (start, stop) of bytes that runs change, ... | end of HDF5, ranges, CRC-32, magic

HDF5 crashes or loops on headers with wrong bytes, so a file is best checked before the library sees it, and
this check needs plain reads alone. HDF5 ignores bytes after its own end, and drops them as soon as a
program changes the file: a file without a seal is old, or was changed by another program, and may be valid.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path

MAGIC = b"\x89jaxtransport1\r\n"  # as in PNG: a transfer in text mode would change it
RANGE = struct.Struct("<QQ")
TAIL = struct.Struct("<QII16s")
PIECE = 2**20

Ranges = Sequence[tuple[int, ...]]


class Seal(Enum):
    """State of the seal of a file."""

    INTACT = "intact"
    BROKEN = "broken"
    NONE = "none"


def seal(file: io.FileIO, changing: Iterable[tuple[int, int]]) -> None:
    """Seal a file that HDF5 has closed.

    Args:
        file: open for reading and writing.
        changing: (start, stop) in bytes of everything that may change later.
    """
    end = file.seek(0, os.SEEK_END)
    ranges: Ranges = sorted(changing)
    table = b"".join(RANGE.pack(*one) for one in ranges)
    crc = _crc(file, end, ranges, table)
    file.seek(end)
    file.write(table + TAIL.pack(end, len(ranges), crc, MAGIC))


def changing(path: Path) -> list[tuple[int, int]] | None:
    """The (start, stop) in bytes that may change in the sealed file at `path`; None without a seal."""
    with open(path, "rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size < TAIL.size:
            return None
        file.seek(size - TAIL.size)
        end, count, _, magic = TAIL.unpack(_read(file, TAIL.size))
        if magic != MAGIC:
            return None
        file.seek(end)
        return [(start, stop) for start, stop in RANGE.iter_unpack(_read(file, count * RANGE.size))]


def look(path: Path) -> Seal:
    """Compare the file at `path` with its seal. Raises OSError if it cannot be read."""
    with open(path, "rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size < TAIL.size:
            return Seal.NONE
        file.seek(size - TAIL.size)
        end, count, crc, magic = TAIL.unpack(_read(file, TAIL.size))
        if magic != MAGIC:
            return Seal.NONE
        if end + count * RANGE.size + TAIL.size != size:
            return Seal.BROKEN
        file.seek(end)
        table = _read(file, count * RANGE.size)
        ranges = list(RANGE.iter_unpack(table))
        edges = [0, *(edge for one in ranges for edge in one), end]
        if edges != sorted(edges) or _crc(file, end, ranges, table) != crc:
            return Seal.BROKEN
        return Seal.INTACT


def _crc(file: io.FileIO, end: int, ranges: Ranges, table: bytes) -> int:
    crc = zlib.crc32(table, zlib.crc32(str(end).encode()))
    for start, stop in _between(ranges, end):
        file.seek(start)
        for at in range(start, stop, PIECE):
            crc = zlib.crc32(_read(file, min(PIECE, stop - at)), crc)
    return crc


def _between(ranges: Ranges, end: int) -> Iterator[tuple[int, int]]:
    start = 0
    for first, last in ranges:
        yield start, first
        start = last
    yield start, end


def _read(file: io.FileIO, count: int) -> bytes:
    """Read `count` bytes; fewer only at the end of the file."""
    data = b""
    while len(data) < count and (more := file.read(count - len(data))):
        data += more
    return data
