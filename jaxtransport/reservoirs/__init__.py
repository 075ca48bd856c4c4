"""Kinds of reservoirs, by the names that users give them."""

from jaxtransport.reservoirs.chain import SemiInfiniteChain
from jaxtransport.reservoirs.reservoir import Reservoir

CHAIN = SemiInfiniteChain()

RESERVOIRS: dict[str, Reservoir] = {"chain": CHAIN}

__all__ = ["CHAIN", "RESERVOIRS", "Reservoir", "SemiInfiniteChain"]
