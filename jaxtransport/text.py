"""Numbers, sizes, times and notes formatted for messages."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterable
from typing import Any

from jaxtransport.status import MEANINGS


def print_json(**values: Any) -> None:
    print(json.dumps(values))


def print_notes(notes: Iterable[str]) -> None:
    """Print notes on a sweep file to standard error."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def named(counts: dict[int, int]) -> dict[str, int]:
    """Counts by name of the status, from counts by status code."""
    return {MEANINGS.get(code, f"unknown ({code})"): n for code, n in sorted(counts.items())}


def count(n: int, what: str) -> str:
    """A number of things, in the singular if it is one."""
    return f"{n:,} {what if n == 1 else plural(what)}"


def plural(what: str) -> str:
    return what + ("es" if what.endswith("ch") else "s")


def size(count: float) -> str:
    """Bytes in their largest unit."""
    power = min(4, max(0, len(str(int(count))) - 1) // 3)
    return f"{count / 1000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def duration(seconds: float) -> str:
    """Seconds in a suitable unit."""
    for unit, length in (("days", 86400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.2g} {unit}"
    return f"{seconds:.0f} s"


def date(seconds: float) -> str:
    if seconds != seconds:
        return "not yet"
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
