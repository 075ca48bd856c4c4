"""Contents of a result file: its variables, their dimensions, types and labels, with checksums.

All that is written once - axes, labels, spec, origin - is known when a file is made, and is noted as JSON in
the attribute `contents` of the group `run`, with a CRC-32 of every value and attribute. A reader relies on
it alone: additions by other programs are ignored, and changes are detected. A file without
it (made by an earlier version, or by xarray from a loaded result) is described by its dimension scales.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import h5py
import numpy as np

GROUP = "run"
CHANGING_BOOKS = ("finished", "halvings")  # bookkeeping that a run updates
BOOKKEEPING = ("started", *CHANGING_BOOKS)  # scalars in that group, in older files among the variables
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"
HIDDEN = (  # of HDF5 and netCDF, for the dimensions
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "DIMENSION_LABELS",
    "REFERENCE_LIST",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_NCProperties",
    "_nc3_strict",
)


@dataclass(frozen=True)
class Stored:
    """One dataset."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str  # of NumPy, little-endian; "O" for texts
    attributes: Mapping[str, int]  # name -> CRC-32
    checksum: int | None = None  # of the values, if no run changes them
    variable: bool = True  # False: only the length of a dimension, or bookkeeping in the group


@dataclass(frozen=True)
class Contents:
    """Everything that jaxtransport wrote into a file."""

    stored: Mapping[str, Stored]
    attributes: Mapping[str, int]  # of the file: name -> CRC-32
    grid: tuple[str, ...] = ()  # axes in their order
    free: tuple[str, ...] = ()  # those of them that are evaluated together
    tile: tuple[int, ...] = ()  # solve and free points of a checksum (see `checksums`); none: no checksums

    @property
    def sizes(self) -> dict[str, int]:
        """Length of every dimension."""
        return {dim: n for one in self.stored.values() for dim, n in zip(one.dims, one.shape, strict=True)}

    @property
    def variables(self) -> list[str]:
        """Names in the order of HDF5."""
        return sorted(name for name, one in self.stored.items() if one.variable)


def note(
    file: h5py.File,
    changing: Collection[str] = (),
    grid: Sequence[str] = (),
    free: Sequence[str] = (),
    tile: Sequence[int] = (),
) -> None:
    """Describe a finished file, and store the description in it.

    Args:
        file: open for writing.
        changing: names of the datasets whose values a run writes later.
        grid, free, tile: as in `Contents`.
    """
    names = [name for name in file if isinstance(file[name], h5py.Dataset)]
    books = [book_of(name) for name in BOOKKEEPING if book_of(name) in file]
    inside = [name for name in changing if "/" in name and name not in books]
    stored = {name: _describe(file[name], name not in changing) for name in (*names, *books, *inside)}
    labels = {name: _crc(value) for name, value in attributes(file).items()}
    _store(file, asdict(Contents(stored, labels, tuple(grid), tuple(free), tuple(tile))))


def _store(file: h5py.File, made: Mapping[str, Any]) -> None:
    text = json.dumps(made)
    group = file.require_group(GROUP)
    group.attrs["contents"] = text
    group.attrs["checksum"] = np.uint32(zlib.crc32(text.encode()))


def label(file: h5py.File, name: str) -> None:
    """Describe the root attribute `name`, which was added to a file that has a description."""
    if GROUP in file and "contents" in file[GROUP].attrs:
        made = json.loads(attribute(file[GROUP], "contents"))
        made["attributes"][name] = _crc(attributes(file)[name])
        _store(file, made)


def read(file: h5py.File) -> Contents | None:
    """The description stored by `note`, or None if there is none. Raises ValueError if it is damaged."""
    if GROUP not in file or "contents" not in file[GROUP].attrs:
        return None
    text = attribute(file[GROUP], "contents")
    if zlib.crc32(text.encode()) != int(attribute(file[GROUP], "checksum")):
        raise ValueError("the list of its contents was changed")
    made = json.loads(text)
    stored = {
        name: Stored(**{**one, "dims": tuple(one["dims"]), "shape": tuple(one["shape"])})
        for name, one in made["stored"].items()
    }
    return Contents(stored, made["attributes"], *(tuple(made[key]) for key in ("grid", "free", "tile")))


def describe(file: h5py.File, size: int) -> Contents:
    """The contents of a file of `size` bytes without a stored description.

    Raises:
        ValueError: arrays without axes, of other lengths than their axes, or larger than can be in the file.
    """
    stored = {}
    books = [book_of(name) for name in BOOKKEEPING if _is_own(file, GROUP) and GROUP in file]
    for name in (*file, *books):
        if _is_own(file, name) and isinstance(file.get(name), h5py.Dataset):
            stored[name] = _describe(file[name], False)
    contents = Contents(stored, {})
    sizes = {name: one.shape[0] for name, one in stored.items() if one.dims == (name,)}
    for name, one in stored.items():
        if any(sizes.get(dim) != n for dim, n in zip(one.dims, one.shape, strict=True)):
            raise ValueError(f"{name} does not match the lengths of its axes")
        if not _is_all_there(file[name]) or prod(one.shape) > MOST_PACKED * size:
            raise ValueError(f"{name} declares more data than the file contains")
    status = stored.get("status")
    return contents if status is None else Contents(stored, {}, status.dims)


