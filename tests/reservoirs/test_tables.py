"""Self-energies in numbers: against the kinds that they sample, in every law; files and their mistakes."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.checks import close

import jaxtransport as jt
from jaxtransport import tabulated
from jaxtransport.compute.double import Double
from jaxtransport.models import parse, read
from jaxtransport.reservoirs import Tabulated, reservoir_of

LEVELS = [0.0, 0.2, -0.1, 0.3, 0.0, -0.2, 0.1]
ROLES = {"sources": [3], "drains": [6], "probes": [5]}
GIVEN = {"mu_bar": 0.37, "delta_mu": 0.4, "injection": 0.2}
LAWS = [jt.Linear(), jt.Exact(), jt.Exact(temperature=0.01)]


def of_chain(w):
    """Sigma of a chain of hopping and coupling 1."""
    root = np.sqrt(np.abs(4 - w * w))
    return np.where(np.abs(w) < 2, (w - 1j * root) / 2, (w - np.sign(w) * root) / 2)


def table(w, values):
    return {"kind": "table", "energies": w, "values": values}


def sampled(rows, span=2.5):
    w = np.linspace(-span, span, rows)
    return table(w, of_chain(w))


def wire_of(reservoirs, **more):
    return jt.Wire.custom(7, onsite=LEVELS, reservoirs=reservoirs, **ROLES, **more)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_a_sampled_chain_is_a_chain(law):
    """Cubics err by h^3 or less where Im Sigma rises or falls: by 4 or more if rows are twice as dense."""
    chain = jt.solve(wire_of("chain", gamma=1.0), **GIVEN, law=law)
    errors = []
    for rows in (41, 81, 161, 321):
        state = jt.solve(wire_of(sampled(rows)), **GIVEN, law=law)
        assert int(state.status) == 0
        errors.append(float(np.max(np.abs(state.currents - chain.currents))))
    assert errors[0] < 1e-5
    assert all(after < before / 4 for before, after in itertools.pairwise(errors))


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS, ids=str)
def test_a_constant_table_is_a_wide_band(law):
    w = np.linspace(-3, 3, 13)
    flat = jt.solve(wire_of(table(w, 0 * w - 0.5j)), **GIVEN, law=law)
    wide = jt.solve(wire_of("wide", width=1.0, contact_width=1.0), **GIVEN, law=law)
    assert int(flat.status) == 0
    close(flat.currents, wide.currents, 1e-14, 1.0)


@pytest.mark.slow
def test_more_rows_than_panels_go_to_a_later_stage():
    """300 rows within the bias, more than the first stage has room for."""
    w = np.linspace(-1.0, 1.0, 601)
    given = {"mu_bar": 0.0, "delta_mu": 1.0, "injection": 0.2, "law": jt.Exact()}
    flat = jt.solve(wire_of(table(w, 0 * w - 0.5j)), **given)
    wide = jt.solve(wire_of("wide", width=1.0, contact_width=1.0), **given)
    assert int(flat.status) == 0
    assert int(flat.nodes) > 64 * 16
    close(flat.currents, wide.currents, 1e-13, 1.0)


@pytest.mark.slow
def test_a_bias_around_a_row_keeps_its_digits():
    w = np.linspace(-1.0, 1.0, 21)
    wire = wire_of({"leads": "wide", "middle": table(w, 0.1 * w - 0.5j * (1 - 0.3 * w * w))})
    given = {"mu_bar": 0.0, "delta_mu": 1e-8, "injection": 0.2}
    exact, linear = jt.solve(wire, **given, law=jt.Exact()), jt.solve(wire, **given)
    assert int(exact.status) == 0
    close(exact.currents, linear.currents, 1e-8, 1.0)


def test_cubics_between_rows():
    """Through every row, without an extremum between rows, and nothing beyond the last."""
    rng = np.random.default_rng(1)
    w = np.cumsum(rng.uniform(0.01, 0.3, 30))
    values = rng.normal(size=30) - 1j * rng.uniform(0, 1, 30) * (rng.random(30) < 0.7)
    reservoir = reservoir_of(table(w, values))
    assert isinstance(reservoir, Tabulated)
    surface = reservoir.at(jnp.asarray(w[:-1]))
    close(surface.shift, values.real[:-1], 1e-14)
    close(surface.width, -2 * values.imag[:-1], 1e-14)
    fine = np.linspace(w[0], w[-1], 3001)[:-1]
    row = np.searchsorted(w, fine, side="right") - 1
    between = np.asarray(reservoir.at(jnp.asarray(fine)).width)
    ends = -2 * np.stack([values.imag[row], values.imag[row + 1]])
    assert np.all((between >= ends.min(0) - 1e-14) & (between <= ends.max(0) + 1e-14))
    beyond = reservoir.at(jnp.asarray([w[0] - 1, w[-1] + 1]))
    np.testing.assert_array_equal(beyond.width, 0.0)
    close(beyond.shift, values.real[[0, -1]], 1e-15)
    energies = jnp.asarray(rng.uniform(w[0] - 0.1, w[-1] + 0.1, 50))
    digits = jax.jit(jax.vmap(lambda e: reservoir.finely(Double.exactly(e))))(energies)
    close(digits.shift.high, reservoir.at(energies).shift, 1e-14, 1.0)
    close(2 * digits.half_width.high, reservoir.at(energies).width, 1e-14, 1.0)


@pytest.mark.parametrize(
    ("of", "off"),
    [
        (lambda w: of_chain(w), 0.01),
        (lambda w: 0 * w - 0.5j, 1e-12),
        (lambda w: 1 / (w - 0.3 + 0.4j), 0.05),
        (lambda w: of_chain(w) + 3.0, 0.01),
    ],
    ids=["chain", "wide", "one level", "chain and a constant"],
)
def test_parts_that_belong_together(of, off):
    """Kramers-Kronig up to a constant; the other sign is far off, and is said."""
    w = np.linspace(-3, 3, 121)
    right = tabulated.read("x", table(w, of(w)))
    assert tabulated.deviation(right) < off
    assert tabulated.doubt(right) == ""
    if np.ptp(of(w).real) > 0:
        wrong = table(w, -of(w).real + 1j * of(w).imag)
        assert "not the Hilbert transform" in tabulated.doubt(tabulated.read("x", wrong))
        with pytest.warns(UserWarning, match="reservoirs: Re Sigma is not the Hilbert transform"):
            wire_of(wrong)


SWEEP = """
[wire]
layout = "pair"
[drive]
mu_bar = 0.3
delta_mu = 0.1
injection = 0.2
[reservoirs]
leads = { kind = "table", file = "sigma.csv" }
middle = { kind = "table", file = "sigma.csv" }
[grid]
N = [5, 8]
"""


def written(path, w, values, head="omega,re,im\n", line="{!r},{!r},{!r}\n"):
    rows = zip(w.tolist(), values.real.tolist(), values.imag.tolist(), strict=True)
    path.write_text(head + "".join(line.format(*row) for row in rows))


def test_a_file_beside_the_sweep(tmp_path):
    """Its numbers become part of the sweep: another content is another sweep, and the file may go."""
    w = np.linspace(-2.5, 2.5, 41)
    (tmp_path / "s.toml").write_text(SWEEP)
    written(tmp_path / "sigma.csv", w, of_chain(w))
    spec = read(tmp_path / "s.toml")
    assert parse(spec.text).fingerprint == spec.fingerprint
    assert "sigma.csv" not in spec.text
    written(tmp_path / "sigma.csv", w, of_chain(w), "# rows\n\n", "  {!r}; {!r}; {!r}  # here\n")
    assert read(tmp_path / "s.toml").fingerprint == spec.fingerprint
    written(tmp_path / "sigma.csv", w, of_chain(w) + 1e-9)
    assert read(tmp_path / "s.toml").fingerprint != spec.fingerprint
    wrong = read(
        tmp_path / "s.toml", ['reservoirs.middle={kind="table", energies=[0, 1], re=[0, 9], im=[-1, -1]}']
    )
    assert wrong.notes == ()
    written(tmp_path / "sigma.csv", w, np.conj(-of_chain(w)))
    assert [note.partition(":")[0] for note in read(tmp_path / "s.toml").notes] == [
        "reservoirs.leads",
        "reservoirs.middle",
    ]


@pytest.mark.slow
def test_a_sweep_has_the_numbers_of_solve(tmp_path):
    w = np.linspace(-2.5, 2.5, 41)
    (tmp_path / "s.toml").write_text(SWEEP)
    written(tmp_path / "sigma.csv", w, of_chain(w))
    data = jt.run(tmp_path / "s.toml", tmp_path / "s.h5")
    file = {"kind": "table", "file": tmp_path / "sigma.csv"}
    for N in (5, 8):
        given = {"mu_bar": 0.3, "delta_mu": 0.1, "injection": 0.2}
        close(
            data.nonreciprocity.sel(N=N),
            jt.nonreciprocity(jt.Wire.pair(N, reservoirs=file), **given),
            1e-12,
            1.0,
        )


FILES = [
    ("0 0 -1\n", r"sigma.csv: expected 2 to 20,000 rows, got 1"),
    ("w re im\n0 0 -1\n1 0\n", r"sigma.csv, line 3: expected three numbers"),
    ("0 0 -1\n1 x -1\n", r"sigma.csv, line 2: expected three numbers"),
    ("0 0 -1\n\n1 0 -1\n0.5 0 -1\n", r"sigma.csv, line 4: omega must rise, got 0.5 after 1"),
    ("0 0 -1\n1 nan -1\n", r"sigma.csv, line 2: expected finite numbers, got 1, nan, -1"),
    ("0 0 -1\n1 0 0.5\n", r"sigma.csv, line 2: Im Sigma = 0.5: expected <= 0"),
    ("0 0 0\n1 0 0\n", r"sigma.csv: Im Sigma is 0 in every row"),
]


@pytest.mark.parametrize(("content", "match"), FILES)
def test_what_is_wrong_in_a_file(content, match, tmp_path):
    (tmp_path / "sigma.csv").write_text(content)
    (tmp_path / "s.toml").write_text(SWEEP)
    with pytest.raises(jt.InputError, match=match):
        reservoir_of({"kind": "table", "file": tmp_path / "sigma.csv"})
    with pytest.raises(jt.InputError, match=rf"reservoirs.leads: .*{match}"):
        read(tmp_path / "s.toml")


WRONG = [
    ({}, r"reservoirs: a table needs file, or .*; got none of them"),
    ({"file": "nowhere.csv"}, r"reservoirs.file: nowhere.csv cannot be read"),
    ({"file": 3}, r"reservoirs.file: expected the path of a file, got 3"),
    ({"energies": [0.0, 1.0]}, r"a table needs file, or .*; got energies"),
    (
        {"energies": [0.0, 1.0], "values": [-1j]},
        r"equally many .*but energies has 2, re has 1",
    ),
    (
        {"energies": [0.0, "a"], "re": [0, 0], "im": [-1, -1]},
        r"energies: expected a list of numbers",
    ),
    ({"energies": [0.0, 1.0], "re": [0, 0], "im": [-1, 1]}, r"reservoirs, row 2: Im Sigma = 1"),
    ({"energy": [0.0, 1.0]}, r"reservoirs.energy: unknown; did you mean 'energies'"),
]


@pytest.mark.parametrize(("given", "match"), WRONG)
def test_what_is_wrong_is_named(given, match):
    with pytest.raises(jt.InputError, match=match):
        reservoir_of({"kind": "table", **given})


def test_a_table_takes_no_coupling():
    for more in ({"gamma": 0.5}, {"contact": 0.5}, {"width": 1.0}, {"contact_width": 1.0}):
        with pytest.raises(jt.InputError, match=f"{next(iter(more))}: a table holds the self-energy itself"):
            wire_of(sampled(41), **more)
    close(wire_of(sampled(41)).coupling, [1, 0, 1, 0, 1, 1, 1], 0.0)
    text = SWEEP.replace('file = "sigma.csv"', "energies = [-1, 0, 1], re = [0, 0, 0], im = [-1, -1, -1]")
    assert parse(text)
    for line in ("gamma = 0.5", "contact = 0.5"):
        key = line.partition(" ")[0]
        with pytest.raises(jt.InputError, match=rf"wire.{key}: reservoirs.* is a table.*; remove {key}"):
            parse(text.replace("[wire]", f"[wire]\n{line}"))
