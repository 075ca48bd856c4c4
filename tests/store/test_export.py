"""Exports: the same numbers in netCDF, Zarr and CSV; whole or not at all; little memory."""

import csv
import dataclasses
import gzip
import subprocess
import sys
import tracemalloc
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray as xr

import jaxtransport
from jaxtransport.errors import InputError
from jaxtransport.store import export as exports
from jaxtransport.store import files, results
from jaxtransport.store.export import export
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.task import Beside, Task

PACKAGE = Path(jaxtransport.__file__).parents[1]
ATTRIBUTES = {name: f"the {name}" for name in results.ATTRIBUTES} | {"spec": 'title = "é"\n[grid]\n'}
ODD = [np.pi, -0.0, 5e-324, 1 / 3, np.nan, np.inf, -np.inf, 1e300, 0.1, -2.5e-17]  # doubles to keep


@dataclasses.dataclass(frozen=True)
class Variable:
    name: str
    dims: tuple = ()
    dtype: str = "f8"
    unit: str = "I_o"
    long_name: str = "of a point"
    symbol: str = "\\Delta I"


def make(path, shape=(3, 4), extra=(), variables=(Variable("x"), Variable("flag", dtype="i1"))):
    """A result file, filled with odd doubles."""
    names = ("gamma", "delta_mu", "mu_bar")[: len(shape)]
    values = [np.linspace(0.1, 1, n) ** 3 for n in shape]
    grid = Grid(tuple(Axis(n, v, "gamma_o", "an axis", n) for n, v in zip(names, values, strict=True)))
    more = tuple(Axis(name, np.arange(1, n + 1), "1", "a place") for name, n in extra)
    beside = [Beside("N", np.array(7), (), "1", "number of sites", "N")]
    if len(shape) > 1:
        beside.append(Beside("I_o", values[1] / 7, ("delta_mu",), "e gamma_o/hbar", "unit of current"))
    task = Task(grid, variables, None, extra=more, beside=tuple(beside))
    files.create(path, task, ATTRIBUTES)
    with h5py.File(path, "r+", locking=False) as file:
        for v in variables:
            filled = np.resize(ODD, file[v.name].shape) if v.dtype == "f8" else file[v.name][()] + 1
            file[v.name][...] = filled
        file["status"][...] = np.resize([0, 0, 4], file["status"].shape)
        file["run/finished"][()] = 1.5e9
    return path


@pytest.fixture
def result(tmp_path):
    return make(tmp_path / "out.h5")


PROFILES = (Variable("x"), Variable("mu", ("site",)), Variable("J", ("bond",)))


@pytest.fixture
def profiles(tmp_path):
    return make(tmp_path / "out.h5", (2, 3), (("site", 4), ("bond", 3)), PROFILES)


@pytest.fixture
def search(tmp_path):
    """The result of a search: zeros, and curves of them."""
    zeros = {"mu_bar": ("zero", ODD), "residual": ("zero", ODD[::-1]), "points": ("line", [4, 6])}
    data = xr.Dataset(zeros, {"zero": np.arange(10), "line": [1, 2]}, ATTRIBUTES | {"message": "ten zeros"})
    data = data.assign_attrs(format=results.SEARCH_FORMAT)
    data.to_netcdf(tmp_path / "zeros.h5", engine="h5netcdf")
    return tmp_path / "zeros.h5"


def beside(path):
    return sorted(entry.name for entry in path.parent.iterdir())


def raw(path):
    """Everything in a netCDF file: bytes, dimensions, types, attributes."""
    with h5netcdf.File(path, "r") as file:
        whole = {
            name: (v.dimensions, v.dtype, v[...].tobytes(), {k: str(a) for k, a in v.attrs.items()})
            for name, v in file.variables.items()
        }
        return whole, dict(file.attrs), {name: d.size for name, d in file.dimensions.items()}


def table(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", newline="") as file:
        rows = list(csv.reader(file))
    assert all(len(row) == len(rows[0]) for row in rows)
    return {name: np.array([float(row[i]) for row in rows[1:]]) for i, name in enumerate(rows[0])}


def same(one, other):
    """Equal bit for bit: NaN, and the sign of zero."""
    bits = (np.asarray(array).ravel().astype("f8").view("i8") for array in (one, other))
    np.testing.assert_array_equal(*bits)


def spread(result, name):
    """A variable at every point of the grid (and site), as one column."""
    data = results.load(result)
    return data[name].broadcast_like(data["x"]).transpose(*data["x"].dims).values.ravel()


@pytest.mark.parametrize("level", [0, 1, 9])
def test_netcdf_is_the_result_bit_for_bit(level, result):
    target = result.with_name("out.nc")
    assert export(result, target, level=level) == target
    assert raw(target) == raw(result)
    xr.testing.assert_identical(xr.load_dataset(target, engine="h5netcdf"), results.load(result))
    assert beside(result) == ["out.h5", "out.nc"]
    with h5py.File(target) as file:
        assert (file["x"].compression, file["x"].shuffle) == ((None, False) if not level else ("gzip", True))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3), (5, 1, 9)])
