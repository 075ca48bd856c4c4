"""Files with results of searches: HDF5 that h5py and xarray open, written to a temporary file and renamed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtransport.compute import interrupts
from jaxtransport.errors import InputError
from jaxtransport.store import files, results

if TYPE_CHECKING:
    import xarray


def save(data: xarray.Dataset, path: Path, attributes: Mapping[str, str], started: float) -> None:
    """Write `data` to `path`; an existing file stays until the new one is complete.

    Args:
        started: when the search began, in seconds since 1970.

    Raises:
        InputError: no space, or no permission; nothing is left behind then.
    """
    files.require_space(path, data.nbytes + files.OVERHEAD_BYTES)
    contents = " ".join(sorted(str(name) for name in data.variables))
    data = data.assign_attrs({"format": results.SEARCH_FORMAT, "contents": contents, **attributes})
    part = files.part_of(path)
    plain = {str(name): {"_FillValue": None} for name in data.variables}
    try:
        with interrupts.held(), interrupts.undone_by(lambda: files.discard_part(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.reserve(part, data.nbytes + files.OVERHEAD_BYTES)
            data.to_netcdf(part, engine="h5netcdf", encoding=plain)
            files.vouch_for(part, started)
            interrupts.check()
            os.replace(part, path)
    except OSError as error:
        files.discard_part(path)
        raise InputError(f"output {path} cannot be written ({error.strerror or error})") from None
    except BaseException:
        files.discard_part(path)
        raise
