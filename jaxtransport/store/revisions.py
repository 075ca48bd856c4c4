"""Which revisions of the code have computed a result.

A file names the revision that made it (`revision`). Where another one resumes it, the file is rewritten once,
beside itself and put in place in one step, with all of them in its attribute `revisions`. So has a file with
points of others.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py

from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError
from jaxtransport.store import contents, seal
from jaxtransport.store.disk_full import SurvivingFile
from jaxtransport.store.files import OVERHEAD_BYTES, discard_part, part_of, require_space
from jaxtransport.store.results import read_attributes

NAME = "revisions"


def revision_of(origin: Mapping[str, Any]) -> str:
    """The commit that computes, or its version where it is no checkout."""
    return str(origin["revision"]) or f"v{origin['jaxtransport_version']}"


def revisions_of(attributes: Mapping[str, Any]) -> list[str]:
    """Those that a result names, the first one made it."""
    return str(attributes.get(NAME, "")).split() or [revision_of(attributes)]


def joined(sources: Iterable[Mapping[str, Any]], *here: Mapping[str, Any]) -> dict[str, str]:
    """The attribute of a file with points of several results, by their attributes; none for one revision."""
    known = [name for attributes in sources for name in revisions_of(attributes)]
    known += [revision_of(origin) for origin in here]
    distinct = list(dict.fromkeys(known))
    return {NAME: " ".join(distinct)} if len(distinct) > 1 else {}


def record(path: Path, origin: Mapping[str, Any]) -> None:
    """Add the revision of `origin` to the file at `path`, unless it is named there.

    Raises:
        InputError: no space, or no permission; the file stays as it is then.
    """
    known, here = revisions_of(read_attributes(path)), revision_of(origin)
    if here in known:
        return
    require_space(path, os.path.getsize(path) + OVERHEAD_BYTES)  # beside itself, for a moment
    part = part_of(path)
    try:
        with interrupts.held(), interrupts.undone_by(lambda: discard_part(path)):
            changing = seal.changing(path)
            shutil.copyfile(path, part)
            with SurvivingFile(part, "r+") as plain:
                with h5py.File(plain, "r+") as file:
                    file.attrs[NAME] = " ".join([*known, here])
                    contents.label(file, NAME)
                if changing is not None:
                    seal.seal(plain, changing)
                plain.require_good()
            interrupts.check()
            os.replace(part, path)
    except OSError as error:
        discard_part(path)
        raise InputError(f"output {path} cannot be written ({error.strerror or error})") from None
    except BaseException:
        discard_part(path)
        raise
