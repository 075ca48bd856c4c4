"""Result files as labelled data; those of earlier versions are completed.

    file -> xarray.Dataset -> with the parameters that are fixed, which files carry since version 0.1

How files are verified is described in `store`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtransport.arguments import flag, require_outside
from jaxtransport.arguments import path as checked_path
from jaxtransport.errors import InputError
from jaxtransport.hints import with_hints
from jaxtransport.models import MODELS, parse
from jaxtransport.models.fixed import carried
from jaxtransport.store import results

if TYPE_CHECKING:
    import xarray


@with_hints
def load(path: str | Path, *, lazy: bool = False) -> xarray.Dataset:
    """The result file at `path` as an `xarray.Dataset`.

    It holds what jaxtransport wrote; variables that others added to the file are left out.

    Args:
        path: a result of a sweep or of a search.
        lazy: leave the numbers on disk, for files larger than memory. Variables are dask arrays in chunks of
            16 to 32 MiB (fewer bytes where that is all), and every chunk is read when it is computed. The
            result of a search is small, and always in memory.

    The file is closed again in either case. In memory, everything is verified: contents, labels, axes, and
    every number and status against the checksums of their blocks. With `lazy`, contents, labels and axes
    are; numbers and statuses are not compared, which would read the whole file once. `jaxtransport status`
    compares them, piece by piece.

    Raises:
        InputError: no such file, not a result of jaxtransport, or one that is damaged: it is not what was
            written; `lazy` where dask is not installed. On reading a chunk: the file is gone, damaged, or
            holds another result by then.
    """
    require_outside("load")
    path, lazy = checked_path("path", path), flag("lazy", lazy)
    return completed(results.chunked(path) if lazy else results.load(path))


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
