"""Kinds of reservoirs, by the names that users give them."""

from jaxtransport.reservoirs.chain import SemiInfiniteChain
from jaxtransport.reservoirs.reservoir import Reservoir
from jaxtransport.reservoirs.wide import WideBand

CHAIN = SemiInfiniteChain()

RESERVOIRS: dict[str, Reservoir] = {"chain": CHAIN, "wide": WideBand()}

__all__ = ["CHAIN", "RESERVOIRS", "Reservoir", "SemiInfiniteChain", "WideBand"]
