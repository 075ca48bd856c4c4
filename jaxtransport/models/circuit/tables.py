"""The tables of `model = "circuit"`: a resistive wire with currents fed in and drawn along it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import PlainValidator

from jaxtransport import layout as layouts
from jaxtransport import variables
from jaxtransport.arguments import REAL, show
from jaxtransport.parameters import CIRCUIT
from jaxtransport.spec.average_table import AverageTable
from jaxtransport.spec.axes import read_varied
from jaxtransport.spec.checks import Checks
from jaxtransport.spec.tables import Mistakes, OutputTable, Parsed, Table, read_tables, value_of
from jaxtransport.spec.values import choice, list_of, number, whole


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError(f"expected a fraction of the length, 0 < x < 1, got {show(value)}")
    return float(value)


class WireTable(Table):
    """[wire]"""

    layout: Annotated[str | None, PlainValidator(choice(*layouts.DRIVEN))] = None
    N: Annotated[int | None, value_of(CIRCUIT["N"])] = None
    sigma: Annotated[float | None, value_of(CIRCUIT["sigma"])] = CIRCUIT["sigma"].default
    spacing: Annotated[int | None, PlainValidator(whole(1))] = None
    positions: Annotated[list[float] | None, PlainValidator(list_of(_fraction, "fractions"))] = None
    strengths: Annotated[list[float] | None, PlainValidator(list_of(number(REAL)))] = None


class DriveTable(Table):
    """[drive]"""

    voltage: Annotated[float | None, value_of(CIRCUIT["voltage"])] = CIRCUIT["voltage"].default
    injection: Annotated[float | None, value_of(CIRCUIT["injection"])] = None


TABLES: dict[str, type[Table]] = {
    "wire": WireTable,
    "drive": DriveTable,
    "output": OutputTable,
    "average": AverageTable,
}


def parse(raw: Mapping[str, Any], mistakes: Mistakes) -> Parsed | None:
    """Read and check the tables; notes every mistake, and returns None if there is any."""
    tables: dict[str, Any] = read_tables(raw, TABLES, mistakes)
    varied = read_varied(raw, CIRCUIT, tables, mistakes)
    checks = _Checks(tables, varied, mistakes)
    checks.all()
    if mistakes.lines:
        return None
    del tables["output"]
    tables["average"] = tables["average"].completed()
    return Parsed(tables, varied.axes, varied.columns, checks.wanted(variables.CIRCUIT))


class _Checks(Checks):
    """A custom circuit is given by positions and signed strengths, any other by its layout and N."""

    parameters = CIRCUIT

    def all(self) -> None:
        injection = "the injected current I_g / (V/R)"
        self.require({"layout": f"one of {', '.join(layouts.DRIVEN)}", "injection": injection})
        self.keys_of_layout({"spaced": ["spacing"], "custom": ["positions"]})
        if self.wire.layout == "custom":
            self.terminals()
        elif self.wire.layout is not None:
            self.require({"N": "the number of nodes, both ends counted"})
            self.strengths(self.first_layout())
        self.variables(variables.CIRCUIT)
        self.average()

    def terminals(self) -> None:
        """Check positions along the wire: no duplicates, and a strength for each."""
        if "N" in self.swept or self.wire.N is not None:
            self.add(
                "N", 'cannot be combined with layout = "custom", whose positions give the nodes; remove it'
            )
        self.require(
            {
                "positions": "where sources and drains are, as fractions of the length",
                "strengths": "the current of each in I_g, > 0 for a source and < 0 for a drain",
            }
        )
        positions, strengths = self.values("positions"), self.values("strengths")
        if positions is None or strengths is None:
            return
        if len(positions) != len(strengths):
            self.add(
                "strengths",
                f"expected one number for each of {len(positions)} positions, got {len(strengths)}",
            )
        if len(np.unique(positions)) < len(positions):
            distinct, counts = np.unique(positions, return_counts=True)
            twice = distinct[np.argmax(counts > 1)]
            self.add(
                "positions", f"duplicate position {twice:g}; give it once, with the sum of its strengths"
            )
