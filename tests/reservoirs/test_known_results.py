"""Published results of wires: wide bands, patterns, rules, by the command line, five sets each: 1e-11."""

import numpy as np
import pytest
from support.checks import close

import jaxtransport as jt
from jaxtransport import closed_forms

pytestmark = pytest.mark.slow


@pytest.fixture
def stored(jaxtransport, tmp_path):
    """What `jaxtransport run` stores for a wire, over an axis of N."""

    def run(wire, reservoirs, mu_bar, lengths, solve="", variables=("conductance",)):
        lines = [f'{part} = {{ kind = "{kind}" }}' for part, kind in reservoirs.items()]
        (tmp_path / "s.toml").write_text(
            f"[wire]\n{wire}\n[reservoirs]\n" + "\n".join(lines) + f"\n[drive]\nmu_bar = {mu_bar}\n"
            f"delta_mu = 1e-3\n[solve]\n{solve}\n[output]\nvariables = {list(variables)}\n"
            f"[grid]\nN = {list(lengths)}\n"
        )
        code, _, said = jaxtransport("run", tmp_path / "s.toml", "-o", tmp_path / "s.h5", "--force")
        assert code == 0, said
        return jt.load(tmp_path / "s.h5")

    return run


@pytest.fixture
def conductance(stored):
    """The conductance alone."""
    return lambda *arguments: stored(*arguments).conductance.values


WIDE = {"leads": "wide", "middle": "wide"}


@pytest.mark.parametrize(
    ("E", "Gamma"), [(0.0, 0.5), (0.0, 2.0), (0.7, 0.8), (-1.2, 1.1), (1.9, 0.6), (2.2, 0.8)]
)
def test_resistance_of_probes_everywhere_grows_by_the_same_with_each_site(E, Gamma, conductance):
    """D'Amato and Pastawski: dR/dN = 4 |sin q|^2 (1 - x)^3 / (Gamma^2 x (1 + x)), x = exp(-2 |Im q|)."""
    q = np.arccos((E + 0.5j * Gamma) / 2)
    x = np.exp(-2 * abs(q.imag))
    expected = 4 * abs(np.sin(q)) ** 2 * (1 - x) ** 3 / (Gamma**2 * x * (1 + x))
    wire = f'layout = "probes"\ngamma = {float(np.sqrt(Gamma / 2))}'
    R = 1 / conductance(wire, WIDE, E, (400, 500))
    close((R[1] - R[0]) / 100, expected, 1e-11, expected)
    close(closed_forms.dephasing.resistance_per_site(E, Gamma), expected, 1e-14, expected)
    if E == 0:
        close(expected, Gamma * np.sqrt(16 + Gamma**2) / 16, 1e-14, expected)


def chebyshev(n, x):
    """U_n(x), by its recurrence; U_-1 = 0."""
    before, here = 0.0, 1.0
    for _ in range(n):
        before, here = here, 2 * x * here - before
    return here if n >= 0 else 0.0


@pytest.mark.parametrize(
    ("E", "level", "v", "left", "right"),
    [
        (0.3, 0.0, 1.0, 0.5, 0.5),
        (0.0, 1.5, 0.6, 1.0, 0.2),
        (-3.0, 0.2, 1.3, 2.0, 2.0),
        (2.5, 0.0, 1.0, 0.3, 0.9),
        (0.4, -0.8, 0.5, 0.05, 0.7),
    ],
)
def test_a_molecule_between_wide_bands(E, level, v, left, right, conductance):
    """T = G_L G_R / v^2 |U_N + i (G_L + G_R) / 2v U_N-1 - G_L G_R / 4v^2 U_N-2|^-2, for every N from 2 on."""
    lengths = (2, 3, 4, 5, 8, 13)
    contacts = [np.sqrt(left / 2), np.sqrt(right / 2)]
    wire = f'layout = "custom"\ncontact = {[float(c) for c in contacts]}\nhopping = {v}\nonsite = {level}'
    found = conductance(wire, WIDE, E, lengths)
    for N, G in zip(lengths, found, strict=True):
        U = [chebyshev(n, (E - level) / (2 * v)) for n in (N, N - 1, N - 2)]
        amplitude = U[0] + 0.5j * (left + right) / v * U[1] - left * right / (4 * v**2) * U[2]
        close(G, left * right / v**2 / abs(amplitude) ** 2, 1e-11, G, f"N = {N}")


