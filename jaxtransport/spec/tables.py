"""Reading the tables of a sweep file: values, axes, and every mistake on the way.

Nothing here depends on a model: a model provides its tables as classes and its axes as readers, and
returns a `Parsed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple

import pydantic
from pydantic import PlainValidator

from jaxtransport.arguments import show
from jaxtransport.hints import meant, nearest
from jaxtransport.parameters import Parameter
from jaxtransport.spec import values
from jaxtransport.spec.values import Reader, either, list_of, one_of, text, whole
from jaxtransport.sweep.grid import Axis, Column

if TYPE_CHECKING:
    import xarray

    from jaxtransport.spec.spec import Spec
    from jaxtransport.sweep.task import Task

TOP = ("title", "model")  # keys above all tables
FREE_TABLES = ("grid", "derive")  # whose keys are names of parameters

Sites = Annotated[list[int] | None, PlainValidator(list_of(whole(1), "sites"))]


def value_of(row: values.Numbers) -> PlainValidator:
    """Reader of the key of a parameter: one number."""
    return PlainValidator(one_of(row))


def values_of(row: Parameter, entry: Reader | None = None) -> PlainValidator:
    """Reader of the key of a parameter that may also be a list, of numbers accepted by `entry`."""
    return PlainValidator(either(one_of(row) if entry is None else entry))


def along_of(row: Parameter) -> PlainValidator:
    """Reader of a key that holds one number, a list of them, or a pattern."""
    return PlainValidator(values.along_of(row))


class Mistakes:
    """Mistakes found so far and the keys they invalidate, which checks of several keys skip."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._spoilt: set[str] = set()

    def add(self, key: str, message: str) -> None:
        self._spoilt.add(key)
        if (line := f"{key}: {message}") not in self.lines:
            self.lines.append(line)

    def clean(self, *keys: str) -> bool:
        """True if no mistake was found in these keys."""
        return not self._spoilt.intersection(keys)


class Table(pydantic.BaseModel):
    """One table of a sweep file. Unknown keys are mistakes."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    required: ClassVar[Mapping[str, str]] = {}  # key -> what it is: without it a table says nothing


class OutputTable(Table):
    """[output], the same for every model."""

    variables: Annotated[list[str] | None, PlainValidator(list_of(text, "names"))] = None


class Parsed(NamedTuple):
    """Result of a model's reading of its tables."""

    tables: dict[str, Table]
    axes: tuple[Axis, ...]
    columns: tuple[Column, ...]
    variables: tuple[str, ...]
    notes: tuple[str, ...] = ()  # likely misunderstandings, one line each


@dataclass(frozen=True)
class Model:
    """One model: how its sweep files are read, its parameters, its task and its search."""

    parse: Callable[[Mapping[str, Any], Mistakes], Parsed | None]
    parameters: Mapping[str, Parameter]
    make_task: Callable[[Spec], Task]
    search: Callable[..., xarray.Dataset] | None = (
        None  # of a spec and a report; None: it has no zeros to find
    )

    # Puts what other files hold, found in a folder, into a document in place of their names.
    with_files: Callable[[Any, Path, Mistakes], None] | None = None

    @property
    def axes(self) -> tuple[Parameter, ...]:
        """Parameters that may be an axis."""
        return axes_of(self.parameters)


def axes_of(parameters: Mapping[str, Parameter]) -> tuple[Parameter, ...]:
    """Parameters that may be an axis."""
    return tuple(row for row in parameters.values() if row.axis)


def read_tables(
    raw: Mapping[str, Any], kinds: Mapping[str, type[Table]], mistakes: Mistakes
) -> dict[str, Table]:
    """Read each table of `kinds`; wrong keys are noted and left out, so that reading continues."""
    for key in raw:
        if key not in kinds and key not in FREE_TABLES:
            found = [table for table, kind in kinds.items() if key in kind.model_fields]
            belongs = f"it belongs in [{found[0]}]" if found else meant(key, [*kinds, *FREE_TABLES, *TOP])
            mistakes.add(key, f"unknown; {belongs}")
    out = {}
    for name, kind in kinds.items():
        content = raw.get(name, {})
        if not isinstance(content, dict):
            mistakes.add(name, f"expected a table [{name}], got {show(content)}")
            content = {}
        try:
            out[name] = kind.model_validate(content)
        except pydantic.ValidationError as error:
            wrong = {str(e["loc"][0]): e for e in error.errors()}
            for key, e in wrong.items():
                if e["type"] == "extra_forbidden":
                    mistakes.add(f"{name}.{key}", f"unknown{_home(key, name, kinds)}")
                else:
                    mistakes.add(f"{name}.{key}", e["msg"].removeprefix("Value error, "))
            out[name] = kind.model_validate({k: v for k, v in content.items() if k not in wrong})
        for key, what in kind.required.items() if name in raw else ():
            if getattr(out[name], key) is None and mistakes.clean(name, f"{name}.{key}"):
                mistakes.add(f"{name}.{key}", f"missing; expected {what}")
    return out


def _home(key: str, name: str, kinds: Mapping[str, type[Table]]) -> str:
    """Hint for a key that does not belong to the table `name`."""
    if key in TOP:
        return f"; it belongs at the top of the file, above the first [table]: --set {key}=... puts it there"
    if found := [table for table, kind in kinds.items() if key in kind.model_fields]:
        return f"; it belongs in [{found[0]}]"
    own = list(kinds[name].model_fields)
    everywhere = {field: table for table, kind in kinds.items() for field in kind.model_fields}
    if nearest(key, own) is None and (close := nearest(key, everywhere)):
        return f"; did you mean {everywhere[close]}.{close}?"
    return f"; {meant(key, own)}"
