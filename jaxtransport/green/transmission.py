"""What every Green-function kernel offers: the conductance network of the reservoirs.

    2 pi I_l = sum_l' T_ll' (x_l - x_l'),      T_ll' = |G_ll'|^2 Gamma_l Gamma_l'   (Eq. B22)

at one energy, with potentials x_l measured from mu_bar. The diagonal of T drops out of every
current and is left out everywhere. Sites without a reservoir have T = 0; what x holds there is
never used. Kernels work on one operating point; batches come from `jax.vmap`.
"""

from __future__ import annotations

import abc

import equinox as eqx
from jaxtyping import Array, Float

from jaxtransport.wire import Wire


class Transmission(eqx.Module):
    """Transmissions between all reservoirs of a wire at one energy."""

    broadening: eqx.AbstractVar[Float[Array, " site"]]  # Gamma_l, in gamma_o
    interior: eqx.AbstractVar[Array]  # True where the current is given and the potential unknown
    strength: eqx.AbstractVar[Float[Array, " site"]]  # given currents in I_g; 0 where there is none

    @classmethod
    @abc.abstractmethod
    def at(cls, wire: Wire, energy: Float[Array, ""]) -> Transmission:
        """The transmissions of `wire` at `energy` (gamma_o)."""

    @property
    @abc.abstractmethod
    def finite(self) -> Array:
        """False if the Green function overflowed or met a pole."""

    @abc.abstractmethod
    def product(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        """sum_{l' != l} T_ll' x_l'."""

    @abc.abstractmethod
    def exchange(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        """sum_l' T_ll' (x_l - x_l') = 2 pi I_l: the currents into the wire, times 2 pi."""

    @abc.abstractmethod
    def spread(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        """sum_l' T_ll' (x_l' - x_l)^2 >= 0: the heat, times 4 pi (Eq. B52)."""

    @abc.abstractmethod
    def bonds(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        """2 pi J_l from site l to l+1; entries from the last site on carry no meaning."""

    @abc.abstractmethod
    def respond(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """(g, r) of 2 pi I_1 = g (x_1 - x_N) - r for 2 pi I_l = strength_l in between."""

    @abc.abstractmethod
    def potentials(
        self, injection: Float[Array, ""], left: Float[Array, ""], right: Float[Array, ""]
    ) -> Float[Array, " site"]:
        """x_l at which 2 pi I_l = injection * strength_l, leads at `left` and `right`; 0 on bare sites."""

    @abc.abstractmethod
    def settle(
        self, currents: Float[Array, " site"], left: Float[Array, ""], right: Float[Array, ""]
    ) -> Float[Array, " site"]:
        """x_l at which 2 pi I_l = `currents` for the middle reservoirs; 0 on bare sites."""
