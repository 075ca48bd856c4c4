"""Result files as labelled data; those of earlier versions are completed.

    file -> xarray.Dataset -> with the parameters that are fixed, which files carry since version 0.1

How files are verified is described in `store`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtransport.arguments import path as checked_path
from jaxtransport.arguments import require_outside
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.models import MODELS, parse
from jaxtransport.models.fixed import carried
from jaxtransport.store import results

if TYPE_CHECKING:
    import xarray


@with_hints
def load(path: str | Path) -> xarray.Dataset:
    """The result file at `path` as an `xarray.Dataset` in memory; the file is closed again.

    It holds what jaxtransport wrote; variables that others added to the file are left out.

    Raises:
        InputError: no such file, not a result of jaxtransport, or one that is damaged: it is not what was
            written.
    """
    require_outside("load")
    return completed(results.load(checked_path("path", path)))


@contextlib.contextmanager
def lazily(path: str | Path, *, intact: bool = False) -> Iterator[xarray.Dataset]:
    """Context with a result whose numbers are read on access; axes are read at once.

    Args:
        intact: compare the numbers with their checksums first, as `load` does.

    Raises:
        InputError: as for `load`.
    """
    with results.lazily(path, intact=intact) as data:
        yield completed(data)


def completed(data: xarray.Dataset) -> xarray.Dataset:
    """A result as read, completed if it was made by an earlier version."""
    if "layout" in data.attrs:
        return data
    with contextlib.suppress(InputError):  # a spec that this version would refuse: as it is
        spec = parse(str(data.attrs.get("spec", "")))
        return carried(data, spec, MODELS[spec.model].parameters)
    return data
