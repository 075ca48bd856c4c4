"""Kinds of reservoirs as users give them, and the bands in which they carry current.

    { kind = "chain" }                                 a semi-infinite chain of hopping gamma_o, the default
    { kind = "chain", hopping = 1.5, onsite = 0.2 }    another hopping and level
    { kind = "wide" }                                  a band without edges
    { kind = "table", file = "sigma.csv" }             a self-energy in numbers (`tabulated`)

Host data: no JAX. `reservoirs` computes with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jaxtransport import tabulated
from jaxtransport.arguments import POSITIVE, REAL, Range, number, require_known, show
from jaxtransport.band import EVERYWHERE, Band
from jaxtransport.errors import InputError
from jaxtransport.hints import meant, named


class Kind(NamedTuple):
    """The numbers of a kind, what each may be and is by default, and the band they make."""

    numbers: Mapping[str, tuple[Range, float]]
    band: Callable[..., Band]
    read: Callable[[str, Mapping[str, Any]], dict[str, Any]] | None = None  # of one that is not a few numbers


KINDS = {
    "chain": Kind(
        {"hopping": (POSITIVE, 1.0), "onsite": (REAL, 0.0)},
        lambda hopping, onsite: Band(onsite - 2 * hopping, onsite + 2 * hopping),
    ),
    "wide": Kind({}, lambda: EVERYWHERE),
    "table": Kind({}, lambda energies, re, im: Band(energies[0], energies[-1]), tabulated.read),
}
DEFAULT: Mapping[str, Any] = {"kind": "chain", "hopping": 1.0, "onsite": 0.0}


def kind_of(name: str, value: Any) -> dict[str, Any]:
    """The table of a reservoir, its numbers filled in; "wide" alone stands for {"kind": "wide"}.

    Raises:
        InputError: an unknown kind, a wrong key or number.
    """
    table = {"kind": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        what = 'the table of a reservoir, such as { kind = "wide" }'
        raise InputError(f"{name}: expected {what}, got {show(value)}")
    kind = named(name, table, "kind", KINDS, "a kind of reservoir")
    if kind.read:
        return kind.read(name, table)
    keys = ["kind", *kind.numbers]
    if mistakes := [f"{name}.{key}: unknown; {meant(key, keys)}" for key in table if key not in keys]:
        raise InputError(mistakes)
    require_known(name, *(table[key] for key in kind.numbers if key in table))
    read = {
        key: float(number(f"{name}.{key}", table.get(key, default), domain))
        for key, (domain, default) in kind.numbers.items()
    }
    return {"kind": table["kind"], **read}


def doubt_of(table: Mapping[str, Any]) -> str:
    """What is odd about a reservoir that is allowed all the same, or nothing."""
    return tabulated.doubt(table) if table["kind"] == "table" else ""


def band_of(table: Mapping[str, Any]) -> Band:
    """The band of a reservoir, of a table as `kind_of` returns it."""
    return KINDS[table["kind"]].band(**{key: value for key, value in table.items() if key != "kind"})
