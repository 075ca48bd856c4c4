"""Sweep files: from TOML to a validated `Spec`, or to every mistake at once.

A spec is host data. Its physical meaning belongs to the model that reads its tables; this module handles
only the file: its tables, overrides, grid and fingerprint.
"""

from __future__ import annotations

import codecs
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tomlkit
import tomlkit.exceptions

from jaxtransport.arguments import show
from jaxtransport.errors import InputError
from jaxtransport.spec.axes import names_in, unvary, without_formulas
from jaxtransport.spec.tables import TOP, Mistakes, Model, Table
from jaxtransport.spec.values import short_of_stop
from jaxtransport.sweep.grid import Axis, Column, Grid

MOST_BYTES = 10**7  # of a sweep file; a larger file is not one
AT_ONCE = 10**5  # numbers that are written as JSON at once


@dataclass(frozen=True)
class Spec:
    """A validated sweep file."""

    name: str  # the file's stem: names the default output
    text: str  # the TOML that was run, overrides included
    title: str
    model: str
    tables: Mapping[str, Table]
    axes: tuple[Axis, ...]
    variables: tuple[str, ...]  # what is stored, besides the status
    notes: tuple[str, ...] = ()  # likely misunderstandings, one line each
    columns: tuple[Column, ...] = ()  # what else varies along the axes

    def axis(self, name: str) -> Axis | None:
        """The axis called `name`, if there is one."""
        return next((a for a in self.axes if a.name == name), None)

    def varied(self, name: str) -> Axis | None:
        """The axis of a parameter, or its column, if it is swept."""
        return Grid(self.axes, columns=self.columns).varied(name)

    @property
    def swept(self) -> set[str]:
        """Names of all axes and columns."""
        return {one.name for one in (*self.axes, *self.columns)}

    @property
    def averaged(self) -> tuple[str, ...]:
        """The axes that are reduced to statistics."""
        return tuple(getattr(self.tables.get("average"), "over", None) or ())

    def grid(self, free: Collection[str] = ()) -> Grid:
        """The grid, with the averaged axes last.

        Args:
            free: parameters that a model evaluates together, if nothing else depends on them.
        """
        stored = [axis for axis in self.axes if axis.name not in self.averaged]
        axes = (*stored, *(axis for axis in self.axes if axis.name in self.averaged))
        together = {axis.name for axis in stored if axis.name in free}
        while mixed := [
            column
            for column in self.columns
            if together.intersection(column.along)
            and not (together.issuperset(column.along) and column.name in free)
        ]:
            together.difference_update(*(column.along for column in mixed))
        return Grid(axes, frozenset(together), self.columns)

    @property
    def search(self) -> dict[str, tuple[float, float]] | None:
        """Windows of the searched parameters; None for a sweep."""
        over = getattr(self.tables.get("search"), "over", None)
        return None if over is None else {name: tuple(bounds) for name, bounds in over.items()}

    def canonical(self) -> dict[str, Any]:
        """All that determines the results, as flat JSON values: no title, comments or choice of output."""
        return self._values(np.ndarray.tolist)

    def _values(self, listed: Callable[[np.ndarray], Any]) -> dict[str, Any]:
        """The same, with the values of axes as `listed` makes them."""
        out: dict[str, Any] = {"model": self.model, "grid.order": [a.name for a in self.grid().axes]}
        swept = self.swept
        for table, content in self.tables.items():
            for key, value in content.model_dump().items():
                if value is not None and key not in swept:
                    out[f"{table}.{key}"] = value
        for axis in self.axes:
            out[f"grid.{axis.name}"] = listed(axis.values)
        for column in self.columns:
            given = {"along": column.along[:1], "values": column.values.tolist()}
            out[f"grid.{column.name}"] = column.formula or given
        return out

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of `canonical` as JSON with sorted keys."""
        found = hashlib.sha256()
        values = self._values(lambda numbers: numbers)
        for start, key in zip(itertools.chain("{", itertools.repeat(", ")), sorted(values), strict=False):
            found.update(f"{start}{json.dumps(key)}: ".encode())
            for part in _json_parts(values[key]):
                found.update(part.encode())
        found.update(b"}")
        return found.hexdigest()

    @property
    def default_output(self) -> Path:
        return Path("results") / f"{self.name}.h5"


def _json_parts(value: Any) -> Iterator[str]:
    """A value as JSON, long arrays in parts, so that they take no memory as lists."""
    if not isinstance(value, np.ndarray):
        yield json.dumps(value, sort_keys=True)
        return
    for start in range(0, len(value), AT_ONCE):
        yield f"{', ' if start else '['}{json.dumps(value[start : start + AT_ONCE].tolist())[1:-1]}"
    yield "]"


def read(path: str | Path, models: Mapping[str, Model], overrides: Sequence[str] = ()) -> Spec:
    """The validated spec in the TOML file at `path`.

    Args:
        path: a sweep file.
        models: name -> how its sweep files are read.
        overrides: "table.key=value" each, value in TOML; on a swept key it replaces the axis or the
            formula. Without a value, "table.key=" removes the key.

    Raises:
        InputError: every mistake in the file and in the overrides, each naming its key.
    """
    path = Path(path)
    if not os.path.isfile(path):
        what = " is a folder or a device" if os.path.exists(path) else ": no such file"
        raise InputError(f"{path}{what}; expected the path of a sweep file in TOML")
    try:
        with open(path, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise InputError(f"{path} has more than {MOST_BYTES:,} bytes; expected a sweep file in TOML")
        text = _decoded(raw).replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from None
    except UnicodeDecodeError as error:
        reason = f"not {error.encoding.upper()}: {error.reason}"
        raise InputError(f"{path} cannot be read ({reason}); expected a sweep file in TOML") from None
    return parse(text, models, path.stem, overrides, path.parent)


def _decoded(raw: bytes) -> str:
    """Text in UTF-8, or in the encoding given by a byte-order mark."""
    marks = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
    encoding = next((name for mark, name in marks.items() if raw.startswith(mark)), "utf-8")
    return raw.decode(encoding)


def parse(
    text: str,
    models: Mapping[str, Model],
    name: str = "sweep",
    overrides: Sequence[str] = (),
    folder: Path = Path(),
) -> Spec:
    """The validated spec in TOML `text`; files that it names are in `folder`. Errors as for `read`."""
    mistakes = Mistakes()
    if any("\\u0000" in part or "\0" in part or not part.isprintable() for part in overrides):
        raise InputError("--set contains characters that cannot be printed; use plain text")
    try:
        document = tomlkit.parse(text)
    except tomlkit.exceptions.TOMLKitError as error:
        raise InputError(f"{name} is not valid TOML ({error})") from None
    for override in overrides:
        _override(document, override, mistakes)
    raw = document.unwrap()
    title = raw.pop("title", "")
    if not isinstance(title, str) or "\0" in title:
        mistakes.add("title", f"expected a string in quotes, without NUL, got {show(title)}")
    model = raw.pop("model", "quantum")
    if not isinstance(model, str) or model not in models:
        mistakes.add("model", f"expected one of {', '.join(models)}, got {show(model)}")
        raise InputError(mistakes.lines)
    if add := models[model].with_files:
        add(document, folder, mistakes)
        raw = {key: value for key, value in document.unwrap().items() if key not in TOP}
    ranges = dict(grid) if isinstance(grid := raw.get("grid"), dict) else {}
    parsed = models[model].parse(raw, mistakes)
    if mistakes.lines or parsed is None:
        raise InputError(mistakes.lines)
    tables, axes, columns, variables, noted = parsed
    said = ((axis.name, short_of_stop(ranges.get(axis.name), axis.values)) for axis in axes)
    notes = (*(f"grid.{name}: {text}" for name, text in said if text), *noted)
    return Spec(name, tomlkit.dumps(document), title, model, tables, axes, variables, notes, columns)


def _override(document: tomlkit.TOMLDocument, override: str, mistakes: Mistakes) -> None:
    key, equals, value = override.partition("=")
    parts = _keys(key.strip())
    if not equals or not all(parts):
        mistakes.add(f"--set {override}", "expected table.key=value, such as wire.gamma=0.4")
        return
    if not value.strip():
        _remove(document, parts, mistakes)
        return
    try:
        parsed = tomlkit.value(value.strip())
    except tomlkit.exceptions.TOMLKitError:
        parsed = tomlkit.string(value.strip())  # a bare word: --set wire.layout=pair
    if len(parts) == 1:
        document[parts[0]] = parsed
        return
    *tables, name = parts
    holder: Any = document
    for depth, table in enumerate(tables):
        inside = _inside(holder, table)
        if inside is None and isinstance(holder, dict) and table not in holder:
            holder[table] = tomlkit.inline_table() if depth else tomlkit.table()
            inside = holder[table]
        if not isinstance(inside, dict | list):
            mistakes.add(".".join(tables[: depth + 1]), "expected a table")
            return
        holder = inside
    if not isinstance(holder, dict):
        mistakes.add(f"--set {override}", f"expected the place of an entry of {'.'.join(tables)}, from 1")
        return
    if tables == ["grid"]:  # several that vary together, with other blanks
        name = next((key for key in holder if names_in(key) == names_in(name)), name)
        without_formulas(document, names_in(name))
    elif tables[0] not in ("grid", "search"):
        unvary(document, ".".join(parts[1:]))
    holder[name] = parsed


def _keys(key: str) -> list[str]:
    """The parts of a key with dots; of an axis or a window the rest is one name, with quotes or without."""
    for table in ("grid", "derive", "search.over"):
        if key.startswith(f"{table}."):
            return [*table.split("."), key.removeprefix(f"{table}.").strip("\"'")]
    return key.split(".")


def _inside(holder: Any, key: str) -> Any:
    """What a table has under a key, or a list in a place from 1; None if there is nothing."""
    if isinstance(holder, list):
        return holder[int(key) - 1] if key.isdecimal() and 1 <= int(key) <= len(holder) else None
    return holder.get(key)


def _remove(document: tomlkit.TOMLDocument, parts: Sequence[str], mistakes: Mistakes) -> None:
    """Remove a key or a whole table from a document, for --set with nothing after the equals sign."""
    *tables, name = parts
    holder: Any = document
    for table in tables:
        holder = None if holder is None or not isinstance(holder, dict | list) else _inside(holder, table)
    if not isinstance(holder, dict) or name not in holder:
        mistakes.add(f"--set {'.'.join(parts)}=", "cannot remove this key; the file does not contain it")
        return
    del holder[name]


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], one: str = "the file", other: str = "the spec"
) -> list[str]:
    """Differences between two sets of parameters, one line per key; `one` and `other` say whose they are."""
    lines = []
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            lines.append(f"{key}: {one} has {_short(old.get(key))}, {other} has {_short(new.get(key))}")
    return lines


def _short(value: Any, width: int = 60) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= width else f"{text[: width - 3]}..."
