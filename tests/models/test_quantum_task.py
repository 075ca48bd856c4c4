"""Quantum sweeps: every stored number is that of `jaxtransport.solve` at its point of the grid."""

import itertools
from functools import cache, partial

import h5py
import jax
import numpy as np
import pytest
import tomlkit
import xarray as xr

import jaxtransport as jt
from jaxtransport import layout as layouts
from jaxtransport import models
from jaxtransport.store import results
from jaxtransport.variables import LINEAR, PER_POINT

SITES = 12  # reference wires are padded to this, and so compiled once
FEW = ["current_forward", "current_reverse", "nonreciprocity", "potential_forward", "potential_reverse"]


@cache
def solver(kernel):
    return jax.jit(partial(jt.solve, kernel=kernel))


def run(folder, **tables):
    """Run a sweep given as tables; the result."""
    path = folder / "sweep.toml"
    path.write_text(tomlkit.dumps(tables))
    return jt.run(path, folder / "out.h5", force=True)


@pytest.fixture
def sweep(tmp_path):
    return partial(run, tmp_path)


def reference(point, wire, drive, kernel="chain"):
    """Both biases at one point, by `solve`: every variable of LINEAR."""
    given = {**wire, **drive, **point}
    N = int(given["N"])
    sites = {key: given[key] for key in ("spacing", "sources", "drains", "probes") if key in given}
    made = jt.Wire.from_layout(
        layouts.make(given["layout"], N, **sites),
        gamma=_per_site(given.get("gamma", 1.0)),
        contact=given.get("contact"),
        onsite=_per_site(given.get("onsite", 0.0)),
        hopping=_per_site(given.get("hopping", 1.0)),
        strengths=given.get("strengths"),
    ).pad(SITES)
    injection = given.get("injection", 0.0)
    if "I_g" in given:
        injection = given["I_g"] * 2 * np.pi / given["delta_mu"]  # in units of I_o = delta_mu / 2 pi
    made = jax.tree.map(np.asarray, made)
    forward, reverse = (
        solver(kernel)(made, mu_bar=given["mu_bar"], delta_mu=delta_mu, injection=injection)
        for delta_mu in (given["delta_mu"], -given["delta_mu"])
    )
    out = {
        "conductance": forward.conductance,
        "injection_response": forward.injection_response,
        "nonreciprocity": abs(reverse.left_current) - abs(forward.left_current),
        "current_error": max(forward.current_error, reverse.current_error),
        "residual": max(forward.residual, reverse.residual),
        "outside_band": max(forward.outside_band, reverse.outside_band),
        "status": max(forward.status, reverse.status),
    }
    mean = (abs(reverse.left_current) + abs(forward.left_current)) / 2
    out["relative_nonreciprocity"] = out["nonreciprocity"] / mean
    for state, end in ((forward, "forward"), (reverse, "reverse")):
        out |= {
            f"current_{end}": state.left_current,
            f"right_current_{end}": state.right_current,
            f"potential_{end}": state.potentials[:N],
            f"site_current_{end}": state.currents[:N],
            f"bond_current_{end}": state.bond_current[: N - 1],
            f"heat_{end}": state.heat[:N],
            f"density_{end}": state.density[:N],
        }
    return {name: np.asarray(value) for name, value in out.items()}


def _per_site(value):
    return np.asarray(value, float) if isinstance(value, list) else value


def check(data, wire, drive, kernel="chain", names=None):
    """Every point of a result against `reference`; numbers beyond the wire are NaN."""
    dims = data.status.dims
    for index in itertools.product(*(range(data.sizes[dim]) for dim in dims)):
        here = data.isel(dict(zip(dims, index, strict=True)))
        point = {dim: float(here[dim]) for dim in dims}
        wanted = reference(point, wire, drive, kernel)
        for name in [*(names or LINEAR), "status"]:
            got, want = here[name].values, wanted[name]
            if got.ndim:
                assert np.all(np.isnan(got[len(want) :])), (name, point)
                got = got[: len(want)]
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12, err_msg=f"{name} at {point}")


