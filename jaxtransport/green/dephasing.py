r"""Dephasing probes: reservoirs that carry no current at any energy, eliminated at each.

    sum_l' T_ll' (x_l - x_l') = 0    at every dephasing probe l,    x given at all others

x is anything that is linear in occupations. Along a chain, with the sums of `green.pairs`

    c_l = sum_{j>l} a_{l+1} ... a_j Gamma_j x_j,      C_l = Gamma_l x_l + c_l,      c_{l-1} = a_l C_l

what the sites before l contribute is linear in C_l once the dephasing probes among them are gone (star-mesh):

    e_l = theta_l C_l + beta_l,      x_l = q_l (sigma_l c_l + beta_l),      sigma_l = s_l + theta_l
    q_l = 1 / (sigma_l R_l + tau_l)           tau_l: beta_l where all given x are 1

    probe   theta' = a^2 (theta_l + q_l Gamma_l sigma_l^2),  beta' = a beta_l (1 + q_l Gamma_l sigma_l)
    given   theta' = a^2 theta_l,                            beta' = a (beta_l + sigma_l Gamma_l x_l)

with a = a_{l+1}, primes for l + 1: sums of positive terms, O(N) an energy.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxtransport.compute import linalg
from jaxtransport.green.pairs import Matrices, Pairs, Profiles, Several, Sides
from jaxtransport.wire import Wire


def dephasing_sites(wire: Wire) -> Bool[Array, " site"] | None:
    """True at dephasing probes; None where there are none."""
    return wire.rules.dephasing if wire.rules is not None and wire.rules.any_dephasing else None


def along_chain(broadening: Profiles, ratio: Profiles, diagonal: Profiles, dephasing: Any = None) -> Pairs:
    """`Pairs` of a chain from Gamma_l, a_{l+1} and s_l, without dephasing probes."""
    sides = Sides.of(broadening, ratio, diagonal)
    return sides if dephasing is None else Dephased.of(sides, broadening, ratio, diagonal, dephasing)


def of_matrices(T: Float[Array, "energy site site"], dephasing: Any = None) -> Matrices:
    """`Pairs` of matrices, without dephasing probes."""
    return Matrices(T if dephasing is None else jax.vmap(_reduced, (0, None))(T, dephasing))


def _reduced(T: Float[Array, "site site"], dephasing: Bool[Array, " site"]) -> Float[Array, "site site"]:
    """T_ij + sum_pq T_ip (D - T)^-1_pq T_qj over dephasing p and q; 0 on the diagonal and there."""
    T = jnp.where(jnp.eye(T.shape[0], dtype=bool), 0.0, T)
    total = jnp.where(dephasing, jnp.sum(T, 1), 1.0)
    inner = jnp.diag(jnp.where(total > 0, total, 1.0)) - jnp.where(dephasing[:, None] & dephasing, T, 0.0)
    others = jnp.where(dephasing[:, None], T, 0.0)
    T = T + jnp.where(dephasing, T, 0.0) @ linalg.solve(inner, others)
    kept = ~dephasing[:, None] & ~dephasing & ~jnp.eye(T.shape[0], dtype=bool)
    return jnp.where(kept, T, 0.0)


class Dephased(eqx.Module):
    """`Pairs` of a chain, its dephasing probes eliminated at every energy."""

    sides: Sides
    dephasing: Bool[Array, " site"]
    ratio: Profiles  # a_{l+1}
    onward: Profiles  # 1 + q Gamma sigma of dephasing probes, sigma Gamma of the others
    to_right: Profiles  # q sigma of dephasing probes
    own: Profiles  # q
    broadening: Profiles

    @classmethod
    def of(
        cls, sides: Sides, broadening: Profiles, ratio: Profiles, diagonal: Profiles, dephasing: Array
    ) -> Dephased:
        """From what `Sides.of` takes, and its result."""

        def step(before: tuple[Array, Array], at: tuple[Array, ...]) -> tuple[Any, Any]:
            theta, tau = before
            dephases, a, Gamma, s, R = at  # R_l: sum of Gamma right of l, as it sees them
            sigma = s + theta
            total = sigma * R + tau
            q = jnp.where(dephases & (total > 0), 1 / jnp.where(total > 0, total, 1.0), 0.0)
            exchanged = sigma * Gamma
            grown = 1 + q * exchanged
            theta = a * a * (theta + q * exchanged * sigma)
            tau = a * jnp.where(dephases, tau * grown, tau + exchanged)
            return (theta, tau), (jnp.where(dephases, grown, exchanged), q * sigma, q)

        def sum_right(merged: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
            a, Gamma = at
            return a * merged + Gamma, a * merged

        zero = jnp.zeros_like(diagonal[0])
        _, R = lax.scan(sum_right, zero, (ratio, broadening), reverse=True)
        along = (dephasing, ratio, broadening, diagonal, R)
        _, (onward, to_right, own) = lax.scan(step, (zero, zero), along)
        return cls(sides, dephasing, ratio, onward, to_right, own, broadening)

    def filled(
        self, x: Several, group: Int[Array, ""] | None = None, given: Profiles | None = None
    ) -> Several:
        """x with the values of dephasing probes put in; where a current is `given` (site, ...), for that."""

        def at(values: Array, l: Array) -> Array:
            return values[l] if group is None else values[group, l]

        def upward(beta: Array, here: tuple[Array, Array, Array | None]) -> tuple[Array, Array]:
            l, x, b = here
            onward, a, dephases = at(self.onward, l), at(self.ratio, l), self._dephases(l, group)
            after = jnp.where(dephases, beta * onward, beta + onward * x)
            if b is None:
                return a * after, beta
            Gamma = at(self.broadening, l)
            own = jnp.where(dephases, b, 0.0)
            return a * (after + at(self.to_right, l) * own), beta + own / jnp.where(Gamma > 0, Gamma, 1.0)

        def downward(c: Array, here: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            l, beta, x = here
            c = at(self.ratio, l) * c
            x = jnp.where(self._dephases(l, group), at(self.to_right, l) * c + at(self.own, l) * beta, x)
            return at(self.broadening, l) * x + c, x

        sites, zero = jnp.arange(x.shape[0]), jnp.zeros_like(x[0])
        _, beta = lax.scan(upward, zero, (sites, x, given))
        return lax.scan(downward, zero, (sites, beta, x), reverse=True)[1]

    def _dephases(self, l: Array, group: Int[Array, ""] | None) -> Array:
        return self.dephasing[l] if group is None else self.dephasing[group, l]

    def currents_into(self, x: Several, group: Int[Array, ""] | None = None) -> Several:
        return self.sides.currents_into(self.filled(x, group), group)

    def weighted(self, weight: Profiles) -> Float[Array, "site site"]:
        index = jnp.arange(weight.shape[0])

        def of_site(m: Array) -> Array:
            unit = jnp.where((index == m)[:, None], weight[m], 0.0)
            return jnp.where(index == m, 0.0, -jnp.sum(self.currents_into(unit), 1))

        return jnp.where(self.dephasing[:, None] | self.dephasing, 0.0, lax.map(of_site, index))

    def total(self) -> Profiles:
        return self.sides.total()
