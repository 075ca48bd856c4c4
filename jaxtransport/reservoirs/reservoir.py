"""Effect of a reservoir on the site that it couples to with gamma.

    Sigma_l(w) = gamma_l^2 g(w),      g = shift - i width / 2,      Gamma_l = gamma_l^2 width

g is the Green function at the reservoir's surface, and all that kernels need to know of it. Integrals over
energy need its `Energies`, too: a coordinate in which g is analytic.
"""

from __future__ import annotations

import abc
from fractions import Fraction
from typing import Any, NamedTuple

import equinox as eqx
from jaxtyping import Array, Float

from jaxtransport.band import Band
from jaxtransport.compute.double import Double
from jaxtransport.reservoirs.energies import Energies


class Surface(NamedTuple):
    """g at some energy, the same for all sites: g = shift - i width / 2, in 1/gamma_o."""

    shift: Float[Array, ...]
    width: Float[Array, ...]  # >= 0; 0 outside the band

    def dress(
        self, coupling: Float[Array, ...], lead: Any = None
    ) -> tuple[Float[Array, ...], Float[Array, ...]]:
        """Re Sigma and Gamma >= 0 in gamma_o of sites that couple with `coupling`; 0 for no coupling.

        `lead`: whether a site is a lead, for which it makes no difference here.
        """
        square = coupling**2
        return square * self.shift, square * self.width


class FineSurface(NamedTuple):
    """The same to 32 digits."""

    shift: Double
    half_width: Double

    def dress(self, square: Double, lead: Any = None) -> tuple[Double, Double]:
        """Re Sigma and Gamma / 2 of sites, from the `square` of their couplings."""
        return square.times(self.shift), square.times(self.half_width)


class Reservoir(eqx.Module):
    """One kind of reservoir."""

    @property
    @abc.abstractmethod
    def band(self) -> Band:
        """Energies at which the leads carry current."""

    @abc.abstractmethod
    def energies(self, mu_bar: Float[Array, ""]) -> Energies:
        """The coordinate s in which g is analytic between the edges of the band; counts from mu_bar."""

    @property
    def span(self) -> Band:
        """Energies from the lowest at which one of them, leads or others, carries current to the highest."""
        return self.band

    @property
    def edges(self) -> tuple[Fraction, ...]:
        """Ends of its band, rising and without rounding; none of a band without ends."""
        return (Fraction(self.band.bottom), Fraction(self.band.top)) if self.band.has_edges else ()

    @property
    def leads(self) -> Reservoir:
        """That of the leads."""
        return self

    @property
    def middle(self) -> Reservoir:
        """That of the sources, drains and probes."""
        return self

    @property
    def is_one_kind(self) -> bool:
        """Whether leads and all others are of one kind."""
        return True

    @property
    def knots(self) -> tuple[Fraction, ...]:
        """Energies between edges at which g is smooth and not analytic."""
        return ()

    def room(self, temperature: Any) -> Band:
        """Where potentials of sources, drains and probes may lie.

        In their band; beside leads of another kind as far beyond it as thermal tails reach.
        """
        return self.band

    @abc.abstractmethod
    def at(self, energy: Float[Array, ...]) -> Any:
        """g at some energies (gamma_o), its derivatives finite everywhere."""

    @abc.abstractmethod
    def finely(self, energy: Double) -> Any:
        """g at an energy that is known to 32 digits."""

    def broadening(
        self, coupling: Float[Array, ...], energy: Float[Array, ...], lead: Any = None
    ) -> Float[Array, ...]:
        """Gamma in gamma_o; 0 for no coupling and outside the band. `lead`: whether a site is a lead."""
        return self.at(energy).dress(coupling, lead)[1]