def test_netcdf_of_any_shape_in_pieces(shape, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "CHUNK", 4)
    source = make(tmp_path / "out.h5", shape, (("site", 6),), (Variable("x"), Variable("mu", ("site",))))
    export(source, tmp_path / "out.nc")
    assert raw(tmp_path / "out.nc") == raw(source)


def test_a_search_as_netcdf(search):
    export(search, search.with_suffix(".nc"))
    assert raw(search.with_suffix(".nc")) == raw(search)


def test_a_search_without_zeros(search):
    none = search.with_name("none.h5")
    with xr.open_dataset(search, engine="h5netcdf") as data:
        data.isel(zero=slice(0)).to_netcdf(none, engine="h5netcdf")
    export(none, none.with_suffix(".nc"))
    assert raw(none.with_suffix(".nc")) == raw(none)
    export(none, none.with_suffix(".csv"))
    assert none.with_suffix(".csv").read_text() == "zero,mu_bar,residual\n"


@pytest.mark.slow
def test_chosen_variables_and_the_axes_they_need(profiles):
    target = profiles.with_suffix(".nc")
    export(profiles, target, variables=["mu"])
    data = results.load(profiles).drop_vars(["x", "J", "bond"])
    xr.testing.assert_identical(xr.load_dataset(target, engine="h5netcdf"), data)
    export(profiles, target, variables=["x"], force=True)
    assert set(xr.load_dataset(target, engine="h5netcdf").dims) == {"gamma", "delta_mu"}


@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
@pytest.mark.parametrize("rows", [1, 5, 1000])
def test_csv_holds_the_same_doubles(rows, ending, result, monkeypatch):
    monkeypatch.setattr(exports, "ROWS", rows)
    target = result.with_name(f"out{ending}")
    export(result, target)
    found = table(target)
    assert list(found) == ["gamma", "delta_mu", "I_o", "flag", "x", "status"]
    for name in ("gamma", "delta_mu", "I_o", "x"):
        same(found[name], spread(result, name))
    assert np.array_equal(found["status"], spread(result, "status"))
    assert beside(result) == sorted(["out.h5", target.name])


@pytest.mark.parametrize("rows", [1, 5, 1000])
def test_csv_along_the_wire_has_a_row_for_every_site(rows, profiles, monkeypatch):
    monkeypatch.setattr(exports, "ROWS", rows)
    target = profiles.with_suffix(".csv")
    export(profiles, target, variables=["mu", "x"])
    found, data = table(target), results.load(profiles)
    assert list(found) == ["gamma", "delta_mu", "site", "I_o", "mu", "x", "status"]
    same(found["mu"], data["mu"].values)
    same(found["x"], np.repeat(data["x"].values.ravel(), 4))
    assert np.array_equal(found["site"], np.tile([1, 2, 3, 4], 6))
    same(found["gamma"], np.repeat(data["gamma"].values, 12))


def test_csv_of_one_point_and_of_one_axis(tmp_path):
    for shape, count in ((), 1), ((7,), 7):
        source = make(tmp_path / f"{count}.h5", shape)
        export(source, source.with_suffix(".csv"))
        same(table(source.with_suffix(".csv"))["x"], np.resize(ODD, count))


def test_csv_of_a_search_has_a_row_for_every_zero(search):
    target = search.with_suffix(".csv")
    export(search, target)
    assert list(table(target)) == ["zero", "mu_bar", "residual"]
    same(table(target)["mu_bar"], ODD)
    export(search, target, variables=["points"], force=True)
    assert target.read_text() == "line,points\n1,4\n2,6\n"


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(), (7,), (2, 3), (5, 1, 9)])
def test_zarr_is_the_result_bit_for_bit(shape, tmp_path, monkeypatch):
    pytest.importorskip("zarr")
    monkeypatch.setattr(exports, "ZARR_CHUNK", 4)
    source = make(tmp_path / "out.h5", shape)
    for force in (False, True):
        export(source, tmp_path / "out.zarr", force=force)
        data, expected = xr.open_zarr(tmp_path / "out.zarr", chunks=None).load(), results.load(source)
        xr.testing.assert_identical(data, expected)
        assert all(data[name].dtype == expected[name].dtype for name in data.variables)
        same(data["x"], expected["x"])
        assert beside(source) == ["out.h5", "out.zarr"]


def test_zarr_that_is_not_installed(result, monkeypatch):
    monkeypatch.setattr(exports.importlib.util, "find_spec", lambda name: None)
    refused(result, result.with_suffix(".zarr"), 'pip install "zarr>=3"')


def refused(source, target, *says, **options):
    """The export is refused, says all of `says`, and leaves everything as it was."""
    snapshot = lambda: {p: p.read_bytes() if p.is_file() else None for p in source.parent.rglob("*")}
    before = snapshot()
    with pytest.raises(InputError) as caught:
        export(source, target, **options)
    for part in says:
        assert part in str(caught.value)
    assert snapshot() == before