WIRE = {"layout": "pair", "N": 8, "gamma": 0.5}
DRIVE = {"mu_bar": 1.0, "delta_mu": 0.1, "injection": 0.3}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "dense"])
def test_every_variable_at_every_point(kernel, sweep, tmp_path):
    data = sweep(
        wire=WIRE, drive=DRIVE, solve={"kernel": kernel},
        grid={"gamma": [0.3, 0.6], "N": [7, 4, 10], "mu_bar": [-0.5, 1.2]},
        output={"variables": list(LINEAR)},
    )  # fmt: skip
    assert set(data.data_vars) == {*LINEAR, "status"}
    np.testing.assert_array_equal(data.N, [7, 4, 10])
    with h5py.File(tmp_path / "out.h5") as file:
        for name, variable in LINEAR.items():
            assert data[name].dims == ("gamma", "N", "mu_bar", *variable.dims)
            assert data[name].dtype == variable.dtype
            np.testing.assert_array_equal(data[name], file[name][()])
    assert data.sizes["site"] == 10
    assert data.sizes["bond"] == 9
    check(data, WIRE, DRIVE, kernel)
    check_sites_that_hold_nothing(data.sel(N=10), data.sel(N=7))


def check_sites_that_hold_nothing(long, short):
    """Beyond the wire NaN; on a bare site NaN for potentials and density, 0 for currents and heat."""
    for name in [name for name, v in LINEAR.items() if v.dims == ("bond",)]:
        assert np.all(np.isfinite(long[name])), name
        assert np.all(np.isfinite(short[name][..., :6])), name
        assert np.all(np.isnan(short[name][..., 6:])), name
    for name in [name for name, v in LINEAR.items() if v.dims == ("site",)]:
        bare = np.nan if name.startswith(("potential", "density")) else 0.0
        np.testing.assert_array_equal(long[name][..., 2:8], bare, err_msg=name)
        np.testing.assert_array_equal(short[name][..., 2:5], bare, err_msg=name)
        np.testing.assert_array_equal(short[name][..., 7:], np.nan, err_msg=name)
        for held in (long[name][..., [0, 1, 8, 9]], short[name][..., [0, 1, 5, 6]]):
            assert np.all(np.isfinite(held)), name
            assert np.all(held != 0), name


@pytest.mark.slow
def test_superposition_over_bias_and_injection(sweep):
    """Free axes, around the solve axis, against a solve for each of their points."""
    grid = {"injection": [0.0, 0.3, -0.2], "mu_bar": [0.2, 1.0], "delta_mu": [0.4, 0.05]}
    names = [*FEW, "heat_forward", "density_reverse", "relative_nonreciprocity"]
    data = sweep(wire=WIRE, drive={}, grid=grid, output={"variables": names})
    assert data.status.dims == tuple(grid)
    check(data, WIRE, {}, names=names)


@pytest.mark.slow
def test_injected_currents_in_absolute_units(sweep):
    grid = {"delta_mu": [0.1, 0.2], "I_g": [0.0, 0.004, -0.01]}
    data = sweep(wire=WIRE, drive={"mu_bar": 0.7}, grid=grid, output={"variables": FEW})
    check(data, WIRE, {"mu_bar": 0.7}, names=FEW)


RNG = np.random.default_rng(7)
LISTS = {
    "gamma": [0.8, 0.5, 0, 0, 0, 0, 0.3, 0.9],
    "onsite": RNG.uniform(-0.5, 0.5, 8).tolist(),
    "hopping": RNG.uniform(0.7, 1.3, 7).tolist(),
    "strengths": [0.4, 1.3],
}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "dense"])
def test_lists_along_the_wire(kernel, sweep):
    wire = {**WIRE, **LISTS}
    grid = {"mu_bar": [0.0, 1.0]}
    data = sweep(wire=wire, drive=DRIVE, solve={"kernel": kernel}, grid=grid, output={"variables": FEW})
    assert np.all(data.status == 0)
    check(data, wire, DRIVE, kernel, FEW)


