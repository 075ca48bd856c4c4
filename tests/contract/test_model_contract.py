"""What every model owes: sweep files that are checked, results that resume, are drawn and exported."""

import numpy as np
import pytest

import jaxtransport as jt
from jaxtransport import models
from jaxtransport.models import MODELS, parse
from jaxtransport.store.results import read_attributes

# A short sweep of each model, with one axis.
EXAMPLES = {
    "quantum": '[wire]\nlayout = "pair"\nN = 6\ngamma = 0.4\n'
    "[drive]\ndelta_mu = 0.1\ninjection = 0.2\n[grid]\nmu_bar = [0.1, 0.3, 0.5]\n",
    "classical": '[wire]\nlayout = "pair"\nN = 6\n[drive]\ndelta_rho = 0.1\ninjection = 0.2\n'
    "[grid]\np = [0.3, 0.6, 0.9]\n",
    "circuit": '[wire]\nlayout = "pair"\nN = 6\n[drive]\n[grid]\ninjection = [0.1, 0.2, 0.4]\n',
}
OWN = ("status", "started", "finished", "halvings")  # of the file, not of the model
pytestmark = pytest.mark.parametrize("name", MODELS)


def text_of(name):
    assert name in EXAMPLES, f"give {name} an example here"
    return f'model = "{name}"\n{EXAMPLES[name]}'


@pytest.fixture
def sweep(name, tmp_path):
    (tmp_path / "sweep.toml").write_text(text_of(name))
    return tmp_path / "sweep.toml", tmp_path / "out.h5"


def test_its_file_is_read_and_its_mistakes_are_named(name):
    spec = parse(text_of(name))
    assert spec.model == name
    assert len(spec.axes) == 1
    assert spec.fingerprint == parse(f"# a comment\n{text_of(name)}").fingerprint
    with pytest.raises(jt.InputError, match=r"wire.layouts: unknown; did you mean 'layout'"):
        parse(text_of(name).replace("layout =", "layouts ="))
    with pytest.raises(jt.InputError, match=r"grid.*cannot be an axis"):
        parse(text_of(name) + "nothing = [1.0]\n")


def test_its_parameters_are_rows(name):
    for key, row in MODELS[name].parameters.items():
        assert row.name == key
        assert all((row.long_name, row.unit, row.symbol))
    spec = parse(text_of(name))
    for row in MODELS[name].axes:
        assert row.name in spec.tables[row.table].__class__.model_fields


@pytest.mark.slow
def test_a_run_is_solved_labelled_and_resumed(name, sweep):
    spec, out = sweep
    data = jt.run(spec, out)
    assert (data.status == 0).all()
    (axis,) = parse(text_of(name)).axes
    assert data[axis.name].attrs["units"] == axis.unit
    for variable in data.data_vars.values():
        assert {"units", "long_name"} <= set(variable.attrs) or variable.name in OWN
    for key, row in MODELS[name].parameters.items():
        if key in data.coords and data[key].ndim == 0:
            assert data[key].attrs["units"] == row.unit
    assert np.isfinite(data.nonreciprocity).all()
    before = out.read_bytes()
    again = jt.run(spec, out)
    assert out.read_bytes() == before
    assert again.identical(data)
    assert read_attributes(out)["model"] == name


def test_padding_costs_no_more_than_roundings(name):
    task = models.make_task(parse(text_of(name)))
    assert task.size >= 6
    assert task.bytes_per_point() > 8


@pytest.mark.slow
def test_it_is_drawn_and_exported(name, sweep, jaxtransport, tmp_path):
    spec, out = sweep
    jt.run(spec, out)
    code, _, said = jaxtransport("plot", out, "-o", tmp_path / "picture.png")
    assert code == 0, said
    assert (tmp_path / "picture.png").stat().st_size > 5000
    code, _, said = jaxtransport("export", out, "-o", tmp_path / "rows.csv")
    assert code == 0, said
    rows = (tmp_path / "rows.csv").read_text().splitlines()
    assert sum(not row.startswith("#") for row in rows) == 1 + 3