def test_wrong_calls_are_refused(profiles, search, tmp_path):
    result = profiles
    refused(result, tmp_path / "out.txt", "unknown kind of file", ".nc, .zarr, .csv or .csv.gz")
    refused(result, tmp_path / "out.nc", "level = 10", level=10)
    refused(
        result, tmp_path / "out.nc", "y, gamma not in", "expected some of J, mu, x", variables=["y", "gamma"]
    )
    refused(result, tmp_path / "out.nc", "an empty list", variables=[])
    refused(tmp_path / "none.h5", tmp_path / "out.nc", "no such file")
    refused(profiles, tmp_path / "out.csv", "same axes, got bond and site")
    refused(search, tmp_path / "out.csv", "zero and line", variables=["mu_bar", "points"])


@pytest.mark.parametrize("ending", ["nc", "csv"])
def test_a_target_that_is_there_needs_force(ending, result):
    target = result.with_name(f"out.{ending}")
    target.write_text("mine")
    refused(result, target, "--force")
    export(result, target, force=True)
    assert target.read_bytes()[:4] in (b"\x89HDF", b"gamm")


@pytest.mark.parametrize("force", [False, True])
def test_the_source_and_folders_are_never_replaced(force, result, tmp_path):
    source, link, folder = result.rename(tmp_path / "out.nc"), tmp_path / "link.nc", tmp_path / "folder.zarr"
    link.symlink_to(source)
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    for target in (source, link):
        refused(source, target, "is the result itself", force=force)
    refused(source, folder.rename(tmp_path / "folder.nc"), "is a folder", force=force)


def test_a_folder_that_is_no_zarr_is_never_replaced(result, monkeypatch, tmp_path):
    monkeypatch.setattr(exports.importlib.util, "find_spec", lambda name: name)
    (tmp_path / "out.zarr").mkdir()
    (tmp_path / "out.zarr" / "thesis.tex").write_text("years of work")
    refused(result, tmp_path / "out.zarr", "is a folder", force=True)


def test_a_target_below_a_file_or_with_too_long_a_name_is_refused(result, tmp_path):
    refused(result, result / "below" / "out.nc", "cannot be written")
    refused(result, tmp_path / "new" / ("x" * 253 + ".nc"), "cannot be written")


def test_what_a_killed_export_left_is_cleared_away(result, tmp_path):
    (tmp_path / "out.csv.part").write_text("half")
    (tmp_path / "out.csv.lock").write_text("")
    export(result, tmp_path / "out.csv")
    assert beside(result) == ["out.csv", "out.h5"]


def test_an_interrupted_export_leaves_nothing(result, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    (tmp_path / "old.nc").write_text("old")
    monkeypatch.setattr(exports._Result, "read", interrupt)
    for target, force in (tmp_path / "new" / "out.nc", False), (tmp_path / "old.nc", True):
        with pytest.raises(KeyboardInterrupt):
            export(result, target, force=force)
    assert beside(result) == ["old.nc", "out.h5"]
    assert (tmp_path / "old.nc").read_text() == "old"


# A disk that takes no more than some bytes a file. HDF5 must not crash of it, neither then nor at the end.
FULL = """
import resource, sys
from pathlib import Path
from jaxtransport.errors import InputError
from jaxtransport.store.export import export
source, *targets = map(Path, sys.argv[1:])
for size in (100, 3000, 20000, 60000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    for target in targets:
        try:
            export(source, target, level=0)
        except InputError as error:
            assert "cannot be written (File too large)" in str(error), error
        else:
            raise AssertionError(target)
print(*sorted({"jax", "jaxlib", "xarray", "matplotlib"}.intersection(sys.modules)))
"""


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_and_no_jax_is_needed(tmp_path):
    source = make(tmp_path / "out.h5", (100, 100))
    targets = [str(tmp_path / "new" / name) for name in ("x.nc", "x.csv", "x.csv.gz")]
    command = [sys.executable, "-W", "error", "-c", FULL, str(source), *targets]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
    assert beside(source) == ["out.h5"]


def test_of_a_live_result_status_is_read_before_the_values(result, monkeypatch, tmp_path):
    read, names = exports._Result.read, []

    def noting(self, name, box):
        names.append(name)
        return read(self, name, box)

    monkeypatch.setattr(exports._Result, "read", noting)
    for target in ("out.nc", "out.csv"):
        names.clear()
        export(result, tmp_path / target)
        assert names[0] == "status"
        assert "x" in names


@pytest.mark.slow
@pytest.mark.parametrize("target", ["big.nc", "big.csv"])
def test_memory_does_not_grow_with_the_result(target, tmp_path, monkeypatch):
    monkeypatch.setattr(exports, "ROWS", 512)
    peaks = []
    for size in (10, 60):
        source = make(tmp_path / "big.h5", (size, 200), variables=(Variable("x"),))
        tracemalloc.start()
        export(source, tmp_path / target, variables=["x"], level=1, force=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 2**20


@pytest.mark.parametrize("shape", [(1,), (9,), (4, 5), (3, 1, 7), (2, 11)])
@pytest.mark.parametrize("most", [1, 4, 10, 1000])
def test_tiles_cover_an_array_once(shape, most):
    tile = exports._tile(shape, most)
    assert np.prod(tile) <= most
    seen = np.zeros(shape, int)
    for box in exports._tiles(shape, tile):
        seen[box] += 1
    assert np.all(seen == 1)
