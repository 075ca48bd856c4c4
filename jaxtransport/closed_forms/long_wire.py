"""The long wire: sources and drains on all middle sites, S on even ones (Sec. III B, App. B 4).

    mu_l - mu_bar = delta_mu/2 - phi + [l_c / 2 sigma + (-1)^l nabla] I_g / 2 - (2 phi / l_c)(l - 2)  (Eq. 19)
    phi = [delta_mu + I_g l_c / 2 sigma] / 2 [1 + (N - 3)/l_c],   nabla = coth^2(alpha_R) / 2 sigma   (Eq. 20)
    G_N = sigma / (l_c + N - 2),      delta J = (I_g / 2) (N - 2) / (l_c + N - 2)        (Eq. 21, corrected)

with l_c = 1 / alpha_R and sigma the conductivity of the paper. Eqs. 19-21 are asymptotic: they hold deep
in a wire of N >> l_c, and miss the end sites. Eq. 21 prints N - 3 for N - 2, which classical Eq. 8 has too
and which is ten times better for G_N.

Functions return conductances and `conductivity` in e^2/h: `conductivity` is 2 pi times the sigma above.
Potentials in gamma_o, I_g in e gamma_o / hbar, lengths in sites, delta_mu > 0 forward.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxtransport.closed_forms.arguments import Array, alternating, even_length, numbers


@numbers
def alpha(mu_bar: Any, gamma: Any) -> Any:
    """alpha = log(C + sqrt(C^2 - 1)) with Re alpha > 0, complex (below Eq. 20): cosh alpha = C.

    2 C = mu_bar - gamma^2 (mu_bar - i sqrt(4 - mu_bar^2)) / 2. Exact, and to all digits at any gamma.
    """
    m, g2 = mu_bar, gamma**2
    C = (m * (1 - g2 / 2) + 1j * g2 * np.sqrt((2 - m) * (2 + m)) / 2) / 2
    return np.arccosh(C)


@numbers
def broadening(mu_bar: Any, gamma: Any) -> Any:
    """Gamma = 2 pi gamma^2 rho = gamma^2 sqrt(4 - mu_bar^2) of a middle reservoir."""
    return gamma**2 * np.sqrt(4 - mu_bar**2)


@numbers
def scattering_length(mu_bar: Any, gamma: Any) -> Any:
    """l_c = 1 / alpha_R in sites. For gamma^2 << 4 - mu_bar^2

    l_c = (2 / gamma^2) [1 + mu_bar^2 gamma^2 / (2 (4 - mu_bar^2)) + O(gamma^4)].
    """
    return 1 / alpha(mu_bar, gamma).real


@numbers
def conductivity(mu_bar: Any, gamma: Any) -> Any:
    """2 pi sigma = sin^2 alpha_I coth alpha_R / |sinh alpha|^2 in e^2/h times sites; l_c [1 + O(gamma^4)]."""
    a = alpha(mu_bar, gamma)
    return np.sin(a.imag) ** 2 / (np.tanh(a.real) * np.abs(np.sinh(a)) ** 2)


@numbers
def alternation(mu_bar: Any, gamma: Any) -> Any:
    """nabla of Eq. 20 in hbar / e: mu_l alternates by +-nabla I_g / 2. pi l_c [1 + O(gamma^4)].

    Exact in the bulk: what the ends add to it decays as exp(-2 l / l_c).
    """
    coth = 1 / np.tanh(alpha(mu_bar, gamma).real)
    return np.pi * coth**2 / conductivity(mu_bar, gamma)


# Currents at the ends


@numbers
def conductance(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """G_N in e^2/h, Eq. 21 with N - 2 for N - 3.

    Asymptotic: the relative error is -c/N with c = 0.003 to 0.07 for gamma = 0.1 to 0.5, 0.2 for gamma = 0.9
    (|mu_bar| <= 1), never above 1.2 % for gamma <= 0.5. Near the band edge it is too large, by 1/N to 6/N.
    """
    return conductivity(mu_bar, gamma) / (scattering_length(mu_bar, gamma) + N - 2)


@numbers
def conductance_printed(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """G_N in e^2/h as Eq. 21 prints it.

    Relative error c/N with c = 0.8 to 1 for |mu_bar| <= 1, gamma <= 0.9; 10 % in short wires.
    """
    return conductivity(mu_bar, gamma) / (scattering_length(mu_bar, gamma) + N - 3)


@numbers
def injection_response(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """delta J / I_g, Eq. 21 with N - 2 for N - 3, as in the lattice.

    Asymptotic for N >> l_c with an error O(1/N): of 1/2 - delta J / I_g, which falls as 1/N, it misses up
    to 5 % at mu_bar = 1, gamma <= 0.5. At mu_bar = 0 it gives twice the exact value and more: there the
    alternation of sources has the wave number 2k. N - 3 has the same leading error. For N << l_c see
    `weak_coupling_slope`.
    """
    n = N - 2
    return n / (scattering_length(mu_bar, gamma) + n) / 2


@numbers
def injection_response_printed(N: Any, mu_bar: Any, gamma: Any) -> Any:
    """delta J / I_g as Eq. 21 prints it, with N - 3."""
    n = N - 3
    return n / (scattering_length(mu_bar, gamma) + n) / 2


@numbers
def J_D(N: Any, mu_bar: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """J_l from a drain to a source (l odd) and so I_1 = -I_N, Eq. B48 as printed, with N - 3.

    What Eq. 19 gives on a bond deep in the wire; against the exact I_1 the error is O(1/N).
    """
    sigma = conductivity(mu_bar, gamma) / (2 * np.pi)
    l_c = scattering_length(mu_bar, gamma)
    return -I_g / 2 + (sigma * delta_mu + I_g * l_c / 2) / (l_c + N - 3)


@numbers
def J_S(N: Any, mu_bar: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """J_l from a source to a drain (l even), Eq. B49 as printed; J_S - J_D = I_g is exact."""
    return J_D(N, mu_bar, gamma, delta_mu, I_g) + I_g


@numbers
def weak_coupling_slope(N: Any, mu_bar: Any) -> Any:
    """c_N of 2 delta J = c_N gamma^2 I_g + O(gamma^4): the regime N << l_c. Not in the paper.

    c_N = (N-2)/2 - sin((N-2)k) sin((N-1)k) / (2 sin^2 k cos k), k = arccos(mu_bar / 2); even N

    (N - 2 at mu_bar = 0). Written with s = pi/2 - k it has no singularity in the band.
    """
    N, s = even_length(N), np.arcsin(mu_bar / 2)
    sine = np.sin(2 * s)
    centre = sine == 0
    ratio = np.where(centre, (N - 2) / 2, np.sin((N - 2) * s) / np.where(centre, 1.0, sine))
    return (N - 2) / 2 + ratio * np.cos((N - 1) * s) / np.cos(s)


@numbers
def weak_coupling_slope_printed(N: Any) -> Any:
    """(N - 3) / 2, which the text below Eq. 21 has for c_N: right but for what oscillates with N.

    Off by a factor of 2 at mu_bar = 0 and in short wires: c_4 = 2 - mu_bar^2, as Eq. 18 says, not 1/2.
    """
    return (N - 3) / 2


@numbers
def crossover_length(mu_bar: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """N* = 2 + 2 sigma |delta_mu| / I_g: up to there Delta I = 2 delta J, beyond it Delta I = 2 G |delta_mu|.

    Where G_N delta_mu = delta J in Eq. 21 with N - 2; l_c drops out. Asymptotic, for N* >> l_c: within a
    site at mu_bar = 1, some four sites at mu_bar = 0. Not in the paper.
    """
    with np.errstate(divide="ignore"):  # infinite without injection
        ratio = np.abs(np.asarray(delta_mu, float) / np.asarray(I_g, float))
    return 2 + conductivity(mu_bar, gamma) / np.pi * ratio


# Along the wire


@numbers
def phi(N: Any, mu_bar: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """phi of Eqs. 20 and B38, in gamma_o; the mean slope of mu_l is -2 phi / l_c a site.

    Asymptotic: the relative error is O(1/N) for the bias alone. With I_g a part of it stays however long the
    wire is, since I_g l_c / (2 sigma) takes l_c for the length that Eq. 21's delta J has in truth: 1 % at
    mu_bar = 1, gamma = 0.5, I_g = 0.3 I_o, but 7 % at the band centre.
    """
    l_c = scattering_length(mu_bar, gamma)
    own = I_g * l_c * np.pi / conductivity(mu_bar, gamma)
    return (delta_mu + own) / (2 * (1 + (N - 3) / l_c))


@numbers
def profile(N: int, mu_bar: float, gamma: float, delta_mu: float, I_g: float) -> Array:
    """mu_l - mu_bar on sites l = 2 ... N - 1, Eqs. 19 and B37.

    Asymptotic. Its alternation is exact in the bulk; its slope is that of `phi`. What it misses at the ends,
    a few per cent of delta_mu, does not vanish in long wires.
    """
    even_length(N)
    l, l_c = np.arange(2, N), scattering_length(mu_bar, gamma)
    drop = phi(N, mu_bar, gamma, delta_mu, I_g)
    level = np.pi * l_c / conductivity(mu_bar, gamma) + alternating(l) * alternation(mu_bar, gamma)
    return delta_mu / 2 - drop + level * I_g / 2 - 2 * drop / l_c * (l - 2)


@numbers
def density(l: Any, mu_bar: Any, gamma: Any, I_g: Any) -> Any:
    """delta n_l = -I_l / Gamma on middle sites l, Eq. B51; exact on every one, not only in the bulk.

    With gamma^2 rho inside the sum of Eq. B50: delta n_l = (1/2 pi) sum_l' |G_ll'|^2 Gamma_l' (mu_l' - mu_l).
    """
    return -alternating(l) * I_g / broadening(mu_bar, gamma)


@numbers
def heat(N: Any, mu_bar: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """h_l = sigma (2 phi / l_c)^2 + nabla I_g^2 / 2 in gamma_o^2 / hbar, second form of Eq. B52.

    Asymptotic, in the bulk of N >> l_c: the slope of `phi` brings its error. Next to the ends it is 30 %
    high.
    """
    slope = 2 * phi(N, mu_bar, gamma, delta_mu, I_g) / scattering_length(mu_bar, gamma)
    sigma = conductivity(mu_bar, gamma) / (2 * np.pi)
    return sigma * slope**2 + alternation(mu_bar, gamma) * np.asarray(I_g) ** 2 / 2


@numbers
def heat_weak(N: Any, mu_bar: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """h_l at small gamma, Eq. B54, with the exact sigma and l_c; its distance from `heat` is O(gamma^4)."""
    l_c = scattering_length(mu_bar, gamma)
    sigma = conductivity(mu_bar, gamma) / (2 * np.pi)
    drop = phi(N, mu_bar, gamma, delta_mu, I_g)
    return ((2 * drop * sigma / l_c) ** 2 + (l_c * np.asarray(I_g) / 2) ** 2) / sigma


@numbers
def heat_weakest(N: Any, gamma: Any, delta_mu: Any, I_g: Any) -> Any:
    """Eq. B54 with l_c = 2 / gamma^2 and sigma = l_c / 2 pi everywhere; error O(gamma^2) of `heat`."""
    l_c = 2 / gamma**2
    sigma = l_c / (2 * np.pi)
    drop = (delta_mu + np.pi * I_g) / (2 * (1 + (N - 3) / l_c))
    return ((2 * drop * sigma / l_c) ** 2 + (l_c * np.asarray(I_g) / 2) ** 2) / sigma


# Bulk transmissions, N -> infinity at fixed distance; distances are l - l'


@numbers
def transmission(distance: Any, mu_bar: Any, gamma: Any) -> Any:
    """T_ll' of two middle reservoirs, Eq. B40; in the bulk exact up to exp(-2 l / l_c) of the nearer end."""
    a = alpha(mu_bar, gamma)
    size = (broadening(mu_bar, gamma) / (2 * np.abs(np.sinh(a)))) ** 2
    return size * np.exp(-2 * a.real * np.abs(distance))


