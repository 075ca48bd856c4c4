"""The tables of `model = "quantum"`, their allowed values and their consistency.

Readers check single values, `checks` everything that involves several keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic
from pydantic import PlainValidator

from jaxtransport import layout as layouts
from jaxtransport.arguments import POSITIVE, REAL
from jaxtransport.laws import LAWS
from jaxtransport.models.quantum import rules_table
from jaxtransport.models.quantum.checks import QuantumChecks
from jaxtransport.models.quantum.numbers import PATTERNED, numbers_of_patterns
from jaxtransport.models.quantum.reservoirs_table import ReservoirsTable, notes_on
from jaxtransport.parameters import QUANTUM
from jaxtransport.patterns.paths import with_swept_numbers
from jaxtransport.spec.average_table import AverageTable
from jaxtransport.spec.axes import keys_of, read_varied
from jaxtransport.spec.search_table import SearchTable
from jaxtransport.spec.tables import (
    Mistakes,
    OutputTable,
    Parsed,
    Sites,
    Table,
    along_of,
    read_tables,
    value_of,
    values_of,
)
from jaxtransport.spec.values import choice, list_of, number, whole
from jaxtransport.variables import OF_WIRE

Along = float | list[Any] | dict[str, Any] | None  # one number, a list, a pattern, or a list of patterns


class WireTable(Table):
    """[wire]"""

    layout: Annotated[str | None, PlainValidator(choice(*layouts.NAMES))] = None
    N: Annotated[int | None, value_of(QUANTUM["N"])] = None
    # 0 on sites without a reservoir
    gamma: Annotated[float | list[float] | None, values_of(QUANTUM["gamma"], number(REAL))] = None
    contact: Annotated[float | list[float] | None, values_of(QUANTUM["contact"])] = None
    width: Annotated[float | None, value_of(QUANTUM["width"])] = None
    contact_width: Annotated[float | list[float] | None, values_of(QUANTUM["contact_width"])] = None
    spacing: Annotated[int | None, PlainValidator(whole(1))] = None
    sources: Sites = None
    drains: Sites = None
    probes: Sites = None
    gains: Sites = None
    losses: Sites = None
    occupations: Annotated[dict[str, float] | None, PlainValidator(rules_table.occupations)] = None
    strengths: Annotated[list[float] | None, PlainValidator(list_of(number(POSITIVE)))] = None
    onsite: Annotated[Along, along_of(QUANTUM["onsite"])] = QUANTUM["onsite"].default
    hopping: Annotated[Along, along_of(QUANTUM["hopping"])] = QUANTUM["hopping"].default


class DriveTable(Table):
    """[drive]"""

    mu_bar: Annotated[float | None, value_of(QUANTUM["mu_bar"])] = None
    delta_mu: Annotated[float | None, value_of(QUANTUM["delta_mu"])] = None
    injection: Annotated[float | None, value_of(QUANTUM["injection"])] = None
    I_g: Annotated[float | None, value_of(QUANTUM["I_g"])] = None


class _Solve(Table):
    """[solve], without the keys of single laws."""

    law: Annotated[str, PlainValidator(choice(*LAWS))] = "linear"
    kernel: Annotated[str, PlainValidator(choice("auto", "chain", "dense"))] = "auto"
    probe: Annotated[str | None, PlainValidator(rules_table.probe)] = None


_OPTIONS: dict[str, Any] = {
    key: (Annotated[Any, value_of(option)], None)
    for law in LAWS.values()
    for key, option in law.options.items()
}
SolveTable = pydantic.create_model("SolveTable", __base__=_Solve, **_OPTIONS)


TABLES: dict[str, type[Table]] = {
    "wire": WireTable,
    "reservoirs": ReservoirsTable,
    "drive": DriveTable,
    "solve": SolveTable,
    "output": OutputTable,
    "search": SearchTable,
    "average": AverageTable,
}


def parse(raw: Mapping[str, Any], mistakes: Mistakes) -> Parsed | None:
    """Read and check the tables; notes every mistake, and returns None if there is any."""
    swept = [*keys_of(raw), *_searched(raw)]
    tables = read_tables(with_swept_numbers(raw, PATTERNED, swept), TABLES, mistakes)
    numbers = numbers_of_patterns(tables["wire"])
    parameters = {**QUANTUM, **numbers}
    varied = read_varied(raw, parameters, tables, mistakes)
    checks = QuantumChecks(tables, varied, mistakes)
    checks.parameters = parameters
    checks.all()
    if mistakes.lines:
        return None
    del tables["output"]
    law: Any = LAWS[tables["solve"].law]  # type: ignore[attr-defined]
    known = {**rules_table.known(law.variables, law, rules_table.present(tables)), **OF_WIRE}
    noted = notes_on(tables["reservoirs"])
    wanted = checks.wanted(known)
    return Parsed(_completed(tables, set(swept)), varied.axes, varied.columns, wanted, noted)


def _searched(raw: Mapping[str, Any]) -> list[str]:
    """Names of searched parameters, right or wrong."""
    search = raw.get("search")
    over = search.get("over") if isinstance(search, Mapping) else None
    return list(over) if isinstance(over, Mapping) else []


def _completed(tables: dict[str, Any], swept: set[str]) -> dict[str, Any]:
    """Fill in defaults that depend on other keys, so that omitted and explicit defaults are equal."""
    wire, drive = tables["wire"], tables["drive"]
    if isinstance(wire.contact_width, float) and "contact_width" not in swept:
        wire = wire.model_copy(update={"contact_width": [wire.contact_width] * 2})
    if "contact" not in swept and wire.contact_width is None and "contact_width" not in swept:
        contact = wire.contact
        if contact is None:
            contact = [wire.gamma[0], wire.gamma[-1]] if isinstance(wire.gamma, list) else 1.0
        both = contact if isinstance(contact, list) else [contact, contact]
        wire = wire.model_copy(update={"contact": both})
    if drive.injection is None and drive.I_g is None and not swept & {"injection", "I_g"}:
        # Only probes: nothing is injected. A search in linear response: zeros do not depend on the injection.
        drive = drive.model_copy(update={"injection": 1.0 if tables["search"].over else 0.0})
    solve = tables["solve"]
    law = LAWS[solve.law]
    for key, option in law.options.items():
        default = getattr(law, key)
        if option.spelt_out and getattr(solve, key) is None and key not in swept:
            solve = solve.model_copy(update={key: default})
        elif not option.spelt_out and getattr(solve, key) == default:
            solve = solve.model_copy(update={key: None})
    return {**tables, "wire": wire, "drive": drive, "solve": solve, "average": tables["average"].completed()}
