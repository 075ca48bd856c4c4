"""Memory: how much is free on this machine, and an error if a command would need more."""

from __future__ import annotations

import contextlib
from pathlib import Path

from jaxtransport.errors import InputError

MEMINFO = Path("/proc/meminfo")
GROUPS = (  # limit and use of a container or batch job, for both versions of control groups
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


def free_memory() -> int | None:
    """Bytes that a process may still allocate, by the machine and its control group; None if unknown."""
    found = []
    with contextlib.suppress(OSError, ValueError, StopIteration):
        line = next(line for line in MEMINFO.read_text().splitlines() if line.startswith("MemAvailable:"))
        found.append(1024 * int(line.split()[1]))
    for limit, use in GROUPS:
        with contextlib.suppress(OSError, ValueError):  # "max": no limit
            found.append(int(limit.read_text()) - int(use.read_text()))
    return max(0, min(found)) if found else None


def require_memory(needed: int, remedy: str) -> None:
    """Raise `InputError` if `needed` bytes do not fit, before the kernel kills the process."""
    free = free_memory()
    if free is not None and needed > free:
        raise InputError(
            f"memory: this needs about {needed / 1e9:.2g} GB, but only {free / 1e9:.2g} GB are free; {remedy}"
        )
