"""Sweep files: from TOML to a validated `Spec`, or to every mistake at once.

A spec is host data. What it means physically is the business of the model that reads its tables
(`MODELS`); this module knows only the file: its tables, its overrides, its grid, its fingerprint.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pydantic
import tomlkit
import tomlkit.exceptions

from jaxtransport.errors import InputError
from jaxtransport.sweep.grid import Axis


class Mistakes:
    """Mistakes found so far, and the keys they spoil: checks of several keys skip spoilt ones."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._spoilt: set[str] = set()

    def add(self, key: str, message: str) -> None:
        self._spoilt.add(key)
        self.lines.append(f"{key}: {message}")

    def clean(self, *keys: str) -> bool:
        """True if none of these keys was found wrong."""
        return not self._spoilt.intersection(keys)


class Table(pydantic.BaseModel):
    """One table of a sweep file. Unknown keys are mistakes."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


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

    def axis(self, name: str) -> Axis | None:
        """The axis called `name`, if it is swept."""
        return next((a for a in self.axes if a.name == name), None)

    def canonical(self) -> dict[str, Any]:
        """What is computed, as flat JSON values: no title, comments or choice of output."""
        out: dict[str, Any] = {"model": self.model, "grid.order": [a.name for a in self.axes]}
        for table, content in self.tables.items():
            for key, value in content.model_dump().items():
                if value is not None and self.axis(key) is None:
                    out[f"{table}.{key}"] = value
        for axis in self.axes:
            out[f"grid.{axis.name}"] = axis.values.tolist()
        return out

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is computed."""
        return hashlib.sha256(json.dumps(self.canonical(), sort_keys=True).encode()).hexdigest()

    @property
    def default_output(self) -> Path:
        return Path("results") / f"{self.name}.h5"


class Parsed(NamedTuple):
    """What a model makes of the tables it is given."""

    tables: dict[str, Table]
    axes: tuple[Axis, ...]
    variables: tuple[str, ...]


def read(path: str | Path, overrides: Sequence[str] = ()) -> Spec:
    """The validated spec in the TOML file at `path`.

    Args:
        path: a sweep file.
        overrides: "table.key=value" each, value in TOML; on a swept key it replaces the axis.

    Raises:
        InputError: every mistake in the file and in the overrides, each naming its key.
    """
    path = Path(path)
    if path.is_dir() or not path.exists():
        raise InputError(f"{path}: no such file; pass a sweep file in TOML, such as sweeps/map.toml")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); pass a sweep file in TOML") from None
    return parse(text, path.stem, overrides)


def parse(text: str, name: str = "sweep", overrides: Sequence[str] = ()) -> Spec:
    """The validated spec in TOML `text`. Errors as for `read`."""
    mistakes = Mistakes()
    try:
        document = tomlkit.parse(text)
    except tomlkit.exceptions.TOMLKitError as error:
        raise InputError(f"{name}: not TOML ({error})") from None
    for override in overrides:
        _override(document, override, mistakes)
    raw = document.unwrap()
    title = raw.pop("title", "")
    if not isinstance(title, str):
        mistakes.add("title", f"{title!r}; pass a text in quotes")
    models = _models()
    model = raw.pop("model", "quantum")
    if not isinstance(model, str) or model not in models:
        mistakes.add("model", f"{model!r}; pass one of {', '.join(models)}")
        raise InputError(mistakes.lines)
    parsed = models[model](raw, mistakes)
    if mistakes.lines or parsed is None:
        raise InputError(mistakes.lines)
    return Spec(name, tomlkit.dumps(document), title, model, *parsed)


def _models() -> dict[str, Any]:
    from jaxtransport.sweep import quantum_spec

    return {"quantum": quantum_spec.parse}


def _override(document: tomlkit.TOMLDocument, override: str, mistakes: Mistakes) -> None:
    key, equals, value = override.partition("=")
    parts = key.strip().split(".")
    if not equals or len(parts) > 2 or not all(parts):
        mistakes.add(f"--set {override}", "pass --set table.key=value, such as --set wire.gamma=0.4")
        return
    try:
        parsed = tomlkit.value(value.strip())
    except tomlkit.exceptions.TOMLKitError:
        parsed = tomlkit.string(value.strip())  # a bare word: --set wire.layout=pair
    if len(parts) == 1:
        document[parts[0]] = parsed
        return
    table, name = parts
    if not isinstance(document.get(table, {}), dict):
        mistakes.add(table, "is not a table")
        return
    if table not in document:
        document[table] = tomlkit.table()
    document[table][name] = parsed
    grid = document.get("grid", {})
    if table != "grid" and isinstance(grid, dict) and name in grid:
        grid.pop(name)


def read_tables(
    raw: Mapping[str, Any], kinds: Mapping[str, type[Table]], mistakes: Mistakes
) -> dict[str, Table]:
    """Read each table of `kinds`; wrong keys are noted and left out, so that reading goes on."""
    for key in raw:
        if key not in kinds and key != "grid":
            mistakes.add(key, f"unknown{_meant(key, [*kinds, 'grid', 'title', 'model'])}")
    out = {}
    for name, kind in kinds.items():
        content = raw.get(name, {})
        if not isinstance(content, dict):
            mistakes.add(name, f"{content!r}; pass a table: [{name}]")
            content = {}
        try:
            out[name] = kind.model_validate(content)
        except pydantic.ValidationError as error:
            wrong = {str(e["loc"][0]): e for e in error.errors()}
            for key, e in wrong.items():
                if e["type"] == "extra_forbidden":
                    mistakes.add(f"{name}.{key}", f"unknown{_meant(key, kind.model_fields)}")
                else:
                    mistakes.add(f"{name}.{key}", e["msg"].removeprefix("Value error, "))
            out[name] = kind.model_validate({k: v for k, v in content.items() if k not in wrong})
    return out


def read_axes(raw: Any, known: Mapping[str, Any], mistakes: Mistakes) -> tuple[Axis, ...]:
    """Read [grid]: `known` maps the name of an axis to (reader, unit, long name, symbol)."""
    if not isinstance(raw, dict):
        mistakes.add("grid", f"{raw!r}; pass a table: [grid]")
        return ()
    axes = []
    for name, value in raw.items():
        if name not in known:
            mistakes.add(f"grid.{name}", f"cannot be an axis{_meant(name, known)}")
            continue
        reader, unit, long_name, symbol = known[name]
        try:
            axes.append(Axis(name, reader(value), unit, long_name, symbol))
        except ValueError as error:
            mistakes.add(f"grid.{name}", str(error))
    return tuple(axes)


def _meant(key: str, known: Any) -> str:
    close = difflib.get_close_matches(key, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"
