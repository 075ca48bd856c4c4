r"""Currents to the n-th order in the potentials.

    2 pi I_l = sum_{m=1..n} (1/m!) sum_l' T^(m-1)_ll' (x_l^m - x_l'^m),      T^(m) = d^m T / dw^m    (Eq. B26)

With T_k = T^(k) / k! that is one coefficient of a product of two polynomials in e, the energy above mu_bar:

    2 pi I_l = [e^(n-1)] sum_l' T_ll'(mu_bar + e) (y_l(e) - y_l'(e)),      y_l(e) = sum_m e^(n-m) x_l^m / m

so that n-1 nested derivatives along the wire give it, and density and energy likewise. A search for the
potentials of a short wire keeps the matrices T_k: its currents and their derivatives

    2 pi dI_l/dx_m = sum_k [delta_lm x_l^k sum_l' (T_k)_ll' - (T_k)_lm x_m^k]

then take no sweep along the wire.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxtransport.budget import MATRIX_SITES
from jaxtransport.green.transmission import Transmission
from jaxtransport.probes.conductor import Conductor, Flows, Profile
from jaxtransport.wire import Wire


class SeriesConductor(Conductor):
    """Currents to the n-th order in the potentials, Eq. B26."""

    wire: Wire
    mu_bar: Float[Array, ""]
    kernel: type[Transmission] = eqx.field(static=True)
    order: int = eqx.field(static=True)

    def currents_into(self, x: Profile) -> Profile:
        """2 pi I_l alone."""
        return self._last(lambda t, e: t.currents_into(self._driving(x, e)))

    def flows(self, x: Profile) -> Flows:
        """The energy goes to order n + 1, where the m-th term of (w - mu_bar) T is m T^(m-1) / (m + 1)!.

        It takes no further derivative, and at n = 1 it makes the heat that of Eq. B52.
        """

        def of(t: Transmission, e: Array) -> Flows:
            current = t.currents_into(self._driving(x, e))
            occupied = t.broadening > 0
            # sum_l' |G_ll'|^2 Gamma_l' (y_l' - y_l) is -(sum_l' T_ll' (y_l - y_l')) / Gamma_l.
            filling = jnp.where(occupied, -current / jnp.where(occupied, t.broadening, 1.0), 0.0)
            return Flows(current, t.currents_into(self._driving(x, e, more=1)), filling)

        return self._last(of)

    def for_search(self) -> SeriesConductor | Expanded:
        """The same, made ready for many x."""
        return self.expanded() if self.wire.sites <= MATRIX_SITES else self

    def _driving(self, x: Profile, e: Array, more: int = 0) -> Profile:
        """y(e); with `more` = 1, that of the energy: x^(m+1) / (m+1) in place of x^m / m."""
        terms = [x ** (m + more) / (m + more) for m in range(1, self.order + 1)]
        y = terms[0]
        for term in terms[1:]:
            y = y * e + term
        return y

    def _coefficients(self, of: Callable[[Transmission, Array], Any]) -> tuple[Any, ...]:
        """[e^0] ... [e^(n-1)] of a function of the network at mu_bar + e, and of e."""
        derivatives: Callable[[Array], tuple[Any, ...]] = lambda e: (
            of(self.kernel.at(self.wire, self.mu_bar + e), e),
        )
        for _ in range(self.order - 1):
            derivatives = _with_next(derivatives)
        found = derivatives(jnp.zeros_like(self.mu_bar))
        return tuple(jax.tree.map(lambda leaf, k=k: leaf / math.factorial(k), d) for k, d in enumerate(found))

    def _last(self, of: Callable[[Transmission, Array], Any]) -> Any:
        return self._coefficients(of)[-1]

    def expanded(self) -> Expanded:
        """Its matrices."""
        return Expanded(jnp.stack(self._coefficients(lambda t, _: t.links())))


def _with_next(derivatives: Callable[[Array], tuple[Any, ...]]) -> Callable[[Array], tuple[Any, ...]]:
    """(f, f', ..., f^(k+1)) from (f, f', ..., f^(k)), as functions of the same number."""

    def more(e: Array) -> tuple[Any, ...]:
        known, slopes = jax.jvp(derivatives, (e,), (jnp.ones_like(e),))
        return *known, slopes[-1]

    return more


class Expanded(eqx.Module):
    """Currents by the matrices T_0 ... T_(n-1), the diagonals left out."""

    T: Float[Array, "order site site"]

    def currents_into(self, x: Profile) -> Profile:
        """2 pi I_l alone."""
        drives = [x ** (k + 1) / (k + 1) for k in range(len(self.T))]
        terms = [jnp.sum(T * (y[:, None] - y[None, :]), 1) for T, y in zip(self.T, drives, strict=True)]
        return jnp.sum(jnp.stack(terms), 0)

    def slopes(self, x: Profile) -> Float[Array, "site site"]:
        """Derivatives of the currents with respect to all x_m, at [l, m]."""
        factors = [x**k for k in range(len(self.T))]
        out = jnp.sum(jnp.stack([jnp.sum(T, 1) * f for T, f in zip(self.T, factors, strict=True)]), 0)
        return jnp.diag(out) - jnp.sum(jnp.stack([T * f for T, f in zip(self.T, factors, strict=True)]), 0)
