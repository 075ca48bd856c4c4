"""Results whose numbers stay on disk: `jt.load(path, lazy=True)`."""

import pickle
import sys

import dask
import numpy as np
import pytest
import xarray as xr
from support import by_hand
from support.by_hand import CONDUCTANCE, POTENTIAL

import jaxtransport as jt
from jaxtransport.errors import InputError
from jaxtransport.store import lazy, search_file
from jaxtransport.store.resultfile import DamagedFile, ResultFile

GAMMA, MU, SITES = np.linspace(0.1, 1.0, 6), np.linspace(-1.0, 1.0, 40), np.arange(1, 9)


def made(path, seed=0, gamma=GAMMA, **attributes):
    rng = np.random.default_rng(seed)
    shape = (len(gamma), len(MU))
    values = [
        (CONDUCTANCE, rng.uniform(size=shape)),
        (POTENTIAL, rng.uniform(size=(*shape, len(SITES)))),
    ]
    axes = {"gamma": gamma, "mu_bar": MU}
    fixed = [("delta_mu", 0.1, "gamma_o", r"\delta\mu")]
    return by_hand.write(path, axes, values, extra={"site": SITES}, fixed=fixed, **attributes)


@pytest.fixture
def result(tmp_path):
    return made(tmp_path / "out.h5")


@pytest.fixture
def small_chunks(monkeypatch):
    """At most 2 kB, which 32 x 8 doubles have."""
    monkeypatch.setattr(lazy.cut, "__defaults__", (2048,))


def test_the_same_dataset_as_in_memory(result, small_chunks):
    data = jt.load(result, lazy=True)
    assert data.potential_forward.chunks == ((1,) * 6, (32, 8), (8,))
    assert data.conductance.chunks == ((6,), (40,))
    assert dask.is_dask_collection(data.status)
    assert not dask.is_dask_collection(data.delta_mu)
    assert not dask.is_dask_collection(data.gamma)
    xr.testing.assert_identical(data.compute(), jt.load(result))


def test_numbers_are_read_when_they_are_computed_and_no_file_stays_open(result, small_chunks, monkeypatch):
    read, seen = ResultFile.read, []

    def noting(self, name, box=()):
        out = read(self, name, box)
        seen.append((name, out.size))
        return out

    data = jt.load(result, lazy=True)
    monkeypatch.setattr(ResultFile, "read", noting)
    expected = jt.load(result)
    seen.clear()
    mean = (data.potential_forward.mean("site") - data.conductance).mean("mu_bar")
    assert seen == []
    xr.testing.assert_allclose(
        mean.compute(), (expected.potential_forward.mean("site") - expected.conductance).mean("mu_bar")
    )
    assert max(size for _, size in seen) == 32 * 8
    assert sum(size for name, size in seen if name == "potential_forward") == 6 * 40 * 8
    seen.clear()
    assert data.conductance[0, 3].values == expected.conductance[0, 3].values
    assert len(seen) == 1
    result.unlink()  # on every system: no handle holds it


def test_chunks_fill_their_bytes_along_the_first_axes_and_their_borders_nest():
    assert lazy.cut((1000, 5000), 8) == (512, 5000)  # 40 kB a row, 20 of 32 MiB
    assert lazy.cut((1000, 5000, 48), 8) == (16, 5000, 48)
    assert lazy.cut((10, 3000, 5000), 8) == (1, 512, 5000)
    assert lazy.cut((7, 9), 8) == (7, 9)
    assert lazy.cut((3, 10**8), 1) == (1, 2**25)
    assert lazy.cut((0, 4), 8) == (1, 4)
    for shape in ((999, 4001), (3, 999, 4001), (10**9,)):
        for itemsize in (1, 8):
            bytes_ = itemsize * np.prod(lazy.cut(shape, itemsize), dtype=float)
            assert 2**24 < bytes_ <= 2**25 or bytes_ == itemsize * np.prod(shape)


def test_what_is_verified(result):
    """Labels and axes at once, not the numbers."""
    whole = bytearray(result.read_bytes())
    where = bytes(whole).index(GAMMA.tobytes())
    whole[where] ^= 1
    result.write_bytes(whole)
    with pytest.raises(DamagedFile, match="gamma"):
        jt.load(result, lazy=True)


def test_a_file_that_was_replaced_or_removed_is_named(result):
    data = jt.load(result, lazy=True)
    made(result, seed=1, fingerprint="another")
    with pytest.raises(InputError, match=r"out\.h5 was replaced by another result after it was loaded"):
        data.conductance.mean().compute()
    again = jt.load(result, lazy=True)
    made(result, seed=1, gamma=GAMMA[:3], fingerprint="another")
    with pytest.raises(InputError, match="was replaced"):
        again.conductance.mean().compute()
    result.unlink()
    with pytest.raises(InputError, match="no such file"):
        again.conductance.mean().compute()


def test_two_results_do_not_share_chunks(result, tmp_path):
    """dask computes chunks of one name once."""
    other = made(tmp_path / "other.h5", seed=1)
    one, two = (jt.load(path, lazy=True) for path in (result, other))
    assert one.conductance.data.name != two.conductance.data.name
    assert one.conductance.data.name == jt.load(result, lazy=True).conductance.data.name
    difference = abs(one - two).conductance.max().compute()
    assert difference > 0.1


def test_datasets_travel_to_other_processes_and_folders(result, monkeypatch, tmp_path):
    monkeypatch.chdir(result.parent)
    data = jt.load(result.name, lazy=True)
    monkeypatch.chdir(tmp_path.parent)
    back = pickle.loads(pickle.dumps(data))
    xr.testing.assert_identical(back.compute(), jt.load(result))


def test_searches_come_into_memory(tmp_path):
    path = tmp_path / "zeros.h5"
    found = xr.Dataset({"mu_bar": ("zero", [0.1, 0.2], {"units": "gamma_o"})})
    attributes = {"message": "2 zeros", **dict.fromkeys(("spec", "title", "fingerprint"), "")}
    search_file.save(found, path, attributes, 0.0)
    data = jt.load(path, lazy=True)
    assert not dask.is_dask_collection(data.mu_bar)
    np.testing.assert_array_equal(data.mu_bar, [0.1, 0.2])


def test_without_dask_the_command_that_installs_it_is_said(result, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(InputError, match=r'lazy = True: dask is not installed; pip install "dask>=2024\.10"'):
        jt.load(result, lazy=True)
    assert jt.load(result).sizes["mu_bar"] == 40


def test_lazy_is_a_flag(result):
    with pytest.raises(InputError, match="lazy"):
        jt.load(result, lazy="yes")