@numbers
def green(distance: Any, mu_bar: Any, gamma: Any) -> Any:
    """G_ll' of two middle sites, complex, above Eq. B51: (-1)^(l-l') exp(-|l-l'| alpha) / 2 sinh alpha."""
    a = alpha(mu_bar, gamma)
    return alternating(distance) * np.exp(-np.abs(distance) * a) / (2 * np.sinh(a))


@numbers
def bond_transmission(distance: Any, mu_bar: Any, gamma: Any) -> Any:
    """F_ll' of the bond l, l + 1 and a middle reservoir, distance = l - l', Eq. B45.

    Negative for l' <= l, positive for l' > l. Exact in the bulk as `transmission` is.
    """
    a = alpha(mu_bar, gamma)
    far, near = np.abs(np.asarray(distance) + 1), np.abs(distance)
    size = broadening(mu_bar, gamma) / (2 * np.abs(np.sinh(a)) ** 2)
    return -size * np.exp(-(far + near) * a.real) * np.sin((far - near) * a.imag)


@numbers
def sum_of_decay_times_distance() -> float:
    """sum_l' exp(-2 alpha_R |l - l'|)(l - l') = 0 by symmetry, Eq. B41."""
    return 0.0


@numbers
def sum_of_decay(mu_bar: Any, gamma: Any) -> Any:
    """sum_l' exp(-2 alpha_R |l - l'|) = 1 / sinh(2 alpha_R) over the l' of the other parity, Eq. B42.

    For odd l the sum runs over sources, as printed; for even l over drains.
    """
    return 1 / np.sinh(2 * alpha(mu_bar, gamma).real)


