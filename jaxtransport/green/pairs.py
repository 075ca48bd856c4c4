r"""Currents between all reservoirs of a wire at several energies at once.

    2 pi I_l = sum_l' T_ll' (x_l - x_l')

Along a chain (`green.chain`: s_l = |G_ll|^2, a_l = |t_{l-1} g_l|^2)

    T_ij = Gamma_i s_i a_{i+1} a_{i+2} ... a_j Gamma_j        i < j,      T_ji = T_ij

so that each reservoir sees those on either side of it as one, at their mean potential:

    2 pi I_l = R_l (x_l - right_l) + L_l (x_l - left_l)
    right_{l-1} = right_l + p_l (x_l - right_l)           p_l: share of site l in what lies right of l-1

with R_l = sum_{j>l} T_lj, likewise on the left: O(N) and four multiplications a site, whatever x is. No
current is a difference of large ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

if TYPE_CHECKING:
    from jaxtransport.green.transmission import Transmission

Profiles = Float[Array, "site ..."]  # of one energy or of several
Several = Float[Array, "site ... energy"]


@runtime_checkable
class Pairs(Protocol):
    """T_ll' between all reservoirs, the diagonal left out; of one group of energies, or of several.

    Several groups are a first axis of every array: a step reads from it what it needs, and nothing is copied.
    """

    def currents_into(self, x: Several, group: Int[Array, ""] | None = None) -> Several:
        """sum_l' T_ll' (x_l - x_l'), of a group if there are several. x may have axes between its two."""
        ...

    def weighted(self, weight: Profiles) -> Float[Array, "site site"]:
        """sum_k T_ml(w_k) weight_m(w_k) at [m, l]."""
        ...

    def total(self) -> Profiles:
        """sum_l' T_ll'."""
        ...


class Sides(eqx.Module):
    """`Pairs` of a chain."""

    to_right: Profiles  # R_l
    right_share: Profiles  # p_l
    to_left: Profiles
    left_share: Profiles

    @classmethod
    def of(cls, broadening: Profiles, ratio: Profiles, diagonal: Profiles) -> Sides:
        """From Gamma_l, a_{l+1} (1 from the last site on) and s_l."""

        def step(total: Array, at: tuple[Array, Array]) -> tuple[Array, tuple[Array, Array]]:
            a, weight = at  # weight: what this site adds for those after it
            here = a * total
            merged = here + weight
            return merged, (here, weight / jnp.where(merged > 0, merged, 1.0))

        nothing = jnp.zeros_like(diagonal[0])
        _, (right, right_share) = lax.scan(step, nothing, (ratio, broadening), reverse=True)
        along = (jnp.roll(ratio, 1, 0), diagonal * broadening)
        _, (left, left_share) = lax.scan(step, nothing, along)
        return cls(broadening * diagonal * right, right_share, broadening * left, left_share)

    def currents_into(self, x: Several, group: Int[Array, ""] | None = None) -> Several:
        at_site: Callable[[Array, Array], Array] = lambda values, l: (
            values[l] if group is None else values[group, l]
        )

        def along(weight: Array, share: Array, *, reverse: bool) -> Array:
            def step(mean: Array, at: tuple[Array, Array]) -> tuple[Array, Array]:
                l, x = at
                away = x - mean
                return mean + at_site(share, l) * away, at_site(weight, l) * away

            sites = jnp.arange(x.shape[0])
            return lax.scan(step, jnp.zeros_like(x[0]), (sites, x), reverse=reverse)[1]

        right = along(self.to_right, self.right_share, reverse=True)
        return along(self.to_left, self.left_share, reverse=False) + right

    def weighted(self, weight: Profiles) -> Float[Array, "site site"]:
        index = jnp.arange(self.to_right.shape[0])[:, None]

        def step(reach: Array, at: tuple[Array, Array, Array]) -> tuple[Array, tuple[Array, Array]]:
            m, share, of_m = at  # reach: from all l < m to m and beyond
            T = jnp.where(index < m, reach * share, 0.0)
            return jnp.where(index < m, reach - T, self.to_right), (T @ of_m, jnp.sum(T * weight, 1))

        _, (below, above) = lax.scan(step, self.to_right, (index[:, 0], self.right_share, weight))
        return below + above.T

    def total(self) -> Profiles:
        return self.to_right + self.to_left


class Matrices(eqx.Module):
    """`Pairs` as they are."""

    T: Float[Array, "energy site site"]

    def currents_into(self, x: Several, group: Int[Array, ""] | None = None) -> Several:
        def one(T: Array, x: Array) -> Array:
            T = T.reshape(*T.shape, *[1] * (x.ndim - 1))
            return jnp.sum(T * (x[:, None] - x[None, :]), axis=1)

        return jax.vmap(one, (0, -1), -1)(self.T if group is None else self.T[group], x)

    def weighted(self, weight: Profiles) -> Float[Array, "site site"]:
        return jnp.einsum("kml,mk->ml", self.T, weight)

    def total(self) -> Profiles:
        return jnp.sum(self.T, 2).T


class OneByOne(eqx.Module):
    """`Pairs` of any kernel: its networks at all energies."""

    networks: Transmission  # every array with a leading axis of energies

    def currents_into(self, x: Several, group: Int[Array, ""] | None = None) -> Several:
        networks = self.networks if group is None else jax.tree.map(lambda leaf: leaf[group], self.networks)
        one: Callable[..., Array] = lambda network, x: network.currents_into(x)
        for _ in range(x.ndim - 2):
            one = jax.vmap(one, (None, 1), 1)
        return jax.vmap(one, (0, -1), -1)(networks, x)

    def weighted(self, weight: Profiles) -> Float[Array, "site site"]:
        return Matrices(jax.vmap(lambda network: network.links())(self.networks)).weighted(weight)

    def total(self) -> Profiles:
        return jax.vmap(lambda network: network.product(jnp.ones_like(network.broadening)))(self.networks).T
