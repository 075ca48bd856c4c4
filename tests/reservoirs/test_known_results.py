"""Published results of wires with wide bands and patterns, by the command line, five sets each: 1e-11."""

import numpy as np
import pytest
from support.checks import close

import jaxtransport as jt
from jaxtransport import closed_forms

pytestmark = pytest.mark.slow


@pytest.fixture
def conductance(jaxtransport, tmp_path):
    """The conductance that `jaxtransport run` stores for a wire, over an axis of N."""

    def run(wire, reservoirs, mu_bar, lengths):
        lines = [f'{part} = {{ kind = "{kind}" }}' for part, kind in reservoirs.items()]
        (tmp_path / "s.toml").write_text(
            f"[wire]\n{wire}\n[reservoirs]\n" + "\n".join(lines) + f"\n[drive]\nmu_bar = {mu_bar}\n"
            f'delta_mu = 1e-3\n[output]\nvariables = ["conductance"]\n[grid]\nN = {list(lengths)}\n'
        )
        code, _, said = jaxtransport("run", tmp_path / "s.toml", "-o", tmp_path / "s.h5", "--force")
        assert code == 0, said
        return jt.load(tmp_path / "s.h5").conductance.values

    return run


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
