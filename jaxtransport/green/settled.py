r"""Reservoirs that carry no current at an energy, eliminated there: dephasing probes.

    sum_l' T_ll' (x_l - x_l') = 0    at every silent site l,    x given at all others

x is anything that is linear in occupations. Along a chain, with the sums of `green.pairs`

    c_l = sum_{j>l} a_{l+1} ... a_j Gamma_j x_j,      C_l = Gamma_l x_l + c_l,      c_{l-1} = a_l C_l

what the sites before l contribute is linear in C_l once the silent ones among them are gone (star-mesh):

    e_l = theta_l C_l + beta_l,      x_l = q_l (sigma_l c_l + beta_l),      sigma_l = s_l + theta_l
    q_l = 1 / (sigma_l R_l + tau_l)           tau_l: beta_l where all given x are 1

    silent  theta' = a^2 (theta_l + q_l Gamma_l sigma_l^2),  beta' = a beta_l (1 + q_l Gamma_l sigma_l)
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


def silent_sites(wire: Wire) -> Bool[Array, " site"] | None:
    """True at dephasing probes; None where there are none."""
    return wire.rules.dephasing if wire.rules is not None and wire.rules.any_dephasing else None


def along_chain(broadening: Profiles, ratio: Profiles, diagonal: Profiles, silent: Any = None) -> Pairs:
    """`Pairs` of a chain from Gamma_l, a_{l+1} and s_l, without those that are silent."""
    sides = Sides.of(broadening, ratio, diagonal)
    return sides if silent is None else SettledSides.of(sides, broadening, ratio, diagonal, silent)


def of_matrices(T: Float[Array, "energy site site"], silent: Any = None) -> Matrices:
    """`Pairs` of matrices, without those that are silent."""
    return Matrices(T if silent is None else jax.vmap(_reduced, (0, None))(T, silent))


def _reduced(T: Float[Array, "site site"], silent: Bool[Array, " site"]) -> Float[Array, "site site"]:
    """T_ij + sum_pq T_ip (D - T)^-1_pq T_qj over silent p and q; 0 on the diagonal and at silent sites."""
    T = jnp.where(jnp.eye(T.shape[0], dtype=bool), 0.0, T)
    total = jnp.where(silent, jnp.sum(T, 1), 1.0)
    inner = jnp.diag(jnp.where(total > 0, total, 1.0)) - jnp.where(silent[:, None] & silent, T, 0.0)
    others = jnp.where(silent[:, None], T, 0.0)
    T = T + jnp.where(silent, T, 0.0) @ linalg.solve(inner, others)
    kept = ~silent[:, None] & ~silent & ~jnp.eye(T.shape[0], dtype=bool)
    return jnp.where(kept, T, 0.0)


class SettledSides(eqx.Module):
    """`Pairs` of a chain, its silent sites eliminated at every energy."""

    sides: Sides
    silent: Bool[Array, " site"]
    ratio: Profiles  # a_{l+1}
    onward: Profiles  # 1 + q Gamma sigma of silent sites, sigma Gamma of the others
    to_right: Profiles  # q sigma of silent sites
    own: Profiles  # q
    broadening: Profiles

    @classmethod
    def of(
        cls, sides: Sides, broadening: Profiles, ratio: Profiles, diagonal: Profiles, silent: Array
    ) -> SettledSides:
        """From what `Sides.of` takes, and its result."""

        def step(before: tuple[Array, Array], at: tuple[Array, ...]) -> tuple[Any, Any]:
            theta, tau = before
            quiet, a, Gamma, s, R = at  # R_l: sum of Gamma right of l, as it sees them
            sigma = s + theta
            total = sigma * R + tau
            q = jnp.where(quiet & (total > 0), 1 / jnp.where(total > 0, total, 1.0), 0.0)
            exchanged = sigma * Gamma
            grown = 1 + q * exchanged
            theta = a * a * (theta + q * exchanged * sigma)
            tau = a * jnp.where(quiet, tau * grown, tau + exchanged)
            return (theta, tau), (jnp.where(quiet, grown, exchanged), q * sigma, q)

        def sum_right(merged: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
            a, Gamma = at
            return a * merged + Gamma, a * merged

        zero = jnp.zeros_like(diagonal[0])
        _, R = lax.scan(sum_right, zero, (ratio, broadening), reverse=True)
        along = (silent, ratio, broadening, diagonal, R)
        _, (onward, to_right, own) = lax.scan(step, (zero, zero), along)
        return cls(sides, silent, ratio, onward, to_right, own, broadening)

    def filled(
        self, x: Several, group: Int[Array, ""] | None = None, given: Profiles | None = None
    ) -> Several:
        """x with the values of silent sites put in; where a current is `given` (site, ...), for that."""

        def at(values: Array, l: Array) -> Array:
            return values[l] if group is None else values[group, l]

        def upward(beta: Array, here: tuple[Array, Array, Array | None]) -> tuple[Array, Array]:
            l, x, b = here
            onward, a, quiet = at(self.onward, l), at(self.ratio, l), self._quiet(l, group)
            after = jnp.where(quiet, beta * onward, beta + onward * x)
            if b is None:
                return a * after, beta
            Gamma = at(self.broadening, l)
            own = jnp.where(quiet, b, 0.0)
            return a * (after + at(self.to_right, l) * own), beta + own / jnp.where(Gamma > 0, Gamma, 1.0)

        def downward(c: Array, here: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            l, beta, x = here
            c = at(self.ratio, l) * c
            x = jnp.where(self._quiet(l, group), at(self.to_right, l) * c + at(self.own, l) * beta, x)
            return at(self.broadening, l) * x + c, x

        sites, zero = jnp.arange(x.shape[0]), jnp.zeros_like(x[0])
        _, beta = lax.scan(upward, zero, (sites, x, given))
        return lax.scan(downward, zero, (sites, beta, x), reverse=True)[1]

    def _quiet(self, l: Array, group: Int[Array, ""] | None) -> Array:
        return self.silent[l] if group is None else self.silent[group, l]

    def currents_into(self, x: Several, group: Int[Array, ""] | None = None) -> Several:
        return self.sides.currents_into(self.filled(x, group), group)

    def weighted(self, weight: Profiles) -> Float[Array, "site site"]:
        index = jnp.arange(weight.shape[0])

        def of_site(m: Array) -> Array:
            unit = jnp.where((index == m)[:, None], weight[m], 0.0)
            return jnp.where(index == m, 0.0, -jnp.sum(self.currents_into(unit), 1))

        return jnp.where(self.silent[:, None] | self.silent, 0.0, lax.map(of_site, index))

    def total(self) -> Profiles:
        return self.sides.total()