@numbers
def sum_of_decay_times_square(mu_bar: Any, gamma: Any) -> Any:
    """sum_l' exp(-2 alpha_R |l - l'|)(l - l')^2 = cosh alpha_R / 2 sinh^3 alpha_R, Eq. B53."""
    a = alpha(mu_bar, gamma).real
    return np.cosh(a) / (2 * np.sinh(a) ** 3)


@numbers
def source_current(mu_bar: Any, gamma: Any) -> Any:
    """I_l / I_g on sources, made of T and the alternation of Eq. 19 in the bulk: 1, Eq. B43."""
    T_0 = transmission(0, mu_bar, gamma)
    return T_0 * sum_of_decay(mu_bar, gamma) * alternation(mu_bar, gamma) / (2 * np.pi)


@numbers
def sum_of_bond_times_distance(mu_bar: Any, gamma: Any) -> Any:
    """sum_l' F_ll' (l - l') = -2 pi sigma, Eq. B46."""
    a = alpha(mu_bar, gamma)
    size = broadening(mu_bar, gamma) / (2 * np.abs(np.sinh(a)) ** 2)
    return -size * np.cosh(a.real) * np.sin(a.imag) / (2 * np.sinh(a.real) ** 2)


@numbers
def sum_of_bond(mu_bar: Any, gamma: Any) -> Any:
    """sum_l' F_ll' over even l' for odd l, Eq. B47."""
    a = alpha(mu_bar, gamma)
    size = broadening(mu_bar, gamma) / (2 * np.abs(np.sinh(a)) ** 2)
    return size * np.sin(a.imag) / (2 * np.cosh(a.real))
