"""Green function, transmissions and probe potentials by dense linear algebra.

    G(w) = [w - H - Sigma(w)]^-1                                             (Eq. 15)
    T_ll' = |G_ll'|^2 Gamma_l Gamma_l'            into l from l'             (below Eq. B22)
    F_ll' = 2 Im(A_{l+1,l} G_ll' G*_{l+1,l'}) Gamma_l'                       (Eq. B19)
    2 pi I_l = sum_l' T_ll' (x_l - x_l'),   2 pi J_l = sum_l' F_ll' (x_l - x_l')

for any Hermitian H, with a magnetic flux or long hops, and reservoirs on any sites. Costs O(N^3).
It is the general path, and an independent check of `green.chain` wherever it is itself accurate:
on strongly disordered wires with few reservoirs the inverse loses digits that the chain keeps.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Inexact

from jaxtransport import linalg
from jaxtransport.green.transmission import Transmission
from jaxtransport.reservoir import BAND_EDGE, broadening, level_shift
from jaxtransport.wire import Wire


def hamiltonian(wire: Wire) -> Inexact[Array, "site site"]:
    """H of a wire: eps_l on the diagonal, -t_l at (l, l+1) and -t_l* at (l+1, l).

    Sites beyond the length are cut off and moved out of the band, where w - H has an inverse.
    """
    site = jnp.arange(wire.sites)
    upper = jnp.diag(jnp.where(site[:-1] < wire.length - 1, -wire.hopping, 0.0), 1)
    return jnp.diag(jnp.where(site < wire.length, wire.onsite, 2 * BAND_EDGE)) + upper + jnp.conj(upper).T


def green(
    hamiltonian: Inexact[Array, "site site"],
    coupling: Float[Array, " site"],
    energy: Float[Array, ""],
) -> Complex[Array, "site site"]:
    """Retarded G = [w - H - Sigma]^-1 in 1/gamma_o; Sigma is diagonal, from `reservoir`."""
    return linalg.inverse(_inverse_green(hamiltonian, coupling, energy))


def _inverse_green(hamiltonian, coupling, energy):
    sigma = level_shift(coupling, energy) - 0.5j * broadening(coupling, energy)
    return jnp.diag(energy - sigma) - hamiltonian


class Dense(Transmission):
    """The O(N^3) kernel: matrices at one energy. Made by `Dense.at` or `Dense.of`."""

    broadening: Float[Array, " site"]
    interior: Bool[Array, " site"]
    strength: Float[Array, " site"]
    first: Array  # index of the left lead
    last: Array  # index of the right lead
    green: Complex[Array, "site site"]
    inverse: Complex[Array, "site site"]  # A = w - H - Sigma

    @classmethod
    def at(cls, wire: Wire, energy: Float[Array, ""]) -> Dense:
        """The matrices of `wire` at `energy`."""
        leads = (0, wire.length - 1)
        return cls.of(hamiltonian(wire), wire.coupling, energy, leads=leads, strength=wire.strength)

    @classmethod
    def of(cls, hamiltonian, coupling, energy, *, leads, strength) -> Dense:
        """The matrices of any Hermitian `hamiltonian` (site, site), reservoirs where `coupling` > 0.

        Args:
            hamiltonian: H in gamma_o, Hermitian; not checked.
            coupling: gamma_l, shape (site,); 0 for no reservoir.
            energy: w in gamma_o.
            leads: indices (from 0) of the two reservoirs whose potential is given.
            strength: injected current of the others in units of I_g, shape (site,).
        """
        first, last = (jnp.asarray(lead) for lead in leads)
        inverse = _inverse_green(hamiltonian, coupling, energy)
        index = jnp.arange(coupling.shape[0])
        interior = (coupling > 0) & (index != first) & (index != last)
        return cls(
            broadening=broadening(coupling, energy),
            interior=interior,
            strength=jnp.where(interior, strength, 0.0),
            first=first,
            last=last,
            green=linalg.inverse(inverse),
            inverse=inverse,
        )

    @property
    def finite(self):
        return jnp.all(jnp.isfinite(self.green))

    @property
    def matrix(self) -> Float[Array, "site site"]:
        """T_ll', into l from l', dimensionless; the diagonal included."""
        G2 = jnp.real(self.green * jnp.conj(self.green))
        return self.broadening[:, None] * G2 * self.broadening[None, :]

    @property
    def bond_matrix(self) -> Float[Array, "bond site"]:
        """F_ll' of the bond from l to l+1, dimensionless; its rows sum to 0."""
        G = self.green
        link = jnp.diagonal(self.inverse, -1)[:, None]
        return 2 * jnp.imag(link * G[:-1] * jnp.conj(G[1:])) * self.broadening[None, :]

    def _links(self):
        T = self.matrix
        return T - jnp.diag(jnp.diagonal(T))

    def product(self, x):
        return self._links() @ jnp.where(self.broadening > 0, x, 0.0)

    def exchange(self, x):
        return jnp.sum(self._links() * (x[:, None] - x[None, :]), axis=1)

    def spread(self, x):
        return jnp.sum(self._links() * (x[:, None] - x[None, :]) ** 2, axis=1)

    def bonds(self, x):
        F = self.bond_matrix
        J = jnp.sum(F * (x[:-1, None] - x[None, :]), axis=1)
        return jnp.pad(J, (0, 1))

    def potentials(self, injection, left, right):
        return self.settle(injection * self.strength, left, right)

    def settle(self, currents, left, right):
        return linalg.solve(self._system(), self._given(currents, left, right))

    def _system(self):
        T = self._links()
        total = jnp.where(self.interior, jnp.sum(T, axis=1), 1.0)
        return jnp.diag(total) - jnp.where(self.interior[:, None], T, 0.0)

    def _given(self, currents, left, right):
        given = jnp.where(self.interior, currents, 0.0)  # 0 on bare sites, whose row reads x = 0
        return given.at[self.first].set(left).at[self.last].set(right)

    def respond(self):
        drives = (self._given(0 * self.strength, 0.5, -0.5), self._given(self.strength, 0.0, 0.0))
        biased, driven = linalg.solve(self._system(), jnp.stack(drives, axis=1)).T  # one LU for both
        first = jnp.take(self._links(), self.first, axis=0)
        into = lambda x: jnp.sum(first * (jnp.take(x, self.first) - x))
        return into(biased), -into(driven)
