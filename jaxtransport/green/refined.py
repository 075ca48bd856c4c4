r"""Matrices for weak contacts and weak bonds: small transmissions, and networks without subtraction.

    G <- G + G (1 - A G)                          each entry right to some 2^-53 (|G| |A| |G|)_ll'

An inverse is right on the scale of its largest entry. Corrected twice, it is that of a matrix whose every
entry is off by a rounding: small entries have digits of their own, but where a line is narrow. What the last
correction changed shows which T_ll' have them.

Reservoirs k = 2, 3, ... are eliminated one after the other from the network of conductances (star-mesh;
for linear systems Grassmann, Taksar and Heyman), every sum of conductances one of positive terms:

    T_ij += T_ik T_kj / T_k          b_i += T_ik b_k / T_k          T_k = sum_j T_jk over those that are left

(sums over rows and over columns are equal, but for rounding: those over columns hand on every charge)

until T_1N = g and b_1 = r between the leads are all there is. The last one hands on what charge conservation
leaves, sum b less what went to the leads, if that is sharper. Potentials follow backwards. Small changes of T
move  g by  sum_ij dT_ij (phi_i - phi_j)^2 / 2  and  r by  sum_ij dT_ij (phi_i - phi_j)(psi_i - psi_j) / 2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Inexact

from jaxtransport.green.dense import Dense
from jaxtransport.green.transmission import EPS, TOLERATED, Drives, LeadResponse, Potentials, Scalar


class Network(NamedTuple):
    """The remaining network while reservoirs are eliminated."""

    T: Array  # conductances, into i from j; 0 from and to those that are gone
    b: Array  # 2 pi I of each, with what the others handed on
    error: Array  # of b


class Gone(NamedTuple):
    """An eliminated reservoir: x_k = b / total + sum_j weight_j x_j."""

    weight: Array
    total: Array
    b: Array
    error: Array


class Solution(NamedTuple):
    """Both unit drives."""

    response: LeadResponse
    potential: Potentials


class Refined(Dense):
    """The matrices of `Dense`, small entries refined, and their network. Made by `Refined.at` or `.of`."""

    green_error: Float[Array, "site site"]  # of |G_ll'|

    by_subtraction = False
    tolerated = TOLERATED

    @classmethod
    def of(
        cls,
        hamiltonian: Inexact[Any, "site site"],
        coupling: Float[Any, " site"],
        energy: Any,
        **more: Any,
    ) -> Refined:
        """As `Dense.of`."""
        plain = Dense.of(hamiltonian, coupling, energy, **more)
        green, error = _refined(plain.inverse, plain.green, plain.size)
        fields = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
        return cls(**fields | {"green": green}, green_error=error)

    def lead_response(self) -> LeadResponse:
        return self._solution().response

    def profile(self) -> Potentials:
        solution = self._solution()
        return solution.potential

    def probe_potentials(
        self, currents: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        _, gone = self._eliminated(jnp.where(self.interior, currents, 0.0))
        return self._back(gone, gone.b, left, right)

    def _solution(self) -> Solution:
        network, gone = self._eliminated(self.strength)
        g, (r, onward) = network.T[self.leads.first, self.leads.last], self.leads.of(network.b)
        # A group that is cut off has no balance, or any potential.
        r = jnp.where(jnp.any(gone.total == 0), jnp.nan, r)
        phi = self._back(gone, 0 * gone.b, 0.5, -0.5)
        psi = self._back(gone, gone.b, 0.0, 0.0)

        T, held = self.links(), self.broadening > 0
        size = jnp.abs(self.green)
        off = 2 * T * jnp.where(size > 0, self.green_error / jnp.where(size > 0, size, 1.0), 1.0)
        difference: Callable[[Array], Array] = lambda x: jnp.where(
            held[:, None] & held, jnp.abs(x[:, None] - x), 0.0
        )
        a, b = difference(phi), difference(psi)
        rounding = 4 * EPS * self.broadening.shape[0]
        g_error = jnp.sum(off * a * a) / 2 + rounding * g
        moved = jnp.sum(off * a * b) / 2
        r_error, onward_error = (
            error + moved + rounding * jnp.abs(value)
            for error, value in zip(self.leads.of(network.error), (r, onward), strict=True)
        )
        power, power_error = jnp.sum(T * b * b), jnp.sum(off * b * b)
        share = jnp.where(power > 0, power_error / jnp.where(power > 0, power, 1.0), 0.0) + rounding
        psi_error = jnp.max(self._back(gone, gone.error, 0.0, 0.0)) + share * jnp.max(jnp.abs(psi))
        *errors, psi_error = (
            lax.stop_gradient(error) for error in (g_error, r_error, onward_error, psi_error)
        )
        potential = Potentials(Drives(phi, psi), jnp.max(jnp.abs(psi)), psi_error)
        return Solution(LeadResponse(g, r, onward, *errors), potential)

    def _eliminated(self, given: Float[Array, " site"]) -> tuple[Network, Gone]:
        """The two leads' network, and every reservoir as it was eliminated, in the order of sites."""
        site = jnp.arange(self.broadening.shape[0])
        last = jnp.max(jnp.where(self.interior, site, -1))
        total_given = jnp.sum(given)
        sum_error = EPS * site.shape[0] * jnp.sum(jnp.abs(given))
        sum_error = jnp.where(total_given == 0, 0.0, sum_error)

        def step(network: Network, k: Array) -> tuple[Network, Gone]:
            T, b, error = network
            into, out = T[k], T[:, k]
            total = jnp.sum(into)
            here = self.interior[k] & (total > 0)
            safe = jnp.where(here, total, 1.0)
            weight = jnp.where(here, into / safe, 0.0)
            share = jnp.where(here, out / jnp.where(here, jnp.sum(out), 1.0), 0.0)  # keeps every charge
            (left, right), errors = self.leads.of(b), self.leads.of(error)
            rest = total_given - left - right
            rest_error = sum_error + errors[0] + errors[1] + 2 * EPS * jnp.abs(rest)
            sharper = (k == last) & (rest_error < error[k])
            b_k = jnp.where(sharper, rest, b[k])
            e_k = jnp.where(sharper, rest_error, error[k])
            T = jnp.where(site[:, None] == site, 0.0, T + share[:, None] * into)
            keep = jnp.where(here, site != k, True)
            T = jnp.where(keep[:, None] & keep, T, 0.0)
            handed = share * b_k
            error = error + share * e_k + EPS * (3 * jnp.abs(handed) + jnp.abs(b + handed))
            gone = Gone(weight, jnp.where(self.interior[k], total, 1.0), b_k, e_k)
            return Network(T, b + handed, lax.stop_gradient(error)), gone

        start = Network(self.links(), given, jnp.zeros_like(given))
        return lax.scan(step, start, site)

    def _back(
        self, gone: Gone, b: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        """Potentials for what each eliminated reservoir had to hand on."""
        leads = self.leads.put(left, right, jnp.zeros_like(self.broadening))

        def step(x: Array, at: tuple[Array, Gone, Array]) -> tuple[Array, None]:
            k, gone, b = at
            found = b / gone.total + jnp.dot(gone.weight, x)
            return x.at[k].set(jnp.where(self.interior[k], found, x[k])), None

        site = jnp.arange(self.broadening.shape[0])
        return lax.scan(step, leads, (site, gone, b), reverse=True)[0]


def _refined(A: Array, G: Array, size_of_A: Array) -> tuple[Array, Array]:
    """G of two corrections, and how far off each |G_ll'| may be: the last one, and roundings of A."""
    unit = jnp.eye(A.shape[0], dtype=A.dtype)
    for _ in range(2):
        change = G @ (unit - A @ G)
        G = G + change
    size = jnp.abs(G)
    return G, lax.stop_gradient(jnp.abs(change) + 4 * EPS * size @ size_of_A @ size)
