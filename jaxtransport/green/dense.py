"""Green function, transmissions and probe potentials by dense linear algebra.

    G(w) = [w - H - Sigma(w)]^-1                                             (Eq. 15)
    T_ll' = |G_ll'|^2 Gamma_l Gamma_l'            into l from l'             (below Eq. B22)
    F_ll' = 2 Im(A_{l+1,l} G_ll' G*_{l+1,l'}) Gamma_l'                       (Eq. B19)
    2 pi I_l = sum_l' T_ll' (x_l - x_l'),   2 pi J_l = sum_l' F_ll' (x_l - x_l')

for any Hermitian H, with a magnetic flux or long hops, and reservoirs on any sites. Costs O(N^3).
It is the general path, and an independent check of `green.chain` wherever it is itself accurate:
on strongly disordered wires with few reservoirs the inverse loses digits that the chain keeps.
Where they matter the status says so, and `green.refined` finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Inexact

from jaxtransport.compute import linalg
from jaxtransport.green.dephasing import dephasing_sites, of_matrices
from jaxtransport.green.pairs import Matrices
from jaxtransport.green.transmission import (
    EPS,
    POTENTIAL_ROUNDINGS,
    Drives,
    LeadResponse,
    Potentials,
    Scalar,
    Transmission,
)
from jaxtransport.reservoirs import CHAIN
from jaxtransport.reservoirs.apart import Surfaces
from jaxtransport.reservoirs.reservoir import Reservoir, Surface
from jaxtransport.wire import Leads, Wire


def hamiltonian(wire: Wire, away: Float[Array, ""] | float = 0.0) -> Inexact[Array, "site site"]:
    """H of a wire: eps_l on the diagonal, -t_l at (l, l+1) and -t_l* at (l+1, l).

    Sites beyond the length are cut off, and have the level `away`.
    """
    site = jnp.arange(wire.sites)
    upper = jnp.diag(jnp.where(site[:-1] < wire.length - 1, -wire.hopping, 0.0), 1)
    return jnp.diag(jnp.where(site < wire.length, wire.onsite, away)) + upper + jnp.conj(upper).T


def green(
    hamiltonian: Inexact[Any, "site site"],
    coupling: Float[Any, " site"],
    energy: Any,
    reservoir: Reservoir = CHAIN,
) -> Complex[Array, "site site"]:
    """Retarded G = [w - H - Sigma]^-1 in 1/gamma_o; Sigma is diagonal."""
    return linalg.inverse(_inverse_green(hamiltonian, coupling, energy, reservoir.at(energy)))


def _inverse_green(
    hamiltonian: Inexact[Any, "site site"],
    coupling: Float[Any, " site"],
    energy: Any,
    surface: Surface | Surfaces,
    lead: Any = None,
) -> Complex[Array, "site site"]:
    shift, Gamma = surface.dress(coupling, lead)
    sigma = shift - 0.5j * Gamma
    onsite = jnp.diagonal(hamiltonian)
    # w - eps first: where the two nearly cancel nothing is lost.
    return jnp.diag((energy - onsite) - sigma) - (hamiltonian - jnp.diag(onsite))


def _size(
    hamiltonian: Inexact[Any, "site site"],
    coupling: Float[Any, " site"],
    energy: Any,
    surface: Surface | Surfaces,
    lead: Any,
) -> Float[Array, "site site"]:
    onsite = jnp.real(jnp.diagonal(hamiltonian))
    shift, Gamma = surface.dress(coupling, lead)
    terms = jnp.abs(energy - onsite) + jnp.abs(shift) + Gamma / 2
    hops = hamiltonian - jnp.diag(onsite)
    return jnp.diag(terms) + jnp.abs(jnp.real(hops)) + jnp.abs(jnp.imag(hops))


class Dense(Transmission):
    """The O(N^3) kernel: matrices at one energy. Made by `Dense.at` or `Dense.of`."""

    broadening: Float[Array, " site"]
    interior: Bool[Array, " site"]
    strength: Float[Array, " site"]
    leads: Leads
    green: Complex[Array, "site site"]
    inverse: Complex[Array, "site site"]  # A = w - H - Sigma
    size: Float[Array, "site site"]  # |A|, nothing cancelled on its diagonal: what roundings are shares of

    by_subtraction = True
    tolerated = 1e-10  # beyond: `green.refined`; its errors are overestimated, by norms

    @classmethod
    def at(cls, wire: Wire, energy: Float[Array, ""]) -> Dense:
        """The matrices of `wire` at `energy`."""
        H = hamiltonian(wire, away=energy - 1)  # there w - H is 1
        drive: dict[str, Any] = {"leads": wire.leads, "strength": wire.strength}
        return cls.of(H, wire.coupling, energy, reservoir=wire.reservoir, **drive)

    @classmethod
    def of(
        cls,
        hamiltonian: Inexact[Any, "site site"],
        coupling: Float[Any, " site"],
        energy: Any,
        *,
        leads: Any,
        strength: Float[Any, " site"],
        reservoir: Reservoir = CHAIN,
    ) -> Dense:
        """The matrices of any Hermitian `hamiltonian` (site, site), reservoirs where `coupling` > 0.

        Args:
            hamiltonian: H in gamma_o, Hermitian; not checked.
            coupling: gamma_l, shape (site,); 0 for no reservoir.
            energy: w in gamma_o.
            leads: indices (from 0) of the two reservoirs whose potential is given.
            strength: injected current of the others in units of I_g, shape (site,).
            reservoir: what couples with `coupling`.
        """
        leads = Leads(*map(jnp.asarray, leads))
        surface = reservoir.at(energy)
        lead = leads.hold(jnp.arange(coupling.shape[0]))
        inverse = _inverse_green(hamiltonian, coupling, energy, surface, lead)
        broadening = surface.dress(coupling, lead)[1]
        interior = (broadening > 0) & ~lead
        return cls(
            broadening=broadening,
            interior=interior,
            strength=jnp.where(interior, strength, 0.0),
            leads=leads,
            green=linalg.inverse(inverse),
            inverse=inverse,
            size=lax.stop_gradient(_size(hamiltonian, coupling, energy, surface, lead)),
        )

    @classmethod
    def pairs_at(
        cls, wire: Wire, energies: Float[Array, " energy"]
    ) -> tuple[Matrices, Float[Array, " energy"]]:
        links: Callable[[Array], Array] = lambda energy: cls.at(wire, energy).links()
        return of_matrices(jax.vmap(links)(energies), dephasing_sites(wire)), jnp.zeros_like(energies)

    @property
    def finite(self) -> Array:
        return jnp.all(jnp.isfinite(self.green))

    @property
    def matrix(self) -> Float[Array, "site site"]:
        """T_ll', into l from l', dimensionless; the diagonal included."""
        return self.broadening[:, None] * self._square() * self.broadening[None, :]

    def _square(self) -> Float[Array, "site site"]:
        """|G_ll'|^2."""
        return jnp.real(self.green * jnp.conj(self.green))

    @property
    def bond_matrix(self) -> Float[Array, "bond site"]:
        """F_ll' of the bond from l to l+1, dimensionless; its rows sum to 0."""
        G = self.green
        link = jnp.diagonal(self.inverse, -1)[:, None]
        return 2 * jnp.imag(link * G[:-1] * jnp.conj(G[1:])) * self.broadening[None, :]

    def links(self) -> Float[Array, "site site"]:
        # Not less its diagonal: compiled, products are not rounded before they are subtracted.
        return jnp.where(jnp.eye(self.broadening.shape[0], dtype=bool), 0.0, self.matrix)

    def product(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return self.links() @ jnp.where(self.broadening > 0, x, 0.0)

    def currents_into(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return jnp.sum(self.links() * (x[:, None] - x[None, :]), axis=1)

    def heat_sums(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        return jnp.sum(self.links() * (x[:, None] - x[None, :]) ** 2, axis=1)

    def bonds(self, x: Float[Array, " site"]) -> Float[Array, " site"]:
        F = self.bond_matrix
        J = jnp.sum(F * (x[:-1, None] - x[None, :]), axis=1)
        return jnp.pad(J, (0, 1))

    def potentials(self, injection: Scalar, left: Scalar, right: Scalar) -> Float[Array, " site"]:
        return self.probe_potentials(injection * self.strength, left, right)

    def probe_potentials(
        self, currents: Float[Array, " site"], left: Scalar, right: Scalar
    ) -> Float[Array, " site"]:
        return linalg.solve(self._system(), self._given(currents, left, right))

    def _system(self) -> Float[Array, "site site"]:
        T = self.links()
        total = jnp.where(self.interior, jnp.sum(T, axis=1), 1.0)
        return jnp.diag(total) - jnp.where(self.interior[:, None], T, 0.0)

    def _given(self, currents: Float[Array, " site"], left: Scalar, right: Scalar) -> Float[Array, " site"]:
        given = jnp.where(self.interior, currents, 0.0)  # 0 on bare sites, whose row reads x = 0
        return self.leads.put(left, right, given)

    def lead_response(self) -> LeadResponse:
        phi, psi, amplification = self._drives()
        T = self.links()
        into: Callable[[Array, Array], Array] = lambda lead, x: jnp.sum(
            jnp.take(T, lead, axis=0) * (jnp.take(x, lead) - x)
        )
        total: Callable[[Array], Array] = lambda lead: (
            POTENTIAL_ROUNDINGS * EPS * amplification * jnp.sum(jnp.take(T, lead, axis=0))
        )
        # G is right on the scale of its largest entry. dg = sum_ij dT_ij (phi_i - phi_j)^2 / 2.
        size = jnp.sqrt(self._square())  # not jnp.abs: its guard against overflow takes longer
        norm = jnp.max(jnp.sum(self.size, 1))
        error = EPS * jnp.max(size) * jnp.max(jnp.sum(size, 1)) * norm
        off = 2 * size * error * self.broadening[:, None] * self.broadening
        difference: Callable[[Array], Array] = lambda x: jnp.abs(x[:, None] - x)
        g_error = jnp.sum(off * difference(phi) ** 2) / 2 + total(self.leads.first)
        moved, largest = jnp.sum(off * difference(phi) * difference(psi)) / 2, jnp.max(jnp.abs(psi))
        errors = g_error, moved + largest * total(self.leads.first), moved + largest * total(self.leads.last)
        values = into(self.leads.first, phi), -into(self.leads.first, psi), -into(self.leads.last, psi)
        return LeadResponse(*values, *map(lax.stop_gradient, errors))

    def amplification(self) -> Float[Array, ""]:
        return self._drives()[2]

    def profile(self) -> Potentials:
        phi, psi, amplification = self._drives()
        largest = jnp.max(jnp.abs(psi))
        error = POTENTIAL_ROUNDINGS * EPS * amplification * largest
        return Potentials(Drives(phi, psi), largest, lax.stop_gradient(error))

    def _drives(self) -> tuple[Float[Array, " site"], Float[Array, " site"], Float[Array, ""]]:
        """Both unit drives; and the condition of their system D - T: the largest entry of (D - T)^-1 D 1."""
        system = self._system()
        total = jnp.where(self.interior, jnp.diagonal(system), 0.0)
        drives = (self._given(0 * self.strength, 0.5, -0.5), self._given(self.strength, 0.0, 0.0), total)
        phi, psi, seen = linalg.solve(system, jnp.stack(drives, axis=1)).T  # one LU for all
        return phi, psi, jnp.max(jnp.abs(seen), initial=1.0)
