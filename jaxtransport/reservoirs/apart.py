"""Reservoirs of two kinds in one wire: the leads of one, the sources, drains and probes of another."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxtransport.band import Band
from jaxtransport.budget import TAIL
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs.energies import Energies
from jaxtransport.reservoirs.pieces import energies_of
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


class FineSurfaces(NamedTuple):
    """The same to 32 digits."""

    leads: FineSurface
    middle: FineSurface

    def dress(self, square: Double, lead: Any) -> tuple[Double, Double]:
        """As `FineSurface.dress`, where `lead` is True for a lead."""
        of_leads, others = self.leads.dress(square, lead), self.middle.dress(square, lead)
        choose: Callable[[Double, Double], Double] = lambda a, b: Double(
            jnp.where(lead, a.high, b.high), jnp.where(lead, a.low, b.low)
        )
        shift, half_width = map(choose, of_leads, others)
        return shift, half_width


class Apart(Reservoir):
    """Leads of one kind, all other reservoirs of another."""

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
    def span(self) -> Band:
        bands = self.of_leads.band, self.of_middle.band
        return Band(min(band.bottom for band in bands), max(band.top for band in bands))

    @property
    def edges(self) -> tuple[Fraction, ...]:
        return tuple(sorted({*self.of_leads.edges, *self.of_middle.edges}))

    def room(self, temperature: Any) -> Band:
        band, tails = self.of_middle.band, TAIL * temperature
        return Band(band.bottom - tails, band.top + tails)

    @property
    def knots(self) -> tuple[Fraction, ...]:
        return tuple(sorted({*self.of_leads.knots, *self.of_middle.knots}))

    @property
    def is_one_kind(self) -> bool:
        return False

    def at(self, energy: Float[Array, ...]) -> Surfaces:
        return Surfaces(self.of_leads.at(energy), self.of_middle.at(energy))

    def energies(self, mu_bar: Float[Array, ""]) -> Energies:
        return energies_of(mu_bar, self)

    def finely(self, energy: Double) -> FineSurfaces:
        return FineSurfaces(self.of_leads.finely(energy), self.of_middle.finely(energy))
