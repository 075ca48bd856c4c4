"""`run --extend`: points on file stay bit for bit, the others are computed, nothing is lost."""

from math import prod

import h5py
import numpy as np
import pytest
import xarray as xr
from support.stored import bits

import jaxtransport as jt
from jaxtransport.compute import runtime
from jaxtransport.store import copy as copies
from jaxtransport.store import files, results
from jaxtransport.sweep.evaluator import Evaluator

pytestmark = pytest.mark.usefixtures("uniform_batches")

WIRE = """\
output.variables = ["nonreciprocity", "potential_forward", "bond_current_reverse", "outside_band"]
[wire]
layout = "pair"
N = 6
gamma = 0.5
[drive]
mu_bar = 0.4
delta_mu = 0.1
injection = 0.3
"""
DISORDERED = WIRE.replace("[drive]", 'onsite = { pattern = "disorder", width = 0.3, seed = 1 }\n[drive]')
EXACT = WIRE.replace("potential_forward", "steps") + '[solve]\nlaw = "exact"\n'
CIRCUIT = """\
model = "circuit"
output.variables = ["nonreciprocity", "voltage_forward"]
wire = { layout = "pair", N = 6 }
drive = { voltage = 1.0, injection = 0.2 }
"""
MU = "mu_bar = { start = -1.0, stop = 1.0, num = 9 }"


@pytest.fixture
def computed(monkeypatch):
    """How many points without their free axes each block computes."""
    found, finish = [], Evaluator.finish

    def counting(self, pending):
        found.append(len(pending.block.rows))
        return finish(self, pending)

    monkeypatch.setattr(Evaluator, "finish", counting)
    return found


def spec(folder, name, head, grid):
    path = folder / f"{name}.toml"
    path.write_text(f"{head}[grid]\n{grid}\n")
    return path


