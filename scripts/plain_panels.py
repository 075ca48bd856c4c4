"""A yardstick in plain NumPy: Delta I of the exact law by a dense inverse and panels of Gauss nodes.

What a physicist writes in an hour. Right where levels are broad; nothing tells where they are not.
"""

import numpy as np

AT, WEIGHT = np.polynomial.legendre.leggauss(16)
PRIMITIVE = np.polynomial.legendre.legint(  # of the polynomials through the nodes, from -1 on; (17, node)
    (np.polynomial.legendre.legvander(AT, 15) * WEIGHT[:, None]).T * (np.arange(16)[:, None] + 0.5), lbnd=-1
)
TAIL = 34  # of thermal tails, in units of T
SMOOTH = 0.3  # gamma_o: length of a panel; 16 nodes carry levels of .1 and more


def transmissions(wire, energies):
    """T_ll' at every energy, (energy, site, site)."""
    onsite, hopping, coupling = (np.asarray(v) for v in (wire.onsite, wire.hopping, wire.coupling))
    root = np.sqrt(4 - energies**2)[:, None]
    sigma = coupling**2 * (energies[:, None] - 1j * root) / 2
    A = np.diag(-onsite) + np.diag(hopping, 1) + np.diag(hopping, -1)
    A = np.repeat(A[None].astype(complex), len(energies), 0)
    index = np.arange(len(onsite))
    A[:, index, index] += energies[:, None] - sigma
    Gamma = coupling**2 * root
    T = Gamma[:, :, None] * np.abs(np.linalg.inv(A)) ** 2 * Gamma[:, None, :]
    T[:, index, index] = 0.0
    return T


def occupations(middle, half, mu, T):
    """What a potential fills of every node, and the derivative; (energy, site)."""
    if T == 0:
        inside = (mu - middle[:, None]) / half[:, None]  # (panel, site)
        vander = np.polynomial.legendre.legvander(np.clip(inside, -1, 1), 16)
        filled = half[:, None, None] * np.einsum("psn,nj->pjs", vander, PRIMITIVE)
        value = np.einsum("psn,nj->pjs", vander[..., :16], np.polynomial.legendre.legder(PRIMITIVE))
        value *= ((inside > -1) & (inside <= 1))[:, None]
        return filled.reshape(-1, len(mu)), value.reshape(-1, len(mu))
    w = (middle[:, None] + half[:, None] * AT).reshape(-1, 1)
    weight = (half[:, None] * WEIGHT).reshape(-1, 1)
    f = 1 / (1 + np.exp(np.clip((w - mu) / T, -300, 300)))
    return weight * f, weight * f * (1 - f) / T


def nonreciprocity(wire, mu_bar, delta_mu, injection, temperature):
    """Delta I in I_o, and the number of energies."""
    coupling, T = np.asarray(wire.coupling), temperature
    reach = 0.6 * delta_mu + TAIL * T
    low, high = max(mu_bar - reach, -2), min(mu_bar + reach, 2)
    length = min(2 * np.pi * T, SMOOTH) if T else SMOOTH
    edges = np.linspace(low, high, int(np.ceil((high - low) / length)) + 1)
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    net = transmissions(wire, (middle[:, None] + half[:, None] * AT).ravel())
    site = np.arange(len(coupling))
    free = np.flatnonzero((coupling > 0) & (site > 0) & (site < site[-1]))
    asked = injection * delta_mu * np.asarray(wire.strength)
    size = {}
    for sign in (1, -1):
        mu = np.full(len(site), mu_bar, float)
        mu[[0, -1]] += np.array([1, -1]) * sign * delta_mu / 2
        for _ in range(20):
            filled, rate = occupations(middle, half, mu, T)
            current = np.einsum("klm,kl->l", net, filled) - np.einsum("klm,km->l", net, filled)
            J = np.diag(np.einsum("klm,kl->l", net, rate)) - np.einsum("klm,km->lm", net, rate)
            step = np.linalg.solve(J[np.ix_(free, free)], (asked - current)[free])
            mu[free] += step
            if np.max(np.abs(step)) < 1e-12:
                break
        size[sign] = abs(current[0]) / delta_mu
    return size[-1] - size[1], 16 * len(middle)