LAYOUTS = {
    "dimers": {"layout": "dimers"},
    "spaced": {"layout": "spaced", "spacing": 2, "contact": [0.6, 1.1]},
    "sources, drains and probes": {"layout": "custom", "sources": [2, 5], "drains": [4], "probes": [3]},
    "one source alone": {"layout": "custom", "sources": [4], "onsite": 0.3, "hopping": 1.2, "contact": 0.8},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_at_several_lengths(name, sweep):
    wire, grid = {**WIRE, **LAYOUTS[name]}, {"N": [6, 10], "gamma": [0.3, 0.5]}
    data = sweep(wire=wire, drive=DRIVE, grid=grid, output={"variables": FEW})
    assert np.all(data.status == 0)
    check(data, wire, DRIVE, names=FEW)


@pytest.mark.slow
def test_ends_of_a_gamma_list_couple_the_leads_as_a_contact_would(sweep):
    gamma, output = [0.8, 0.5, 0, 0, 0, 0, 0.3, 0.9], {"variables": ["conductance"]}
    lists = sweep(wire={**WIRE, "gamma": gamma}, drive=DRIVE, output=output)
    both = sweep(wire={**WIRE, "gamma": gamma, "contact": [0.8, 0.9]}, drive=DRIVE, output=output)
    xr.testing.assert_identical(lists.conductance, both.conductance)
    assert lists.attrs["fingerprint"] == both.attrs["fingerprint"]


@pytest.mark.slow
def test_probes_alone_carry_nothing_and_need_no_injection(sweep):
    wire = {**WIRE, "layout": "custom", "probes": [3, 5]}
    drive = {"mu_bar": 1.0, "delta_mu": 0.1}
    data = sweep(wire=wire, drive=drive, output={"variables": ["site_current_forward", "nonreciprocity"]})
    check(data, wire, drive, names=["site_current_forward", "nonreciprocity"])
    np.testing.assert_allclose(data.site_current_forward[1:-1], 0, atol=1e-15)
    assert data.nonreciprocity == 0


def test_leads_alone_are_a_perfect_wire(sweep):
    names = ["conductance", "injection_response"]
    wire, drive = {"layout": "custom", "N": 6}, {"mu_bar": 0.3, "delta_mu": 0.1}
    data = sweep(wire=wire, drive=drive, output={"variables": names})
    np.testing.assert_allclose(data.conductance, 1.0, rtol=1e-13)
    assert data.injection_response == 0


@pytest.mark.slow
def test_without_a_grid_variables_are_scalars(sweep, tmp_path):
    data = sweep(wire=WIRE, drive=DRIVE, output={"variables": ["conductance", "potential_forward"]})
    assert data.conductance.dims == data.status.dims == ()
    assert data.potential_forward.dims == ("site",)
    assert data.status == 0
    check(data, WIRE, DRIVE, names=["conductance", "potential_forward"])
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["conductance"].shape == ()
        assert file["potential_forward"].shape == (8,)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["N", "mu_bar", "delta_mu"])
def test_dimensions_are_in_the_order_of_the_grid(first, sweep):
    values = {"N": [6, 4, 7], "mu_bar": [0.1, 0.7], "delta_mu": [0.2, 0.1, 0.05, 0.4]}
    order = (first, *sorted(set(values) - {first}, reverse=True))
    grid = {name: values[name] for name in order}
    data = sweep(wire=WIRE, drive={"I_g": 0.01}, grid=grid, output={"variables": ["current_forward"]})
    assert data.current_forward.dims == data.status.dims == order
    for name in order:
        np.testing.assert_array_equal(data[name], values[name])
    check(data, WIRE, {"I_g": 0.01}, names=["current_forward"])


def test_every_scalar_can_be_an_axis(sweep):
    grid = {
        "N": [6], "gamma": [0.4], "contact": [0.7, 1.0], "mu_bar": [0.8], "delta_mu": [0.2], "I_g": [0.01],
        "onsite": [-0.4, 0.4], "hopping": [0.9, 1.2],
    }  # fmt: skip
    data = sweep(wire={"layout": "pair"}, grid=grid, output={"variables": ["current_reverse"]})
    assert data.status.shape == (1, 1, 2, 1, 1, 1, 2, 2)
    check(data, {"layout": "pair"}, {}, names=["current_reverse"])


def test_a_point_that_fails_says_so_and_harms_no_other(sweep):
    """The largest couplings leave conductances that are no numbers any more."""
    grid = {"gamma": [0.5, 1e75, 0.3, 1e74]}
    names = ["conductance", "potential_forward", "outside_band"]
    data = sweep(wire=WIRE, drive=DRIVE, grid=grid, output={"variables": names})
    failed = np.array([False, True, False, True])
    np.testing.assert_array_equal(data.status > 0, failed)
    np.testing.assert_array_equal(np.isnan(data.conductance), failed)
    np.testing.assert_array_equal(np.isnan(data.potential_forward).all("site"), failed)
    check(data.isel(gamma=[0, 2]), WIRE, DRIVE, names=names)
    flags, meanings = (data.status.attrs[f"flag_{key}"] for key in ("values", "meanings"))
    named = dict(zip(flags, meanings.split(), strict=True))
    assert [named[code] for code in data.status.values[failed]] == ["singular", "singular"]


