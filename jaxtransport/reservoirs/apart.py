"""Reservoirs of two kinds in one wire: the leads of one, the sources, drains and probes of another."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxtransport.band import Band
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs.energies import Energies
from jaxtransport.reservoirs.reservoir import FineSurface, Reservoir, Surface


class Surfaces(NamedTuple):
    """g of the leads and of the others."""

    leads: Surface
    middle: Surface

    def dress(self, coupling: Float[Array, ...], lead: Any) -> tuple[Array, Array]:
        """As `Surface.dress`, where `lead` is True for a lead."""
        of_leads, others = self.leads.dress(coupling, lead), self.middle.dress(coupling, lead)
        shift, Gamma = (jnp.where(lead, a, b) for a, b in zip(of_leads, others, strict=True))
        return shift, Gamma


class Apart(Reservoir):
    """Leads of one kind, all other reservoirs of another. Integrals over energy are not known for them."""

    of_leads: Reservoir
    of_middle: Reservoir

    @property
    def band(self) -> Band:
        return self.of_leads.band

    @property
    def leads(self) -> Reservoir:
        return self.of_leads

    @property
    def middle(self) -> Reservoir:
        return self.of_middle

    @property
    def is_one_kind(self) -> bool:
        return False

    def at(self, energy: Float[Array, ...]) -> Surfaces:
        return Surfaces(self.of_leads.at(energy), self.of_middle.at(energy))

    def energies(self, mu_bar: Float[Array, ""]) -> Energies:
        raise NotImplementedError("integrals over energy take one kind of reservoir")

    def finely(self, energy: Double) -> FineSurface:
        raise NotImplementedError("integrals over energy take one kind of reservoir")