@pytest.mark.parametrize(("E", "level"), [(0.0, 1.0), (0.3, -0.5), (-1.4, 2.0), (1.9, 0.1), (0.8, 30.0)])
def test_one_impurity_in_a_perfect_chain(E, level, conductance):
    """T = (4 - E^2) / (4 - E^2 + eps^2), wherever it sits, at any length."""
    for site in (1, 2, 7):
        at = "" if site == 1 else f"{site}, "
        values = [level, 0.0] if site == 1 else [0.0, level, 0.0]
        pattern = f'onsite = {{ pattern = "step", values = {values}, at = [{at}{site + 1}] }}'
        lengths = [N for N in (2, 3, 8, 50) if site <= N]
        found = conductance(f'layout = "custom"\n{pattern}', {}, E, lengths)
        close(found, np.full(len(lengths), (4 - E**2) / (4 - E**2 + level**2)), 1e-11, 1.0)


def test_band_edge_with_weak_probes(conductance):
    """N^-2 without probes; with weak ones first more conductance the longer the wire, 1 / N at last."""
    lengths = (50, 200, 10_000, 20_000)
    slope = lambda G, i, j: np.log(G[j] / G[i]) / np.log(lengths[j] / lengths[i])
    coherent = conductance('layout = "custom"', WIDE, 2.0, lengths)
    weak, stronger = (conductance(f'layout = "probes"\ngamma = {g}', WIDE, 2.0, lengths) for g in (0.02, 0.1))
    assert slope(coherent, 0, 1) == pytest.approx(-2.0, abs=0.05)
    assert slope(weak, 0, 1) > 0.5
    assert slope(stronger, 2, 3) == pytest.approx(-1.0, abs=0.02)


@pytest.mark.parametrize(
    ("width", "left", "right", "n_left", "n_right"),
    [
        (0.1, 1.0, 1.0, 1.0, 0.0),
        (1.0, 0.5, 2.0, 0.2, 0.9),
        (4.0, 3.0, 0.3, 0.7, 0.1),
        (0.5, 0.2, 0.4, 0.0, 1.0),
        (2.0, 5.0, 1.0, 0.6, 0.5),
    ],
)
def test_white_noise_between_leads_of_given_occupations(width, left, right, n_left, n_right, stored):
    """Znidaric: dn / J = 1/Gamma_L + 1/Gamma_R + [(N - 2) gamma + (Gamma_L + Gamma_R) / 2] / 2, N >= 2."""
    wire = (
        f'layout = "probes"\nwidth = {width}\ncontact_width = [{left}, {right}]\n'
        f"occupations = {{ left = {n_left}, right = {n_right} }}"
    )
    variables = ("current_forward", "current_reverse", "occupation_forward")
    lengths = np.array([2, 3, 5, 8])
    found = stored(wire, WIDE, 0.3, lengths.tolist(), 'law = "exact"\nprobe = "white"', variables)
    J = (n_left - n_right) / (1 / left + 1 / right + ((lengths - 2) * width + (left + right) / 2) / 2)
    for current in (found.current_forward, found.current_reverse):
        close(current.values * 1e-3 / (2 * np.pi), J, 1e-11)
    site = np.arange(2, 8)
    n = n_left - J[-1] * (1 / left + (left + (2 * site - 3) * width) / 4)
    close(found.occupation_forward.sel(N=8, site=site).values, n, 1e-11, 1.0)


@pytest.mark.parametrize(
    ("t1", "t2", "width", "contact"),
    [
        (1.0, 0.6, 0.5, 1.0),
        (0.6, 1.0, 0.5, 0.7),
        (1.0, 1.0, 1.0, 2.0),
        (0.8, 1.2, 3.0, 0.2),
        (1.1, 0.7, 0.4, 4.0),
    ],
)
def test_an_ssh_chain_with_gain_and_loss(t1, t2, width, contact, conductance):
    """G = 1/2 T_Lp of a long chain: Gamma h / (1 + Gamma h / 2)^2, from a continued fraction."""
    N = 200
    wire = (
        f'layout = "custom"\nwidth = {width}\ncontact_width = {contact}\n'
        f'hopping = {{ pattern = "alternating", values = [{t1}, {t2}] }}\n'
        f"gains = {list(range(2, N, 3))}\nlosses = {[l for l in range(2, N) if l % 3 != 2]}"
    )
    h = 0.0
    for t in (t1, t2) * 200:  # from far away towards the lead: the last bond is t2, before t1
        h = 1 / (width / 2 + t**2 * h)
    h = 1 / (t1**2 * h)
    (G,) = conductance(wire, WIDE, 0.0, (N,))
    close(G, contact * h / (1 + contact * h / 2) ** 2, 1e-11)