def close(one, other):
    """Equal to rounding: free axes are evaluated together, so their length is one of the array shapes."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables:
        most = float(abs(other[name]).max())
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-12 * most)


CASES = {
    "in the middle": (WIRE, "gamma = [0.3, 0.7]", "gamma = [0.3, 0.5, 0.7]"),
    "in front": (WIRE, "gamma = [0.3, 0.7]", "gamma = [0.2, 0.3, 0.7]"),
    "another order": (WIRE, "gamma = [0.3, 0.7, 0.5]", "gamma = [0.7, 0.6, 0.5, 0.3]"),
    "both axes": (WIRE, f"gamma = [0.3, 0.7]\n{MU}", f"gamma = [0.3, 0.5, 0.7]\n{MU.replace('9', '17')}"),
    "the inner axis, turned": (WIRE, f"gamma = [0.3, 0.7]\n{MU}", "gamma = [0.3, 0.7]\n"
                               "mu_bar = { start = 1.0, stop = -1.5, step = -0.25 }"),
    "lengths of one size": (WIRE, f"N = [4, 8]\n{MU}", f"N = [8, 5, 6, 4]\n{MU}"),
    "shorter lengths alone": (WIRE, f"{MU}\nN = [8, 4]", f"{MU}\nN = [8, 4, 6]"),
    "a free axis": (WIRE, f"delta_mu = [0.1, 0.2]\n{MU}", f"delta_mu = [0.05, 0.1, 0.2]\n{MU}"),
    "a free axis within": (WIRE, f"{MU}\ninjection = [0.1]\nN = [4, 8]",
                           f"{MU}\ninjection = [0.1, 0.3]\nN = [8, 4, 7]"),
    "a solve axis beside a free one": (WIRE, f"gamma = [0.3]\ndelta_mu = [0.1, 0.2]\n{MU}",
                                       f"gamma = [0.3, 0.4]\ndelta_mu = [0.1, 0.2]\n{MU}"),
    "numbers of a pattern": (DISORDERED, '"onsite.seed" = [1, 2]\n"onsite.width" = [0.1]',
                            '"onsite.seed" = { start = 0, stop = 6, step = 1 }\n"onsite.width" = [0.2, 0.1]'),
    "the exact law": (EXACT, "gamma = [0.3, 0.7]", "gamma = [0.3, 0.5, 0.7]"),
    "a circuit": (CIRCUIT, "injection = [0.1, 0.2]\nN = [4, 8]",
                  "injection = [0.1, 0.3, 0.2]\nN = [4, 6, 8]"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_extended_file_is_that_of_one_run(case, computed, monkeypatch, tmp_path):
    head, few, many = CASES[case]
    out = tmp_path / "out.h5"
    monkeypatch.setattr(copies, "AT_ONCE", 400)  # so that small files are copied in many parts
    before = jt.run(spec(tmp_path, "few", head, few), out)
    computed.clear()
    reports = []
    asked = spec(tmp_path, "many", head, many)
    after = jt.run(asked, out, extend=True, report=lambda p: reports.append((p.done, p.resumed)))
    new = list(computed)
    whole = jt.run(asked, tmp_path / "whole.h5")
    free = {"delta_mu", "injection"}.intersection(before.status.dims) if head == WIRE else set()
    more = any(before.sizes[axis] < after.sizes[axis] for axis in free)
    (close if more else bits)(after, whole)
    old = {axis: [v for v in after[axis].values if v in before[axis].values] for axis in before.status.dims}
    for name in before.data_vars:
        np.testing.assert_array_equal(after[name].sel(old), before[name].sel(old))
    assert after.attrs["spec"] == asked.read_text()
    assert after.attrs["fingerprint"] == whole.attrs["fingerprint"]
    kept = {axis: int(np.isin(after[axis], before[axis]).sum()) for axis in before.status.dims}
    held = prod(kept.values())
    assert (reports[0], reports[-1]) == ((held, held), (after.status.size, held))
    rows, known = (prod(n[axis] for axis in kept if axis not in free) for n in (after.sizes, kept))
    assert sum(new) == (rows if more else rows - known)
    assert len(new) <= -(-sum(new) // 8) + 1  # in full batches
    results.require_intact(out)
    assert not np.isnan(results.times(out)[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few.toml", "many.toml", "out.h5", "whole.h5"]


def test_other_sizes_of_arrays_change_the_last_bits_alone(tmp_path, monkeypatch):
    """A longer wire pads the others to its length."""
    out = tmp_path / "out.h5"
    before = jt.run(spec(tmp_path, "few", WIRE, f"N = [4, 8]\n{MU}"), out)
    asked = spec(tmp_path, "many", WIRE, f"N = [4, 8, 20]\n{MU}")
    after, whole = jt.run(asked, out, extend=True), jt.run(asked, tmp_path / "whole.h5")
    assert after.sizes["site"] == 20
    assert (after.status == 0).all()
    close(after, whole)
    for name in whole.data_vars:
        xr.testing.assert_allclose(
            after[name], whole[name], rtol=0, atol=1e-12 * float(abs(whole[name]).max())
        )
        old = after[name].sel(N=[4, 8])
        for dim in {"site", "bond"}.intersection(old.dims):
            assert old.isel({dim: slice(before.sizes[dim], None)}).isnull().all()
            old = old.isel({dim: slice(before.sizes[dim])})
        np.testing.assert_array_equal(old, before[name])


@pytest.mark.parametrize("axis", ["gamma", "delta_mu", "mu_bar"])
def test_what_is_on_file_is_never_computed_again(axis, tmp_path):
    """As it is doubled here."""
    axes = {"gamma": [0.3, 0.7], "delta_mu": [0.1, 0.2], "mu_bar": np.linspace(-1, 1, 9).tolist()}
    grid = lambda: "\n".join(f"{name} = {values}" for name, values in axes.items())
    out = tmp_path / "out.h5"
    before = jt.run(spec(tmp_path, "few", WIRE, grid()), out)
    with h5py.File(out, "r+") as file:
        for name in ("nonreciprocity", "potential_forward"):
            file[name][...] *= 2
        del file["run"].attrs["contents"]
    axes[axis] = [0.15, *axes[axis]]
    after = jt.run(spec(tmp_path, "many", WIRE, grid()), out, extend=True)
    assert (after.status == 0).all()
    at = {axis: slice(1, None)}
    for name in ("nonreciprocity", "potential_forward"):
        np.testing.assert_array_equal(after[name].isel(at), 2 * before[name])
    np.testing.assert_array_equal(after.bond_current_reverse.isel(at), before.bond_current_reverse)
    assert float(abs(after.nonreciprocity.isel({axis: 0})).max()) < 1.5 * float(before.nonreciprocity.max())
    results.require_intact(out)


class Stop(Exception):
    pass


def interrupted(path, out, points):
    """A run that stops after some points."""

    def report(progress):
        if progress.done >= points:
            raise Stop

    with pytest.raises(Stop):
        jt.run(path, out, report=report)


FEW, MANY = f"gamma = [0.3, 0.7]\n{MU}", f"gamma = [0.3, 0.5, 0.7]\n{MU}"


def test_an_interrupted_run_is_extended_too_and_its_extension_resumed(small_blocks, computed, tmp_path):
    out, asked = tmp_path / "out.h5", spec(tmp_path, "many", WIRE, MANY)
    interrupted(spec(tmp_path, "few", WIRE, FEW), out, 8)
    with h5py.File(out, "r+") as file:
        file["status"][0, 3] = 6  # a crash is no result
        old = file["nonreciprocity"][0, :8]
    computed.clear()
    reports = []

    def report(progress):
        reports.append(progress.done)
        if progress.done > 10:
            raise Stop

    with pytest.raises(Stop):
        jt.run(asked, out, extend=True, report=report)
    assert reports == [7, 8, 16]
    status = jt.load(out).status.values.ravel()
    assert (status[:16] == 0).all()
    assert (status[16:] == -1).all()
    after = jt.run(asked, out, extend=True)
    assert sum(computed) == 27 - 7
    bits(after, jt.run(asked, tmp_path / "whole.h5"))
    np.testing.assert_array_equal(after.nonreciprocity.values[0, :8], old)


def test_without_an_output_it_is_a_run(tmp_path):
    asked = spec(tmp_path, "few", WIRE, FEW)
    bits(jt.run(asked, tmp_path / "out.h5", extend=True), jt.run(asked, tmp_path / "whole.h5"))


def refused(asked, out, *says, **how):
    """Nothing is changed, and the message has all that."""
    before = out.read_bytes()
    with pytest.raises(jt.InputError) as caught:
        jt.run(asked, out, **how)
    for part in says:
        assert part in str(caught.value)
    assert out.read_bytes() == before
    return str(caught.value)


@pytest.fixture
def out(tmp_path):
    path = tmp_path / "out.h5"
    jt.run(spec(tmp_path, "few", WIRE, FEW), path)
    return path


def test_the_refusal_offers_it(out, tmp_path):
    says = "has other values of gamma, and 18 of the 27 points asked for: use --extend to keep them"
    refused(spec(tmp_path, "many", WIRE, MANY), out, says, "--force", "the spec has [0.3, 0.5, 0.7]")
    both = MANY.replace("num = 9", "num = 17")
    refused(
        spec(tmp_path, "many", WIRE, both), out, "other values of gamma and mu_bar, and 18 of the 51 points"
    )


@pytest.mark.parametrize("extend", [False, True])
@pytest.mark.parametrize(
    ("grid", "head"),
    [
        (MANY, WIRE.replace("N = 6", "N = 8")),
        (f"{MU}\ngamma = [0.3, 0.5, 0.7]", WIRE),
        (f"{MANY}\ncontact = [1.0]", WIRE),
        (MU, WIRE),
    ],
)
def test_another_spec_is_not_extended(grid, head, extend, out, tmp_path):
    said = refused(spec(tmp_path, "many", head, grid), out, "result of another spec", extend=extend)
    assert "--extend" not in said
    refused(spec(tmp_path, "many", head, grid), out, "result of another spec", extend=True, force=True)


def test_without_a_point_in_common_nothing_is_offered(out, tmp_path):
    other = spec(tmp_path, "other", WIRE, f"gamma = [0.4]\n{MU}")
    assert "--extend" not in refused(other, out, "result of another spec")
    refused(other, out, "18 points at values that the spec leaves out", "--extend with --force", extend=True)


def test_points_are_dropped_by_force_alone(out, computed, tmp_path):
    asked = spec(tmp_path, "part", WIRE, f"gamma = [0.7, 0.4]\n{MU}")
    computed.clear()
    refused(asked, out, "9 points at values that the spec leaves out", extend=True)
    after = jt.run(asked, out, extend=True, force=True)
    assert sum(computed) == 9
    bits(after, jt.run(asked, tmp_path / "whole.h5"))


def test_a_file_that_lacks_a_variable_is_refused(out, tmp_path):
    more = WIRE.replace("[", '["residual", ', 1)
    refused(spec(tmp_path, "more", more, MANY), out, "lacks residual", extend=True)


def test_a_file_with_more_variables_keeps_them(out, tmp_path):
    fewer = 'output.variables = ["outside_band"]\n' + WIRE.partition("\n")[2]
    after = jt.run(spec(tmp_path, "fewer", fewer, MANY), out, extend=True)
    bits(after, jt.run(spec(tmp_path, "many", WIRE, MANY), tmp_path / "whole.h5"))
    interrupted_once_more = jt.run(spec(tmp_path, "many", WIRE, MANY), out)
    bits(after, interrupted_once_more)


def test_a_damaged_file_is_refused(out, tmp_path):
    with h5py.File(out, "r") as file:
        start = file["nonreciprocity"].id.get_offset()
    whole = bytearray(out.read_bytes())
    whole[start + 16] ^= 1
    out.write_bytes(whole)
    asked = spec(tmp_path, "many", WIRE, MANY)
    for force in (False, True):
        refused(asked, out, "is damaged", extend=True, force=force)
    assert not (tmp_path / "out.h5.part").exists()


def test_damage_after_copying_is_noticed(out, tmp_path):
    jt.run(spec(tmp_path, "many", WIRE, MANY), out, extend=True)
    with h5py.File(out, "r") as file:
        start = file["nonreciprocity"].id.get_offset()
    for row in (3, 12, 26):
        whole = bytearray(out.read_bytes())
        whole[start + 8 * row] ^= 1
        (tmp_path / "bad.h5").write_bytes(whole)
        with pytest.raises(jt.InputError, match="numbers or status changed"):
            jt.load(tmp_path / "bad.h5")


def test_ranges_that_differ_by_rounding_are_the_same_values(tmp_path, computed):
    out = tmp_path / "out.h5"
    listed = np.linspace(-1, 1, 9) * (1 + 1e-15)
    before = jt.run(spec(tmp_path, "few", WIRE, f"mu_bar = {listed.tolist()}"), out)
    computed.clear()
    after = jt.run(spec(tmp_path, "many", WIRE, MU.replace("9", "17")), out, extend=True)
    assert sum(computed) == 8
    np.testing.assert_array_equal(after.nonreciprocity[::2], before.nonreciprocity)
    assert 0.125 in after.mu_bar.values


def test_both_revisions_are_named(tmp_path, monkeypatch):
    out = tmp_path / "out.h5"
    monkeypatch.setattr(runtime, "revision", lambda: "first")
    jt.run(spec(tmp_path, "few", WIRE, FEW), out)
    monkeypatch.setattr(runtime, "revision", lambda: "second")
    after = jt.run(spec(tmp_path, "many", WIRE, MANY), out, extend=True)
    assert after.attrs["revisions"] == "first second"


def test_without_space_the_file_stays(out, monkeypatch, tmp_path):
    monkeypatch.setattr(files, "free_bytes", lambda path: 1000)
    refused(spec(tmp_path, "many", WIRE, MANY), out, "1,000 free", extend=True)


def test_on_the_command_line(out, jaxtransport, tmp_path):
    asked = spec(tmp_path, "many", WIRE, MANY)
    code, _, said = jaxtransport("run", asked, "-o", out)
    assert code == 2
    assert "--extend" in said
    code, printed, _ = jaxtransport("run", asked, "-o", out, "--extend", "--json")
    assert code == 0
    assert '"computed": 9' in printed
    code, printed, _ = jaxtransport("run", asked, "-o", out)
    assert "nothing left to compute" in printed
