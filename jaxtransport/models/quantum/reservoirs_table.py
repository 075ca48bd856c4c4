"""[reservoirs] of a sweep file: the kinds of the leads and of all other reservoirs.

[reservoirs]
leads  = { kind = "wide" }
middle = { kind = "chain", hopping = 1.5, onsite = 0.2 }
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from jaxtransport import kinds
from jaxtransport.errors import InputError
from jaxtransport.spec.tables import Table


def _reservoir(value: Any) -> dict[str, Any] | None:
    try:
        table = kinds.kind_of("x", value)
    except InputError as error:
        said = (re.sub(r"^x(\.|: )", "", mistake) for mistake in error.mistakes)
        raise ValueError("; ".join(said)) from None
    return None if table == kinds.DEFAULT else table


class ReservoirsTable(Table):
    """[reservoirs]; None is the chain of the model."""

    leads: Annotated[dict[str, Any] | None, PlainValidator(_reservoir)] = None
    middle: Annotated[dict[str, Any] | None, PlainValidator(_reservoir)] = None


def kinds_of(table: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The kinds of the leads and of the other reservoirs, from a [reservoirs] table."""
    return table.leads or kinds.DEFAULT, table.middle or kinds.DEFAULT
