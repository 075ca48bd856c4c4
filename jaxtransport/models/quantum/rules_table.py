"""Rules of probes in a sweep file: `[solve] probe`, and gains, losses and occupations of [wire]."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from jaxtransport import layout as layouts
from jaxtransport.arguments import show
from jaxtransport.laws import Law
from jaxtransport.probe_rules import FIXED, PROBES, codes_of
from jaxtransport.spec.checks import sites_of

CONDUCTANCE = ("conductance",)  # what linear response gives where it gives no more


def occupations(value: Any) -> dict[str, float]:
    """A table of occupations by site, "left" and "right", its numbers checked."""
    if not isinstance(value, Mapping) or not value:
        raise ValueError('expected a table of occupations by site, such as { "5" = 0.5, left = 1.0 }')
    out: dict[str, float] = {}
    wrong = []
    for site, n in value.items():
        if not (site in layouts.ENDS or (site.isascii() and site.isdecimal() and len(site) < 16)):
            wrong.append(f"{show(site)}: expected a site, from 1, or one of {', '.join(layouts.ENDS)}")
        elif isinstance(n, bool) or not isinstance(n, int | float) or not layouts.SHARE.holds(n):
            wrong.append(f"{site}: expected {layouts.SHARE.words}, got {show(n)}")
        else:
            out[site] = float(n)
    if wrong:
        raise ValueError("; ".join(wrong))
    return out


def probe(value: Any) -> str | None:
    """The rule of all probes; None is that of a voltage probe."""
    if not isinstance(value, str) or value not in PROBES:
        raise ValueError(f"expected one of {', '.join(PROBES)}, got {show(value)}")
    return None if value == "voltage" else value


def present(tables: Mapping[str, Any]) -> frozenset[int]:
    """The rules that a spec asks for, beside potentials."""
    wire = tables["wire"]
    found = {PROBES[tables["solve"].probe]} if tables["solve"].probe else set()
    given = wire.layout == "custom" and (wire.gains or wire.losses)
    return frozenset(found | ({FIXED} if given or wire.occupations else set()))


def known(variables: Mapping[str, Any], law: Law | type[Law], rules: Collection[int]) -> Mapping[str, Any]:
    """The variables that a law has of the solution with some rules of probes."""
    if rules and law.is_linear and law().refuses(rules):  # type: ignore[operator]
        return {name: variables[name] for name in CONDUCTANCE}
    return variables


def rule_tables(tables: Mapping[str, Any], lengths: list[int], size: int) -> Any:
    """`Rules` of wires of several lengths, one column per length; None where all have potentials."""
    from jaxtransport.rules import Rules  # JAX is loaded: computing starts

    if not (rules := present(tables)):
        return None
    wire = tables["wire"]
    code, occupation = np.zeros((size, len(lengths)), np.int8), np.zeros((size, len(lengths)))
    for column, N in enumerate(lengths):
        layout = layouts.make(wire.layout, N, **sites_of(wire))
        code[:N, column] = codes_of(layout, tables["solve"].probe or "voltage")
        occupation[:N, column] = np.nan_to_num(layout.given_occupations())
    return Rules(code, occupation, rules)  # type: ignore[arg-type]  # host data
