"""`run --extend`: points on file stay bit for bit, the others are computed, nothing is lost."""

from math import prod

import numpy as np
import pytest
import xarray as xr

import jaxtransport as jt
from jaxtransport.store import copy as copies
from jaxtransport.store import results
from jaxtransport.sweep.evaluator import Evaluator

pytestmark = pytest.mark.usefixtures("small_blocks")

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


def bits(one, other, variables=None):
    """Equal to the last bit, NaN included, with the same labels."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables if variables is None else variables:
        assert one[name].dims == other[name].dims
        assert one[name].attrs.keys() == other[name].attrs.keys()
        assert one[name].values.tobytes() == other[name].values.tobytes(), name


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
    bits(after, whole)
    assert after.attrs["spec"] == asked.read_text()
    assert after.attrs["fingerprint"] == whole.attrs["fingerprint"]
    kept = {axis: int(np.isin(after[axis], before[axis]).sum()) for axis in before.status.dims}
    held = prod(kept.values())
    assert (reports[0], reports[-1]) == ((held, held), (after.status.size, held))
    free = {"delta_mu", "injection"}.intersection(kept) if head == WIRE else set()
    rows, known = (prod(n[axis] for axis in kept if axis not in free) for n in (after.sizes, kept))
    more = any(kept[axis] < after.sizes[axis] for axis in free)  # of every solve point
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
    for name in whole.data_vars:
        xr.testing.assert_allclose(
            after[name], whole[name], rtol=0, atol=1e-12 * float(abs(whole[name]).max())
        )
        old = after[name].sel(N=[4, 8])
        for dim in {"site", "bond"}.intersection(old.dims):
            assert old.isel({dim: slice(before.sizes[dim], None)}).isnull().all()
            old = old.isel({dim: slice(before.sizes[dim])})
        np.testing.assert_array_equal(old, before[name])
