"""Sums over members beside a file whose average is not finished: used only as they were written.

    numbers, and of what they are -> OUT.h5.members or OUT.h5.before, replaced in one step

A file that is absent, damaged, or of another average counts as none.
"""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from jaxtransport.sweep.average import Averaging
from jaxtransport.sweep.plan import Plan

IDENTITY = "identity"
# What a file raises that is absent or damaged; RuntimeError and TypeError: its bytes ask for another format.
BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError, TypeError)


def identity(fingerprint: str, averaging: Averaging, plan: Plan) -> str:
    """What sums depend on. The fingerprint of a spec does not know which variables are averaged."""
    return f"{fingerprint} {[v.name for v in averaging.task.variables]} {plan.to_json()}"


def write(path: Path, identity: str, numbers: Mapping[str, np.ndarray]) -> None:
    """Save numbers. Raises OSError if that fails, with the file as it was."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "wb") as file:
            np.savez(file, **{IDENTITY: np.array(_named(identity, numbers)), **numbers})  # type: ignore[arg-type]
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Mapping[str, np.ndarray]]:
    """The numbers of a file, compared with their checksums when read. Raises some of `BROKEN`."""
    if not path.is_file():  # a pipe would wait for someone who writes
        raise FileNotFoundError(path)
    with open(path, "rb") as file, np.load(file) as numbers:
        yield numbers


def read(path: Path, identity: str) -> dict[str, np.ndarray]:
    """What was saved with this identity, all of it; empty if there is nothing."""
    try:
        with opened(path) as saved:
            numbers = dict(saved)
    except BROKEN:
        return {}
    known = str(numbers.pop(IDENTITY, ""))
    return numbers if known == _named(identity, numbers) else {}


def _named(identity: str, numbers: Mapping[str, np.ndarray]) -> str:
    """The identity and the names of the numbers, so that none is missing."""
    return f"{identity} {sorted(numbers)}"
