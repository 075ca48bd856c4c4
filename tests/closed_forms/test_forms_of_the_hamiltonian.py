"""The definitions of App. B: wire and baths evolve as one closed system, until currents stand still.

No Green function enters on that side: 4 + 4 * 240 sites, the Hamiltonian of Eqs. 10-12, every bath at its
own chemical potential until the couplings are switched on (Eqs. B1-B13 integrate out just that). The
other side is G, T and F of a wire between infinite baths (Eqs. 13-16, B14-B22), integrated over energy.
"""

import numpy as np
import pytest
from support import reference
from support.asymptotics import is_of_order
from support.checks import close

MU = np.array([1.2, 1.35, 0.75, 0.8])  # any potentials; nothing is balanced here
GAMMA = np.array([1.0, 0.5, 0.5, 1.0])
TEMPERATURE, BATH = 0.06, 240
N = 4
STRENGTH = np.array([0.0, 1.0, -1.0, 0.0])


def fermi(w, mu):
    return 0.5 * (1 - np.tanh((w - mu) / (2 * TEMPERATURE)))


@pytest.fixture(scope="module")
def evolved():
    """(I_l, J_l, h_l), averaged over times between the first transient and the echo from the far ends.

    The echo comes back after BATH / 2 * 2 = BATH at the largest speed, 2. Bound states outside the band do
    not decay, and electrons at its bottom come late: currents differ by some 1e-3 of the largest, heat, which
    weighs energies, by 2 % (3 % at half the times).
    """
    size = N + N * BATH
    first = [N + l * BATH for l in range(N)]
    H = np.zeros((size, size))
    for l in range(N - 1):
        H[l, l + 1] = -1.0
    start = np.zeros((size, size))
    m = np.arange(1, BATH + 1)
    k = np.pi * m / (BATH + 1)
    modes = np.sqrt(2 / (BATH + 1)) * np.sin(np.outer(m, k))
    for l in range(N):
        H[l, first[l]] = -GAMMA[l]
        block = slice(first[l], first[l] + BATH)
        H[block, block] = -np.eye(BATH, k=1)
        start[block, block] = (modes * fermi(-2 * np.cos(k), MU[l])) @ modes.T
    H = H + H.T
    energies, states = np.linalg.eigh(H)
    rows = states[[*range(N), *first]]
    rotated = states.T @ start @ states
    shown = []
    for time in np.linspace(70, 110, 41):
        amplitude = rows * np.exp(-1j * energies * time)
        C = amplitude.conj() @ rotated @ amplitude.T  # <c+_i c_j> of wire sites and first bath sites
        I = [2 * GAMMA[l] * np.imag(C[N + l, l]) for l in range(N)]  # B18
        J = [1j * (C[l + 1, l] - C[l, l + 1]) for l in range(N - 1)]  # B17
        neighbours = lambda l: [k for k in (l - 1, l + 1) if 0 <= k < N]
        u = [-2 * GAMMA[l] * sum(np.imag(C[k, N + l]) for k in neighbours(l)) for l in range(N)]
        shown.append([*I, *np.real(J), *(u + MU * I), *np.real(np.diag(C)[:N])])
    return np.mean(shown, axis=0)


@pytest.fixture(scope="module")
def integrated():
    """The same from G, T and F. w = -2 cos k takes the edges of the band out of the integrand."""
    chain = reference.Chain(np.zeros(N), np.ones(N - 1), GAMMA, STRENGTH)
    H = reference.hamiltonian(chain)
    steps = 300
    k = (np.arange(steps) + 0.5) * np.pi / steps
    total = np.zeros(3 * N - 1)
    for w in -2 * np.cos(k):
        Gamma = -2 * reference.self_energy(GAMMA, w).imag
        G = reference.green(H, GAMMA, w)
        T, f = reference.transmissions(G, Gamma), fermi(w, MU)
        I = (T * (f[:, None] - f[None, :])).sum(axis=1)  # B22
        bonds = [reference.link_transmissions(H, G, Gamma, l, l + 1) for l in range(N - 1)]
        J = [bonds[l] @ (f[l] - f) for l in range(N - 1)]  # B19
        h = -(w - MU) * I
        measure = np.sqrt(4 - w**2) * np.pi / steps / (2 * np.pi)
        total += measure * np.array([*I, *J, *h])
    return total


