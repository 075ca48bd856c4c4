"""Leads of one kind, other reservoirs of another: every kernel against a plain inverse; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support import engine, reference
from support.checks import close

import jaxtransport as jt
from jaxtransport import kinds
from jaxtransport.models import parse
from jaxtransport.reservoirs import CHAIN, Apart, SemiInfiniteChain, WideBand, reservoir_of

MIXED = [
    {"leads": "wide"},
    {"middle": {"kind": "wide"}},
    {"leads": {"kind": "chain", "hopping": 1.5, "onsite": 0.2}, "middle": "wide"},
    {"leads": "wide", "middle": {"kind": "chain", "hopping": 0.7, "onsite": -0.4}},
]
LEVELS = [0.0, 0.2, -0.1, 0.3, 0.0, -0.2, 0.1]


def sigma(table, w):
    """Sigma / gamma^2 by Eq. B14 in complex arithmetic: the branch with Im < 0, or the one that decays."""
    table = kinds.kind_of("", table)
    if table["kind"] == "wide":
        return -1j
    t, x = table["hopping"], w - table["onsite"] + 0j
    roots = [(x + sign * np.sqrt(x * x - 4 * t * t)) / (2 * t * t) for sign in (1, -1)]
    if abs(x) < 2 * t:
        return min(roots, key=lambda s: s.imag)
    return min(roots, key=abs)


def transmissions(wire, reservoirs, w):
    chain = reference.chain_of(wire)
    of = [sigma(reservoirs.get(part, "chain"), w) for part in ("leads", "middle")]
    lead = np.isin(np.arange(chain.N), (0, chain.N - 1))
    S = chain.coupling**2 * np.where(lead, *of)
    G = np.linalg.inv(w * np.eye(chain.N) - reference.hamiltonian(chain) - np.diag(S))
    return reference.transmissions(G, -2 * S.imag), chain


def wire_of(reservoirs, **more):
    roles = {"sources": [3], "drains": [6], "probes": [5]} | more
    return jt.Wire.custom(7, gamma=0.5, contact=0.8, onsite=LEVELS, reservoirs=reservoirs, **roles)


@pytest.mark.parametrize("kernel", engine.KERNELS)
@pytest.mark.parametrize("reservoirs", MIXED, ids=str)
@pytest.mark.parametrize("mu_bar", [0.3, -0.9])
def test_every_kernel_against_a_plain_inverse(kernel, reservoirs, mu_bar):
    wire = wire_of(reservoirs)
    T, chain = transmissions(wire, reservoirs, mu_bar)
    bias, injection = 0.1, 0.4
    unit = injection * bias / (2 * np.pi)
    asked = {l: unit * chain.strength[l] for l in range(1, 6) if chain.coupling[l] > 0}
    x = reference.balance(T, {0: bias / 2, 6: -bias / 2}, asked)
    held = chain.coupling > 0
    state = jt.solve(wire, mu_bar=mu_bar, delta_mu=bias, injection=injection, kernel=kernel)
    assert int(state.status) == 0
    close(np.asarray(state.potentials)[held], mu_bar + x[held], 1e-13, 1.0)
    close(state.currents, reference.currents_into(T, x) * 2 * np.pi / bias, 1e-12, 1.0)


@pytest.mark.parametrize("kernel", engine.KERNELS)
@pytest.mark.parametrize("mu_bar", [1.3, 2.6])
def test_beyond_its_band_a_reservoir_shifts_its_site_and_is_silent(kernel, mu_bar):
    reservoirs = {"leads": "wide", "middle": {"kind": "chain", "hopping": 0.6}}
    wire = wire_of(reservoirs, sources=[], drains=[], probes=[3, 5])
    T, _ = transmissions(wire, reservoirs, mu_bar)
    state = jt.solve(wire, mu_bar=mu_bar, delta_mu=0.1, kernel=kernel)
    assert int(state.status) == 0
    close(state.conductance, T[0, 6], 1e-13, 1.0)
    assert np.all(np.isnan(np.asarray(state.potentials)[[2, 4]]))
    np.testing.assert_array_equal(np.asarray(state.currents)[[2, 4]], 0.0)
    shifted = jt.Wire.custom(7, contact=0.8, onsite=LEVELS, reservoirs="wide")
    without = float(jt.solve(shifted, mu_bar=mu_bar, delta_mu=0.1).conductance)
    assert abs(without / T[0, 6] - 1) > 0.1


def test_a_source_that_would_be_silent():
    reservoirs = {"leads": "wide", "middle": {"kind": "chain", "hopping": 0.6}}
    wire = wire_of(reservoirs)
    with pytest.raises(jt.InputError, match=r"mu_bar = 1.3: sources and drains .*from -1.2 to 1.2"):
        jt.solve(wire, mu_bar=1.3, delta_mu=0.1, injection=0.2)
    status = jax.jit(lambda m: jt.solve(wire, mu_bar=m, delta_mu=0.1, injection=0.2).status)
    assert [int(status(m)) for m in (0.3, 1.3)] == [0, 5]
    text = '[wire]\nlayout = "pair"\nN = 6\ngamma = 0.4\n[drive]\ndelta_mu = 0.1\ninjection = 0.2\n'
    text += '[reservoirs]\nleads = { kind = "wide" }\nmiddle = { kind = "chain", hopping = 0.6 }\n'
    with pytest.raises(jt.InputError, match=r"grid.mu_bar: sources and drains carry no current at 1.3"):
        parse(text + "[grid]\nmu_bar = [0.3, 1.3]\n")


@pytest.mark.slow
@pytest.mark.parametrize("reservoirs", MIXED, ids=str)
def test_derivatives_and_the_series(reservoirs):
    """Central differences: 1e-5 squared and rounding over it. Order 1 is linear response."""
    wire = wire_of(reservoirs)
    call = lambda m: jt.nonreciprocity(wire, mu_bar=m, delta_mu=0.1, injection=0.4)
    slope = (call(0.3 + 1e-5) - call(0.3 - 1e-5)) / 2e-5
    close(jax.grad(call)(0.3), slope, 1e-7, 1.0)
    first = jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=0.4, law=jt.Series(1))
    close(first, call(0.3), 1e-12, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("reservoirs", MIXED, ids=str)
def test_a_sweep_has_the_numbers_of_solve(reservoirs, tmp_path):
    table = lambda value: ", ".join(
        f'{k} = "{v}"' if isinstance(v, str) else f"{k} = {v}" for k, v in value.items()
    )
    lines = [f"{part} = {{ {table(kinds.kind_of('', value))} }}" for part, value in reservoirs.items()]
    text = '[wire]\nlayout = "pair"\ngamma = 0.4\n[drive]\nmu_bar = 0.3\ndelta_mu = 0.1\ninjection = 0.2\n'
    (tmp_path / "s.toml").write_text(text + "[reservoirs]\n" + "\n".join(lines) + "\n[grid]\nN = [5, 8]\n")
    data = jt.run(tmp_path / "s.toml", tmp_path / "s.h5")
    for N in (5, 8):
        wire = jt.Wire.pair(N, gamma=0.4, reservoirs=reservoirs)
        expected = jt.nonreciprocity(wire, mu_bar=0.3, delta_mu=0.1, injection=0.2)
        close(data.nonreciprocity.sel(N=N), expected, 1e-12, 1.0)


def test_what_users_may_give():
    assert reservoir_of(None) == reservoir_of("chain") == CHAIN
    assert reservoir_of({"leads": "wide", "middle": {"kind": "wide"}}) == WideBand()
    assert reservoir_of({"kind": "chain", "hopping": 2, "onsite": 1.0}) == SemiInfiniteChain(2.0, 1.0)
    mixed = reservoir_of({"leads": "wide"})
    assert isinstance(mixed, Apart)
    assert mixed.middle == CHAIN
    assert jt.Wire.pair(5, gamma=0.4, reservoirs=mixed).reservoir == mixed


WRONG = [
    ("wid", r"reservoirs.kind = 'wid': .*'wide'"),
    (3, r"reservoirs = 3"),
    ({"lead": "wide"}, r"reservoirs.lead: unknown; did you mean 'leads'"),
    ({"leads": {"kind": "wide", "hopping": 1.0}}, r"reservoirs.leads.hopping: unknown"),
    ({"kind": "chain", "hopping": 0.0}, r"reservoirs.hopping = 0.0: expected a number > 0"),
    ({"middle": {"hopping": 1.0}}, r"reservoirs.middle.kind: missing; known: chain, wide"),
]


@pytest.mark.parametrize(("value", "match"), WRONG)
def test_what_is_wrong_is_named(value, match):
    with pytest.raises(jt.InputError, match=match):
        jt.Wire.pair(5, gamma=0.4, reservoirs=value)


def test_widths_of_wide_bands(tmp_path):
    """Gamma in place of gamma: 2 gamma^2, in Python, in a sweep and along an axis."""
    by_width = jt.Wire.pair(6, width=0.32, contact_width=(2.0, 0.5), reservoirs="wide")
    by_coupling = jt.Wire.pair(6, gamma=0.4, contact=(1.0, 0.5), reservoirs="wide")
    close(by_width.coupling, by_coupling.coupling, 1e-15, 1.0)
    wide = '[reservoirs]\nleads = { kind = "wide" }\nmiddle = { kind = "wide" }\n'
    wire = '[wire]\nlayout = "pair"\nN = 6\ncontact_width = [2.0, 0.5]\n'
    driven = "[drive]\nmu_bar = 0.3\ndelta_mu = 0.1\ninjection = 0.2\n"
    (tmp_path / "s.toml").write_text(f"{wire}{driven}{wide}[grid]\nwidth = [0.32, 0.5]\n")
    data = jt.run(tmp_path / "s.toml", tmp_path / "s.h5")
    assert data.width.attrs["units"] == "gamma_o"
    drive = {"mu_bar": 0.3, "delta_mu": 0.1, "injection": 0.2}
    close(data.nonreciprocity[0], jt.nonreciprocity(by_coupling, **drive), 1e-13, 1.0)


def wrong_widths():
    wire = "[wire]\nlayout = 'pair'\nN = 6\n"
    drive = "[drive]\nmu_bar = 0.3\ndelta_mu = 0.1\ninjection = 0.1\n"
    wide = "[reservoirs]\nmiddle = { kind = 'wide' }\n"
    return {
        f"{wire}width = 0.3\n{drive}": r"wire.width: is that of a wide band; set \[reservoirs\] middle",
        f"{wire}width = 0.3\ngamma = 0.4\n{drive}{wide}": r"wire.width: gamma and width both set",
        f"{wire}width = -0.3\n{drive}{wide}": r"wire.width: expected a number > 0",
        f"{wire}width = 0.3\ncontact_width = 1.0\n{drive}{wide}": r"wire.contact_width: is that of",
    }


@pytest.mark.parametrize("text", wrong_widths())
def test_wrong_widths(text):
    with pytest.raises(jt.InputError, match=wrong_widths()[text]):
        parse(text)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"gamma": 0.4, "width": 0.3, "reservoirs": "wide"}, "gamma and width: both set the coupling"),
        ({"width": 0.3}, 'width: that of a wide band; pass reservoirs="wide"'),
        ({"width": -0.3, "reservoirs": "wide"}, "width = -0.3: expected a number > 0"),
    ],
)
def test_wrong_widths_in_python(more, match):
    with pytest.raises(jt.InputError, match=match):
        jt.Wire.pair(6, **more)


def test_numbers_of_reservoirs_are_not_traced():
    call = lambda h: jt.Wire.pair(5, gamma=0.4, reservoirs={"kind": "chain", "hopping": h}).coupling[0]
    with pytest.raises(jt.InputError, match="reservoirs: traced by JAX"):
        jax.jit(call)(1.5)


@pytest.mark.parametrize("law", [jt.Linear(), jt.Series(2)], ids=str)
def test_outside_band_is_that_of_sources_drains_and_probes(law, tmp_path):
    """Wide leads have no band to leave; in a state and in a sweep."""
    middle = {"kind": "chain", "hopping": 0.2, "onsite": 1.0}
    wire = jt.Wire.custom(5, probes=[3], gamma=0.5, reservoirs={"leads": "wide", "middle": middle})
    for mu_bar, delta_mu in ((0.0, 0.03), (1.0, 1.0)):
        assert int(jt.solve(wire, mu_bar=mu_bar, delta_mu=delta_mu, law=law).outside_band) == 0
        (tmp_path / "s.toml").write_text(
            '[wire]\nlayout = "custom"\nN = 5\nprobes = [3]\ngamma = 0.5\n'
            '[reservoirs]\nleads = { kind = "wide" }\n'
            'middle = { kind = "chain", hopping = 0.2, onsite = 1.0 }\n'
            f'[drive]\nmu_bar = {mu_bar}\ndelta_mu = {delta_mu}\n[solve]\nlaw = "{law.name}"\n'
        )
        data = jt.run(tmp_path / "s.toml", tmp_path / "s.h5", force=True)
        assert int(data.outside_band) == 0


def test_self_energies_in_and_beyond_the_band():
    for table in ("chain", {"kind": "chain", "hopping": 1.5, "onsite": 0.2}, "wide"):
        reservoir = reservoir_of(table)
        for w in (-3.5, -1.1, 0.3, 1.9, 2.1, 3.3, 40.0):
            g = reservoir.at(jnp.asarray(w))
            expected = sigma(table, w)
            close(g.shift, expected.real, 1e-14, 1.0)
            close(g.width, -2 * expected.imag, 1e-14, 1.0)
            assert np.isfinite(float(jax.grad(lambda w, r=reservoir: r.at(w).shift)(w)))
        assert reservoir.band == kinds.band_of(kinds.kind_of("", table))
