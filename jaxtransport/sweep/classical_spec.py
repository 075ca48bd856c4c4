"""The tables of `model = "classical"`: the master equation of right- and left-movers on a lattice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from jaxtransport import layout as layouts
from jaxtransport.sweep.checks import Checks
from jaxtransport.sweep.tables import (
    Mistakes,
    Model,
    Number,
    OutputTable,
    Parsed,
    Positive,
    Sites,
    Table,
    read_axes,
    read_tables,
)
from jaxtransport.sweep.values import axis, choice, list_of, not_negative, positive, probability, real, whole
from jaxtransport.variables import CLASSICAL


class WireTable(Table):
    """[wire]"""

    layout: Annotated[str | None, PlainValidator(choice(*layouts.NAMES))] = None
    N: Annotated[int | None, PlainValidator(whole(2, layouts.MOST_SITES))] = None
    p: Annotated[float | None, PlainValidator(probability)] = None
    spacing: Annotated[int | None, PlainValidator(whole(1))] = None
    sources: Sites = None
    drains: Sites = None
    probes: Sites = None
    strengths: Annotated[list[float] | None, PlainValidator(list_of(positive))] = None


class DriveTable(Table):
    """[drive]"""

    rho_0: Annotated[float, PlainValidator(not_negative)] = 0.0
    delta_rho: Positive = None
    injection: Number = None


TABLES: dict[str, type[Table]] = {"wire": WireTable, "drive": DriveTable, "output": OutputTable}

# Axis -> reader, unit, long name, symbol
AXES: dict[str, Any] = {
    "N": (axis(whole(2, layouts.MOST_SITES), integer=True), "1", "number of sites", "N"),
    "p": (axis(probability), "1", "probability to move on", "p"),
    "rho_0": (axis(not_negative), "1/a", "density of the emptier reservoir", r"\rho_0"),
    "delta_rho": (axis(positive), "1/a", "difference of the reservoirs' densities", r"\delta\rho"),
    "injection": (axis(real), "1", "injected current over e v_F delta_rho", r"I_g/ev_F\delta\rho"),
}
HOME = {"rho_0": "drive", "delta_rho": "drive", "injection": "drive"}


def parse(raw: Mapping[str, Any], mistakes: Mistakes) -> Parsed | None:
    """Read and check the tables; notes every mistake, and returns None if there is any."""
    tables: dict[str, Any] = read_tables(raw, TABLES, mistakes)
    axes = read_axes(raw.get("grid", {}), AXES, mistakes)
    checks = _Checks(tables, axes, raw.get("grid"), mistakes)
    checks.require(
        {
            "layout": f"one of {', '.join(layouts.NAMES)}",
            "N": "the number of sites",
            "p": "the probability to move on where a source or drain is connected",
            "delta_rho": "the difference of the reservoirs' densities",
            "injection": "the injected current I_g / (e v_F delta_rho)",
        }
    )
    checks.keys_of_layout()
    checks.strengths(checks.first_layout())
    checks.variables(CLASSICAL)
    if mistakes.lines:
        return None
    del tables["output"]
    return Parsed(tables, axes, checks.wanted(CLASSICAL))


class _Checks(Checks):
    home = HOME


MODEL = Model(parse, AXES, HOME, plain={"rho_0": 0.0})