PARTS = {"currents": (slice(0, 4), 5e-3), "bond currents": (slice(4, 7), 5e-3), "heat": (slice(7, 11), 0.03)}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_evolution_of_wire_and_baths(part, evolved, integrated):
    """I_l, J_l and h_l = u_l + mu_l I_l, relative to the largest: see `evolved` for what remains."""
    of, tolerance = PARTS[part]
    close(evolved[of], integrated[of], tolerance, what=part)


@pytest.mark.parametrize("w", [-1.7, 0.0, 0.9])
def test_self_energy_of_a_bath_by_its_modes(w):
    """B4, B9, B14: gamma^2 times the sum over modes of |psi_k(1)|^2 / (w - w_k + i eta), eta -> 0.

    The integral is the exact one at w + i eta, so that what is left is of order eta.
    """
    gamma, eta = 0.7, 1e-3
    k = (np.arange(200_000) + 0.5) * np.pi / 200_000
    by_modes = gamma**2 * np.mean(2 * np.sin(k) ** 2 / (w + 1j * eta + 2 * np.cos(k)))
    close(by_modes, reference.self_energy(np.array([gamma]), w)[0], 2e-3, 1.0)
    local_density = np.sqrt(4 - w**2) / (2 * np.pi)  # rho of Eq. 16
    close(-2 * by_modes.imag, 2 * np.pi * gamma**2 * local_density, 4e-3, 1.0, "Gamma = 2 pi gamma^2 rho")


def test_integral_of_the_sommerfeld_series():
    """B25: the integral of z^m d^n/dz^n of the Fermi function is (-1)^n (n - 1)! at m = n - 1, 0 below."""
    z = np.linspace(-60, 60, 24001)
    f = 0.5 * (1 - np.tanh(z / 2))
    slope = -f * (1 - f)
    # d/dz of a polynomial in f is its derivative times f' = f^2 - f.
    fermi, step = np.polynomial.Polynomial([0, 1]), np.polynomial.Polynomial([0, -1, 1])
    polynomial, factorial = fermi, 1.0
    for n in range(1, 5):
        polynomial = polynomial.deriv() * step
        factorial *= max(n - 1, 1)
        for m in range(n):
            value = np.sum(z**m * polynomial(f)) * (z[1] - z[0])
            expected = (-1) ** n * factorial if m == n - 1 else 0.0
            close(value, expected, 1e-10, 10.0, f"m = {m}, n = {n}")
    close(np.sum(slope) * (z[1] - z[0]), -1.0, 1e-12)


def test_real_parts_of_both_green_functions_agree():
    """B20 and B21 for a wire with baths on all sites, to 1e-14."""
    chain = reference.Chain(np.zeros(N), np.ones(N - 1), GAMMA, STRENGTH)
    G = reference.green(reference.hamiltonian(chain), GAMMA, 0.4)
    Gamma = -2 * reference.self_energy(GAMMA, 0.4).imag
    close(1j * (G * Gamma) @ G.conj().T, G.conj().T - G, 1e-14, what="B20")
    close(G, G.T, 1e-14, what="symmetric, so that G^- is G^+ conjugate: B21")


def transmissions_at(w):
    """T and F of the three bonds at one energy."""
    chain = reference.Chain(np.zeros(N), np.ones(N - 1), GAMMA, STRENGTH)
    H, Gamma = reference.hamiltonian(chain), -2 * reference.self_energy(GAMMA, w).imag
    G = reference.green(H, GAMMA, w)
    T = reference.transmissions(G, Gamma)
    F = [reference.link_transmissions(H, G, Gamma, l, l + 1) for l in range(N - 1)]
    return np.concatenate([T, F])


