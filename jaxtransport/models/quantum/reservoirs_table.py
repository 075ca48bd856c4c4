"""[reservoirs] of a sweep file: the kinds of the leads and of all other reservoirs.

[reservoirs]
leads  = { kind = "wide" }
middle = { kind = "chain", hopping = 1.5, onsite = 0.2 }

A file of numbers becomes part of the sweep, so that a result holds what was computed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import tomlkit
from pydantic import PlainValidator

from jaxtransport import kinds, tabulated
from jaxtransport.errors import InputError
from jaxtransport.spec.tables import Mistakes, Table

PARTS = ("leads", "middle")


def _reservoir(value: Any) -> dict[str, Any] | None:
    try:
        table = kinds.kind_of("x", value)
    except InputError as error:
        said = (re.sub(r"^x(\.|: |, )", "", mistake) for mistake in error.mistakes)
        raise ValueError("; ".join(said)) from None
    return None if table == kinds.DEFAULT else table


def with_numbers(document: Any, folder: Path, mistakes: Mistakes) -> None:
    """Put the numbers of files, which lie in `folder`, in place of their names."""
    table = document.get("reservoirs")
    for part in PARTS if isinstance(table, dict) else ():
        value = table.get(part)
        is_table = isinstance(value, dict) and value.get("kind") == "table"
        if not (is_table and isinstance(value.get("file"), str)):
            continue
        key = f"reservoirs.{part}"
        try:
            numbers = tabulated.read(key, {**value, "file": folder / value["file"]})
        except InputError as error:
            for mistake in error.mistakes:
                mistakes.add(key, re.sub(rf"^{re.escape(key)}(\.|: |, )", "", mistake))
            del table[part]
            continue
        table[part] = tomlkit.parse(f"x = {_written(numbers)}")["x"]


def _written(numbers: Mapping[str, Any]) -> str:
    """A table of numbers as TOML. (tomlkit would take a list entry by entry, in a time quadratic in them.)"""
    lists = (f"{key} = [{', '.join(map(repr, values))}]" for key, values in numbers.items() if key != "kind")
    return f'{{ kind = "{numbers["kind"]}", {", ".join(lists)} }}'


def notes_on(table: Any) -> tuple[str, ...]:
    """What is odd about reservoirs that are allowed all the same, one line each."""
    said = {part: kinds.doubt_of(kind) for part, kind in zip(PARTS, kinds_of(table), strict=True)}
    return tuple(f"reservoirs.{part}: {text}" for part, text in said.items() if text)


class ReservoirsTable(Table):
    """[reservoirs]; None is the chain of the model."""

    leads: Annotated[dict[str, Any] | None, PlainValidator(_reservoir)] = None
    middle: Annotated[dict[str, Any] | None, PlainValidator(_reservoir)] = None


def kinds_of(table: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The kinds of the leads and of the other reservoirs, from a [reservoirs] table."""
    return table.leads or kinds.DEFAULT, table.middle or kinds.DEFAULT
