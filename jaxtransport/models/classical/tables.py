"""The tables of `model = "classical"`: the master equation of right- and left-movers on a lattice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from jaxtransport import layout as layouts
from jaxtransport import variables
from jaxtransport.arguments import POSITIVE
from jaxtransport.parameters import CLASSICAL
from jaxtransport.spec.average_table import AverageTable
from jaxtransport.spec.axes import read_varied
from jaxtransport.spec.checks import Checks
from jaxtransport.spec.tables import (
    Mistakes,
    OutputTable,
    Parsed,
    Sites,
    Table,
    read_tables,
    value_of,
)
from jaxtransport.spec.values import choice, list_of, number, whole


class WireTable(Table):
    """[wire]"""

    layout: Annotated[str | None, PlainValidator(choice(*layouts.DRIVEN))] = None
    N: Annotated[int | None, value_of(CLASSICAL["N"])] = None
    p: Annotated[float | None, value_of(CLASSICAL["p"])] = None
    spacing: Annotated[int | None, PlainValidator(whole(1))] = None
    sources: Sites = None
    drains: Sites = None
    probes: Sites = None
    strengths: Annotated[list[float] | None, PlainValidator(list_of(number(POSITIVE)))] = None


class DriveTable(Table):
    """[drive]"""

    rho_0: Annotated[float | None, value_of(CLASSICAL["rho_0"])] = CLASSICAL["rho_0"].default
    delta_rho: Annotated[float | None, value_of(CLASSICAL["delta_rho"])] = None
    injection: Annotated[float | None, value_of(CLASSICAL["injection"])] = None


TABLES: dict[str, type[Table]] = {
    "wire": WireTable,
    "drive": DriveTable,
    "output": OutputTable,
    "average": AverageTable,
}


def parse(raw: Mapping[str, Any], mistakes: Mistakes) -> Parsed | None:
    """Read and check the tables; notes every mistake, and returns None if there is any."""
    tables: dict[str, Any] = read_tables(raw, TABLES, mistakes)
    varied = read_varied(raw, CLASSICAL, tables, mistakes)
    checks = _Checks(tables, varied, mistakes)
    checks.require(
        {
            "layout": f"one of {', '.join(layouts.DRIVEN)}",
            "N": "the number of sites",
            "p": "the probability to move on where a source or drain is connected",
            "delta_rho": "the difference of the reservoirs' densities",
            "injection": "the injected current I_g / (e v_F delta_rho)",
        }
    )
    checks.keys_of_layout()
    checks.strengths(checks.first_layout())
    checks.variables(variables.CLASSICAL)
    checks.average()
    if mistakes.lines:
        return None
    del tables["output"]
    tables["average"] = tables["average"].completed()
    return Parsed(tables, varied.axes, varied.columns, checks.wanted(variables.CLASSICAL))


class _Checks(Checks):
    parameters = CLASSICAL