def integrated_over_energy(mu, temperature=0.0):
    """Currents of sites and bonds: T and F times differences of Fermi functions, exactly (B19, B22)."""
    of = np.arange(2 * N - 1) % N  # a bond is counted with the site to its left

    def between(low, high):
        nodes, weights = np.polynomial.legendre.leggauss(20)
        w = (low + high) / 2 + (high - low) / 2 * nodes
        values = np.array([transmissions_at(one) for one in w])
        return np.tensordot(weights * (high - low) / 2, values, 1)

    if temperature == 0:
        steps = {(l, k): between(mu[k], mu[l]) for l in range(N) for k in range(N) if mu[l] != mu[k]}
        total = [
            sum(steps[of[i], k][i, k] for k in range(N) if (of[i], k) in steps) for i in range(2 * N - 1)
        ]
        return np.array(total)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    reach = 30 * temperature
    low, high = min(mu) - reach, max(mu) + reach
    total = np.zeros(2 * N - 1)
    for w, weight in zip(
        (low + high) / 2 + (high - low) / 2 * nodes, weights * (high - low) / 2, strict=True
    ):
        f = 0.5 * (1 - np.tanh((w - mu) / (2 * temperature)))
        total += weight * (transmissions_at(w) * (f[of][:, None] - f[None, :])).sum(axis=1)
    return total


def series(mu_bar, x, n):
    """sum_n sum_l' T^(n-1) (x_l^n - x_l'^n) / n! (B26, B27), derivatives by seven points .01 apart."""
    h, of = 0.01, np.arange(2 * N - 1) % N
    values = np.array([transmissions_at(mu_bar + j * h) for j in range(-3, 4)])
    stencils = (
        np.array([0, 0, 0, 1, 0, 0, 0]),
        np.array([-1, 9, -45, 0, 45, -9, 1]) / (60 * h),
        np.array([2, -27, 270, -490, 270, -27, 2]) / (180 * h**2),
    )
    total = np.zeros(2 * N - 1)
    for order, (stencil, factorial) in enumerate(zip(stencils[:n], (1, 2, 6), strict=False), 1):
        T = np.tensordot(stencil, values, 1)
        total += (T * (x[of][:, None] ** order - x[None, :] ** order)).sum(axis=1) / factorial
    return total


@pytest.mark.parametrize("n", [1, 2, 3])
def test_series_of_the_current(n):
    """B26 and B27 cut after order n are off by order n + 1 in the potentials.

    Across half the band each n misses more than 1 %, and higher ones do not help.
    """
    shape, sizes = np.array([1.0, 0.7, -0.4, -0.9]), np.array([0.1, 0.05, 0.025])
    errors = []
    for size in sizes:
        x = size * shape
        errors.append(np.max(np.abs(integrated_over_energy(0.9 + x) - series(0.9, x, n))))
    is_of_order(sizes, errors, n + 1, 0.15, f"n = {n}")
    exact = integrated_over_energy(0.9 + shape)
    assert np.max(np.abs(exact - series(0.9, shape, n))) > 0.01 * np.max(np.abs(exact))


def test_temperature_enters_at_order_two():
    """B23, B24: terms with m > n - 1 are of order (k_B T)^2, the Sommerfeld expansion's."""
    mu, temperatures = np.array([1.0, 0.97, 0.86, 0.81]), np.array([0.02, 0.01, 0.005])
    cold = integrated_over_energy(mu)
    errors = [np.max(np.abs(integrated_over_energy(mu, T) - cold)) for T in temperatures]
    is_of_order(temperatures, errors, 2, 0.1)
    assert errors[-1] < 1e-2 * np.max(np.abs(cold))