def book_of(name: str) -> str:
    """Path of a bookkeeping value in the file."""
    return f"{GROUP}/{name}"


def _is_own(file: h5py.File, name: str) -> bool:
    """Whether a name is a hard link: a soft or external link may be dangling or circular."""
    return isinstance(file.get(name, getlink=True), h5py.HardLink)


MOST_PACKED = 10**5  # numbers per byte of a file at the best compression


def _is_all_there(dataset: h5py.Dataset) -> bool:
    """Whether the file stores all numbers of a dataset, since a wrong length can be declared at no cost."""
    if dataset.chunks is None:
        return bool(dataset.id.get_storage_size() >= dataset.nbytes)
    pieces = (-(-n // step) for n, step in zip(dataset.shape, dataset.chunks, strict=True))
    return bool(dataset.id.get_num_chunks() >= prod(pieces))


def differences(file: h5py.File, contents: Contents) -> list[str]:
    """Parts of the noted contents that are missing or changed in a file."""
    found = [_named(name) for name, crc in contents.attributes.items() if _differs(file, name, crc)]
    for name, one in contents.stored.items():
        dataset = file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            found.append(f"{name} missing")
        elif tuple(dataset.shape) != one.shape or _dtype(dataset) != one.dtype:
            found.append(f"{name} has a wrong shape or type")
        elif one.checksum is not None and _crc(dataset[()]) != one.checksum:
            found.append(f"values of {name}")
        else:
            tuple(dataset.attrs)  # reads all, also those of HDF5 and netCDF; raises if one is broken
            wrong = [key for key, crc in one.attributes.items() if _differs(dataset, key, crc)]
            found += [f"{_named(key)} of {name}" for key in wrong]
    return found


def attribute(owner: h5py.File | h5py.Group | h5py.Dataset, name: str) -> Any:
    """An attribute in its simplest form: text as `str`, a single number as a scalar."""
    value = owner.attrs[name]
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    return _text(value) if isinstance(value, bytes) else value


def attributes(owner: h5py.File | h5py.Dataset) -> dict[str, Any]:
    """All attributes that are texts or numbers, except those of HDF5 and netCDF themselves."""
    found = {name: attribute(owner, name) for name in owner.attrs if name not in HIDDEN}
    return {name: value for name, value in found.items() if _is_plain(value)}


def _differs(owner: h5py.File | h5py.Dataset, name: str, crc: int) -> bool:
    return name not in owner.attrs or _crc(attribute(owner, name)) != crc


def _named(attribute: str) -> str:
    return f"attribute {attribute}"


def _describe(dataset: h5py.Dataset, constant: bool) -> Stored:
    label = attribute(dataset, "NAME") if "NAME" in dataset.attrs else ""
    return Stored(
        _dims(dataset),
        tuple(dataset.shape),
        _dtype(dataset),
        {name: _crc(value) for name, value in attributes(dataset).items()},
        _crc(dataset[()]) if constant else None,
        not str(label).startswith(NO_VARIABLE) and dataset.parent.name == "/",
    )


def _dims(dataset: h5py.Dataset) -> tuple[str, ...]:
    if dataset.ndim == 1 and h5py.h5ds.is_scale(dataset.id):
        return (dataset.name.lstrip("/"),)
    if not all(len(dim) for dim in dataset.dims):
        raise ValueError(f"{dataset.name.lstrip('/')} has no axes")
    return tuple(dim[0].name.lstrip("/") for dim in dataset.dims)


def _dtype(dataset: h5py.Dataset) -> str:
    """Kind and width, independent of the byte order on file."""
    return dataset.dtype.newbyteorder("<").str.replace("|", "") if dataset.dtype.kind != "O" else "O"


def _is_plain(value: Any) -> bool:
    array = np.asarray(value)
    if array.dtype.kind in "biuf":
        return True
    if not all(isinstance(one, str | bytes) for one in array.flat):
        return False
    return not any("\udc80" <= letter <= "\udcff" for one in array.flat for letter in _text(one))


def _text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _crc(value: Any) -> int:
    """CRC-32 of a number, a text or an array of them, independent of how HDF5 stores it."""
    array = np.asarray(value)
    if array.dtype.kind in "OSU":
        return zlib.crc32("\0".join(map(_text, array.flat)).encode("utf-8", "surrogateescape"))
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return zlib.crc32(array.dtype.str.encode() + array.tobytes())
