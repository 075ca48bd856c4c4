"""Results carry every parameter that is held fixed: scalar coordinates, read from the file alone."""

import h5py
import numpy as np
import pytest
import xarray as xr

import jaxtransport as jt
from jaxtransport.models import MODELS, parse
from jaxtransport.models.fixed import NOT_IN_LINEAR_SEARCHES, fixed
from jaxtransport.results import completed

WIRE = '[wire]\nlayout = "pair"\nN = 6\ngamma = 0.5\n'
DRIVE = "[drive]\nmu_bar = 0.3\ndelta_mu = 0.1\ninjection = 0.2\n"
LISTS = '[wire]\nlayout = "custom"\nN = 4\nprobes = [2, 3]\ngamma = [1.0, 0.3, 0.4, 1.0]\n'
LISTS += "onsite = [0.1, 0.1, 0.1, 0.1]\n"
CLASSICAL = 'model = "classical"\n[wire]\nlayout = "pair"\nN = 6\np = 0.8\n'
CLASSICAL += "[drive]\ndelta_rho = 0.5\ninjection = 0.2\n"
CIRCUIT = 'model = "circuit"\n[wire]\nlayout = "dimers"\nN = 6\n[drive]\ninjection = 0.2\n'

SPECS = {
    "a point": (WIRE + DRIVE, {"N": 6, "gamma": 0.5, "contact": 1.0, "mu_bar": 0.3, "delta_mu": 0.1}),
    "an axis": (WIRE + DRIVE + "[grid]\ngamma = [0.2, 0.5]\n", {"N": 6, "injection": 0.2, "hopping": 1.0}),
    "lists": (
        LISTS + "[drive]\nmu_bar = 0.3\ndelta_mu = 0.1\n",
        {"onsite": 0.1, "contact": 1.0, "injection": 0.0},
    ),
    "exact": (WIRE + DRIVE + '[solve]\nlaw = "exact"\n', {"temperature": 0.0}),
    "classical": (CLASSICAL, {"N": 6, "p": 0.8, "rho_0": 0.0, "delta_rho": 0.5, "injection": 0.2}),
    "circuit": (CIRCUIT, {"N": 6, "sigma": 1.0, "voltage": 1.0, "injection": 0.2}),
}


@pytest.mark.parametrize("name", SPECS)
def test_numbers_that_are_fixed(name):
    text, expected = SPECS[name]
    spec = parse(text)
    found = {one.name: one for one in fixed(spec, MODELS[spec.model].parameters)}
    for key, value in expected.items():
        assert found[key].values == value
        row = MODELS[spec.model].parameters[key]
        assert (found[key].unit, found[key].symbol) == (row.unit, row.symbol)
    assert not found.keys() & {axis.name for axis in spec.axes}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fixed")
    (folder / "spec.toml").write_text(LISTS + "[drive]\ndelta_mu = 0.1\n[grid]\nmu_bar = [0.1, 0.3]\n")
    jt.run(folder / "spec.toml", folder / "out.h5")
    return folder / "out.h5"


@pytest.mark.slow
def test_every_reader_sees_them(path):
    data = jt.load(path)
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        xr.testing.assert_identical(opened.load(), data)
        assert opened.onsite.item() == 0.1
        assert opened.nonreciprocity.coords["contact"].item() == 1.0
        assert opened.attrs["lists"] == "gamma"
        assert opened.attrs["layout"] == "custom"
    with h5py.File(path) as file:
        assert file["N"][()] == 4
        assert file["N"].dtype.kind == "i"
        assert file["delta_mu"].attrs["units"] == "gamma_o"


def test_files_of_earlier_versions_are_completed(path):
    """They have neither coordinates nor attributes; their spec says it all."""
    data = jt.load(path)
    names = [str(name) for name, value in data.coords.items() if not value.dims]
    older = data.drop_vars(names)
    for name in ("layout", "lists"):
        del older.attrs[name]
    xr.testing.assert_identical(completed(older), data)
    older.attrs["spec"] = "[wire]\nlayout = 'of another program'\n"
    xr.testing.assert_identical(completed(older), older)


def test_netcdf_keeps_them_and_rows_of_text_do_not(path, tmp_path):
    with xr.open_dataset(jt.export(path, tmp_path / "out.nc")) as exported:
        assert exported.contact.item() == 1.0
    header = jt.export(path, tmp_path / "out.csv").read_text().partition("\n")[0]
    assert "contact" not in header
    assert header.startswith("mu_bar,")


def test_searches_have_them_too(jaxtransport, tmp_path, monkeypatch):
    """But not what zeros in linear response do not depend on."""
    monkeypatch.chdir(tmp_path)
    search = "[drive]\ninjection = 0.2\n[search]\nover = { mu_bar = [-1.5, 1.5] }\n"
    (tmp_path / "spec.toml").write_text(WIRE + search)
    assert jaxtransport("zeros", "spec.toml")[0] == 0
    data = jt.load(tmp_path / "results" / "spec.h5")
    assert data.gamma.item() == 0.5
    assert data.attrs["searched"] == "mu_bar"
    assert not set(NOT_IN_LINEAR_SEARCHES) & set(map(str, data.coords))
    assert data.mu_bar.dims == ("zero",)
    np.testing.assert_array_equal(data.gamma, 0.5)