def test_potentials_outside_the_band_are_flagged_and_kept(sweep):
    drive, names = {"mu_bar": 1.8, "delta_mu": 0.2}, ["outside_band", "potential_forward", "current_reverse"]
    data = sweep(wire=WIRE, drive=drive, grid={"injection": [0.1, 1.5]}, output={"variables": names})
    np.testing.assert_array_equal(data.outside_band, [0, 1])
    np.testing.assert_array_equal(data.status, 0)
    assert data.potential_forward.max() > 2
    check(data, WIRE, drive, names=names)


class Stop(Exception):
    pass


def created(folder, **tables):
    """The path of a result as it is before anything is computed."""

    def stop(progress):
        raise Stop

    path = folder / "created.toml"
    path.write_text(tomlkit.dumps(tables))
    with pytest.raises(Stop):
        jt.run(path, folder / "created.h5", force=True, report=stop)
    return folder / "created.h5"


GRID = {"delta_mu": [0.1, 0.2], "N": [6, 4], "mu_bar": [0.5]}


@pytest.fixture
def file(tmp_path):
    """The path of a result with everything in it."""
    every = {"variables": list(LINEAR)}
    return created(tmp_path, title="everything", wire=WIRE, drive={"injection": 0.3}, grid=GRID, output=every)


def test_the_default_is_every_variable_of_a_point(tmp_path):
    data = jt.load(created(tmp_path, wire=WIRE, drive=DRIVE))
    assert set(data.data_vars) == {*PER_POINT, "status"}


def test_before_anything_is_computed_all_is_missing(file, tmp_path):
    for data in (jt.load(file), jt.load(created(tmp_path, wire=WIRE, drive=DRIVE))):
        assert np.all(data.status == -1)
        assert np.all(np.isnan(data.nonreciprocity))
        assert np.all(data.outside_band == 0)


def test_unit_of_current_goes_with_a_delta_mu_axis(file, tmp_path):
    data = jt.load(file)
    assert "I_o" in data.coords
    assert data.I_o.dims == ("delta_mu",)
    assert data.I_o.attrs["units"] == "e gamma_o/hbar"
    np.testing.assert_allclose(data.I_o, data.delta_mu / (2 * np.pi), rtol=1e-15)
    assert "I_o" in data.conductance.coords
    assert "I_o" not in jt.load(created(tmp_path, wire=WIRE, drive=DRIVE, grid={"N": [4]})).variables


def test_everything_has_a_unit_and_a_name(file):
    with h5py.File(file) as stored:
        axes, fixed = {"delta_mu", "N", "mu_bar", "site", "bond"}, {"gamma", "contact", "injection"}
        fixed |= {"onsite", "hopping"}
        assert set(stored) == {*LINEAR, *axes, *fixed, "I_o", "status", "run"}
        for name, dataset in stored.items():
            if name == "run":  # a group: what a run notes for itself
                continue
            assert isinstance(dataset.attrs["units"], str), name
            assert dataset.attrs["units"], name
            assert dataset.attrs["long_name"], name
            assert "_FillValue" not in dataset.attrs, name
        for name, variable in LINEAR.items():
            assert stored[name].attrs["units"] == variable.unit
            assert stored[name].attrs["long_name"] == variable.long_name


def test_units_are_those_of_the_contract(file):
    units = {
        "conductance": "e^2/h", "injection_response": "1", "nonreciprocity": "I_o", "residual": "I_o",
        "current_forward": "I_o", "right_current_reverse": "I_o", "relative_nonreciprocity": "1",
        "potential_forward": "gamma_o", "site_current_forward": "I_o", "bond_current_reverse": "I_o",
        "heat_forward": "gamma_o^2/hbar", "density_reverse": "1",
    }  # fmt: skip
    with h5py.File(file) as stored:
        assert {name: stored[name].attrs["units"] for name in units} == units


