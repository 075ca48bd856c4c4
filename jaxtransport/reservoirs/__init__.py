"""Reservoirs that couple to the sites of a wire, by the kinds that users name (`kinds`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxtransport.arguments import mapping
from jaxtransport.errors import InputError
from jaxtransport.hints import meant
from jaxtransport.kinds import DEFAULT, KINDS, kind_of
from jaxtransport.reservoirs.apart import Apart
from jaxtransport.reservoirs.chain import SemiInfiniteChain
from jaxtransport.reservoirs.reservoir import Reservoir
from jaxtransport.reservoirs.table import Tabulated
from jaxtransport.reservoirs.wide import WideBand

MAKERS: dict[str, Callable[..., Reservoir]] = {
    "chain": SemiInfiniteChain,
    "wide": WideBand,
    "table": Tabulated.of,
}
RESERVOIRS: dict[str, Reservoir] = {name: MAKERS[name]() for name, kind in KINDS.items() if not kind.read}
CHAIN = RESERVOIRS["chain"]

__all__ = [
    "CHAIN",
    "RESERVOIRS",
    "Apart",
    "Reservoir",
    "SemiInfiniteChain",
    "Tabulated",
    "WideBand",
    "reservoir_of",
]


def reservoir_of(value: Any, name: str = "reservoirs") -> Reservoir:
    """The reservoirs of a wire: one kind for all, or {"leads": ..., "middle": ...}, by default chains.

    Raises:
        InputError: an unknown kind, a wrong key or number.
    """
    if value is None or isinstance(value, Reservoir):
        return CHAIN if value is None else value
    if isinstance(value, str) or "kind" in mapping(name, value, '{"leads": "wide"}'):
        return _made(kind_of(name, value))
    parts = ("leads", "middle")
    if mistakes := [f"{name}.{key}: unknown; {meant(key, parts)}" for key in value if key not in parts]:
        raise InputError(mistakes)
    leads, middle = (_made(kind_of(f"{name}.{part}", value.get(part, DEFAULT))) for part in parts)
    return leads if leads == middle else Apart(leads, middle)


def _made(table: dict[str, Any]) -> Reservoir:
    return MAKERS[table["kind"]](**{key: value for key, value in table.items() if key != "kind"})
