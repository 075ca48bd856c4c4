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


class Transmission(eqx.Module):
    """Transmissions between all reservoirs of a wire at one energy."""

    broadening: eqx.AbstractVar[Float[Array, " site"]]  # Gamma_l, in gamma_o
    interior: eqx.AbstractVar[Array]  # True where the current is given and the potential unknown

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
    def respond(
        self, injected: Float[Array, " site"]
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """(g, B) of 2 pi I_1 = g (x_1 - x_N) - B for injected currents 2 pi I_l = `injected`."""

    @abc.abstractmethod
    def potentials(
        self, injected: Float[Array, " site"], left: Float[Array, ""], right: Float[Array, ""]
    ) -> Float[Array, " site"]:
        """x_l that inject 2 pi I_l = `injected` between leads at `left` and `right`; 0 on bare sites."""