def test_every_dimension_has_its_scale(file):
    with h5py.File(file) as stored:
        grid = ["delta_mu", "N", "mu_bar"]
        for name in ("delta_mu", "N", "mu_bar", "site", "bond"):
            assert stored[name].is_scale, name
        for name, variable in LINEAR.items():
            dims = [list(dim.keys()) for dim in stored[name].dims]
            assert dims == [[dim] for dim in (*grid, *variable.dims)], name
        assert [list(dim.keys()) for dim in stored["status"].dims] == [[dim] for dim in grid]
        np.testing.assert_array_equal(stored["site"], [1, 2, 3, 4, 5, 6])
        np.testing.assert_array_equal(stored["bond"], [1, 2, 3, 4, 5])


def test_the_whole_file_is_laid_out_before_the_first_number(file, tmp_path):
    """Contiguous, and allocated: a write later on neither moves nor allocates anything."""
    for path in (file, created(tmp_path, wire=WIRE, drive=DRIVE)):
        with h5py.File(path) as stored:
            assert stored.id.get_create_plist().get_version()[0] == 0  # the oldest superblock: default format
            every = {**dict(stored), **dict(stored["run"])}
            del every["run"]
            for name, dataset in every.items():
                assert dataset.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS, name
            assert [name for name, dataset in every.items() if dataset.id.get_offset() is None] == []


def test_status_is_flags_and_stays_small(file):
    with xr.open_dataset(file, engine="h5netcdf") as data:
        assert data.status.dtype == np.int8
        assert data.outside_band.dtype == np.int8
        assert "_FillValue" not in data.status.attrs
        assert "_FillValue" not in data.status.encoding
        assert data.status.attrs["flag_values"].dtype == np.int8
        meanings = data.status.attrs["flag_meanings"].split()
        assert dict(zip(data.status.attrs["flag_values"].tolist(), meanings, strict=True)) == {
            -1: "not_computed", 0: "solved", 1: "step_limit", 2: "diverged", 3: "singular", 4: "not_finite",
            5: "outside_band", 6: "crashed", 7: "not_resolved",
        }  # fmt: skip


def test_root_attributes_say_where_a_result_comes_from(file):
    with xr.open_dataset(file, engine="h5netcdf") as data:
        attributes = data.attrs
    spec = models.parse(attributes["spec"])
    assert spec.fingerprint == attributes["fingerprint"]
    assert spec.title == attributes["title"] == "everything"
    assert spec.variables == tuple(LINEAR)
    assert [axis.name for axis in spec.axes] == ["delta_mu", "N", "mu_bar"]
    assert attributes["jaxtransport_version"] == jt.__version__
    assert attributes["jax_version"] == jax.__version__
    assert attributes["precision"] == "float64"
    assert attributes["device"].startswith(jax.devices()[0].platform)
    assert attributes["model"] == "quantum"
    assert {"revision", "python_version", "plan", "format"} <= set(attributes)
    assert {name: str(value) for name, value in results.read_attributes(file).items()} == {
        name: str(value) for name, value in attributes.items()
    }


@pytest.mark.slow
def test_xarray_and_h5py_read_the_same(sweep, tmp_path):
    drive, names, file = {"injection": 0.3}, ["conductance", "potential_forward"], tmp_path / "out.h5"
    data = sweep(wire=WIRE, drive=drive, grid=GRID, output={"variables": names})
    with xr.open_dataset(file, engine="h5netcdf") as opened:
        xr.testing.assert_identical(opened.load(), data)
    with h5py.File(file) as stored:
        for name in (*names, "status", "delta_mu", "N", "mu_bar", "site", "I_o"):
            np.testing.assert_array_equal(stored[name][()], data[name].values)
    assert set(data.dims) == {"delta_mu", "N", "mu_bar", "site"}
    assert set(data.coords) == {*data.dims, "I_o", "gamma", "contact", "injection", "onsite", "hopping"}


def test_a_run_leaves_the_settings_of_jax_alone(sweep):
    with jax.enable_x64(False):
        before = dict(jax.config.values)
        data = sweep(wire=WIRE, drive=DRIVE, output={"variables": ["conductance"]})
        assert dict(jax.config.values) == before
        assert jax.numpy.zeros(1).dtype == np.float32
    assert data.conductance.dtype == np.float64
    check(data, WIRE, DRIVE, names=["conductance"])
