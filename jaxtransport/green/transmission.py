"""Interface of all Green-function kernels: the conductance network of the reservoirs.

    2 pi I_l = sum_l' T_ll' (x_l - x_l'),      T_ll' = |G_ll'|^2 Gamma_l Gamma_l'   (Eq. B22)

at one energy, with potentials x_l measured from mu_bar. The diagonal of T drops out of every
current and is left out everywhere. Sites without a reservoir have T = 0; their x is
never used. Kernels work on one operating point; batches come from `jax.vmap`.
"""

from __future__ import annotations

import abc
import warnings
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxtransport.compute import linalg
from jaxtransport.green.along import each, highest
from jaxtransport.green.dephasing import dephasing_sites, of_matrices
from jaxtransport.green.pairs import OneByOne, Pairs
from jaxtransport.renamed import Renamed
from jaxtransport.wire import Leads, Wire

Scalar = Float[Array, ""] | float

EPS = 2.0**-53  # of one rounding
TOLERATED = 1e-9  # nine digits are left

# Measured on random wires (`scripts/random_wires.py`), as the most that sums of given currents lose: r in
# roundings of the largest given current, potentials in roundings of the largest times the amplification.
CURRENT_ROUNDINGS, POTENTIAL_ROUNDINGS = 64, 32

# injection, left and right of `potentials` under the two unit drives
BIAS, INJECTION = (0.0, 0.5, -0.5), (1.0, 0.0, 0.0)


class Drives(NamedTuple):
    """A quantity of every site under two unit drives: a bias between the leads, and the given currents."""

    bias: Float[Array, " site"]
    injection: Float[Array, " site"]


class Potentials(NamedTuple):
    """Along the wire, under both unit drives."""

    x: Drives
    largest: Float[Array, ""]  # |x_l| of the second
    error: Float[Array, ""]  # of that by rounding, largest of all sites


class LeadResponse(NamedTuple):
    """2 pi I_1 = g (x_1 - x_N) - r,      2 pi I_N = -g (x_1 - x_N) - r'."""

    conductance: Array  # g, in e^2/h
    injection: Array  # r, what the given currents send to the left lead
    onward: Array  # r', what they send to the right lead; r + r' is their sum
    conductance_error: Array  # by rounding: how far off g, r and r' may be
    injection_error: Array
    onward_error: Array


class Transmission(eqx.Module):
    """Transmissions between all reservoirs of a wire at one energy."""

    broadening: eqx.AbstractVar[Float[Array, " site"]]  # Gamma_l, in gamma_o
    interior: eqx.AbstractVar[Array]  # True where the current is given and the potential unknown
    leads: eqx.AbstractVar[Leads]  # the reservoirs whose potential is given
    strength: eqx.AbstractVar[Float[Array, " site"]]  # given currents in I_g; 0 where there is none

    @classmethod
    @abc.abstractmethod
    def at(cls, wire: Wire, energy: Float[Array, ""]) -> Transmission:
        """The transmissions of `wire` at `energy` (gamma_o)."""

    by_subtraction: ClassVar[bool] = False  # rounding may make a network singular that is not
    # Rounding error of a current or potential, relative to the largest, above which the status is 7.
    # A kernel with a careful successor leaves the point to it much earlier.
    tolerated: ClassVar[float] = TOLERATED

    @property
    @abc.abstractmethod
    def finite(self) -> Array:
        """False if the Green function overflowed or met a pole."""

    @abc.abstractmethod
    def product(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        """sum_{l' != l} T_ll' x_l'."""

    @abc.abstractmethod
    def currents_into(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        """sum_l' T_ll' (x_l - x_l') = 2 pi I_l: the currents into the wire, times 2 pi."""

    @abc.abstractmethod
    def heat_sums(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        """sum_l' T_ll' (x_l' - x_l)^2 >= 0: the heat, times 4 pi (Eq. B52)."""

    def heats(self, x_of: Callable[..., tuple[Array, ...]], *along: Array) -> tuple[tuple[Array, ...], Array]:
        """`heat_sums` of several x_l at once, which `x_of` makes of the entries of a site.

        Also sum_l' T_ll' of the middle reservoir that exchanges most.
        """
        exchanged = self.product(jnp.ones_like(self.broadening))
        most = highest(lambda here, T: jnp.where(here, T, 0.0), self.interior, exchanged)
        return tuple(map(self.heat_sums, each(x_of, *along))), most

    @abc.abstractmethod
    def bonds(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        """2 pi J_l from site l to l+1; entries from the last site on carry no meaning."""

    @abc.abstractmethod
    def lead_response(self) -> LeadResponse:
        """g, r and r' for 2 pi I_l = strength_l in between."""

    exchange = Renamed("currents_into")
    spread = Renamed("heat_sums")
    settle = Renamed("probe_potentials")

    def respond(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """(g, r), the first two numbers of `lead_response`. Deprecated."""
        warnings.warn("Transmission.respond() is lead_response()[:2]", DeprecationWarning, stacklevel=2)
        return self.lead_response()[:2]

    @abc.abstractmethod
    def amplification(self) -> Float[Array, ""]:
        """Largest ratio of the currents that meet at a reservoir to their sum.

        Sources and drains that balance behind barriers exchange much and pass on little.
        """

    @abc.abstractmethod
    def profile(self) -> Potentials:
        """Potentials of both unit drives."""

    def driven_by(self, potential: Drives) -> Drives:
        """2 pi I_l that the potentials of `profile` drive into the wire."""
        return Drives(*map(self.currents_into, potential))

    @abc.abstractmethod
    def potentials(self, injection: Scalar, left: Scalar, right: Scalar) -> Float[Array, " site"]:
        """x_l at which 2 pi I_l = injection * strength_l, leads at `left` and `right`; 0 on bare sites."""

    @abc.abstractmethod
    def probe_potentials(
        self, currents: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        """x_l at which 2 pi I_l = `currents` for the middle reservoirs; 0 on bare sites."""

    def potentials_of(
        self, free: Bool[Array, " site"], given: Float[Array, " site"]
    ) -> Float[Array, " site"]:
        """x_l of some sites at which sum_l' T_ll' (x_l - x_l') is as given there; 0 at all others."""
        T, here = self.links(), free & (self.broadening > 0)
        total = jnp.where(here, jnp.sum(T, 1), 1.0)
        system = jnp.diag(total) - jnp.where(here[:, None] & here, T, 0.0)
        return linalg.solve(system, jnp.where(here, given, 0.0))

    @classmethod
    def pairs_at(cls, wire: Wire, energies: Float[Array, " energy"]) -> tuple[Pairs, Float[Array, " energy"]]:
        """The transmissions at several energies, and their relative rounding errors on narrow levels."""
        found = jax.vmap(lambda energy: cls.at(wire, energy))(energies)
        sharp = jax.vmap(lambda network: network.sharp_error())(found)
        if (dephasing := dephasing_sites(wire)) is not None:
            return of_matrices(jax.vmap(lambda network: network.links())(found), dephasing), sharp
        return OneByOne(found), sharp

    def sharp_error(self) -> Float[Array, ""]:
        """Relative rounding error of the transmissions on a narrow level."""
        return jnp.zeros(())

    def links(self) -> Float[Array, "site site"]:
        """T_ll', the diagonal left out."""
        return jax.vmap(self.product)(jnp.eye(self.broadening.shape[0]))
