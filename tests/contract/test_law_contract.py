"""What every law owes: conserved charge, prescribed currents, the linear limit, mirror images, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from support.checks import close

import jaxtransport as jt
from jaxtransport.laws import LAWS, Law
from jaxtransport.models import make_task, parse

OPTIONS = {"series": {"order": 2}}  # the default takes twice as long to compile; it has tests of its own
KINDS = [pytest.param(kind(**OPTIONS.get(name, {})), id=name) for name, kind in LAWS.items()]
LEVELS = [0, 0.1, 0, -0.2, 0, 0.1, 0]
WIRE = jt.Wire.custom(7, sources=[2, 3], drains=[6], probes=[5], gamma=0.5, onsite=LEVELS)
HELD = [0, 1, 2, 4, 5, 6]  # sites with a reservoir
DRIVE = {"mu_bar": 0.3, "delta_mu": 0.2, "injection": 0.3}
pytestmark = pytest.mark.parametrize("law", KINDS)


def mirrored(wire):
    turned = lambda values: np.asarray(values)[::-1]
    arrays = {name: turned(getattr(wire, name)) for name in ("onsite", "hopping", "coupling", "strength")}
    return jt.Wire(length=wire.length, **{name: jnp.asarray(values) for name, values in arrays.items()})


def test_it_is_known_by_its_name(law):
    assert LAWS[law.name] is type(law)
    assert isinstance(law, Law)
    assert all(hasattr(law, key) for key in law.options)
    assert hash(law) == hash(type(law)(**OPTIONS.get(law.name, {})))


@pytest.mark.slow
def test_charge_is_conserved_and_currents_are_those_prescribed(law):
    """1e-11 of the largest current, as the laws promise."""
    state = jt.solve(WIRE, **DRIVE, law=law)
    assert int(state.status) == 0
    close(jnp.sum(state.site_current), 0.0, 1e-11, 1.0)
    close(state.site_current[1:-1], 0.3 * np.array([1, 1, 0, 0, -1]), 1e-13, 1.0)
    close(state.bond_current[0], state.current, 1e-13, 1.0)
    assert float(state.residual) < 1e-11


@pytest.mark.slow
def test_a_small_bias_is_linear_response(law):
    """What is beyond it falls at least like the bias."""
    beyond = []
    for delta_mu in (1e-2, 1e-3):
        drive = DRIVE | {"delta_mu": delta_mu}
        linear = jt.nonreciprocity(WIRE, **drive)
        beyond.append(abs(float(jt.nonreciprocity(WIRE, **drive, law=law) - linear)))
    assert beyond[0] < 1e-2
    assert beyond[1] <= 0.11 * beyond[0] + 1e-11


@pytest.mark.slow
def test_a_mirror_image_under_the_opposite_bias_has_mirrored_potentials(law):
    state = jt.solve(WIRE, **DRIVE, law=law)
    image = jt.solve(mirrored(WIRE), **DRIVE | {"delta_mu": -0.2}, law=law)
    close(np.asarray(image.potential)[::-1][HELD], np.asarray(state.potential)[HELD], 1e-12, 1.0)
    close(image.right_current, state.current, 1e-11, 1.0)


@pytest.mark.slow
def test_compiled_and_in_a_batch_it_is_the_same(law):
    """The traced stage may be another one: to what both promise."""
    alone = jnp.stack([jt.nonreciprocity(WIRE, **DRIVE | {"mu_bar": m}, law=law) for m in (0.1, 0.3)])
    many = jax.vmap(lambda m: jt.nonreciprocity(WIRE, **DRIVE | {"mu_bar": m}, law=law))
    close(jax.jit(many)(jnp.array([0.1, 0.3])), alone, 1e-10, 1.0)


@pytest.mark.slow
def test_its_derivative_is_that_of_its_values(law):
    """Central differences: the square of 1e-4, and 1e-11 over it."""
    call = lambda m: jt.nonreciprocity(WIRE, **DRIVE | {"mu_bar": m}, law=law)
    slope = (call(0.3 + 1e-4) - call(0.3 - 1e-4)) / 2e-4
    close(jax.grad(call)(0.3), slope, 1e-6, 1.0)


@pytest.mark.slow
def test_outside_the_band_the_status_says_so(law):
    status = jax.jit(lambda m: jt.solve(WIRE, **DRIVE | {"mu_bar": m}, law=law).status)
    assert int(status(1.95)) == 5


@pytest.mark.slow
def test_a_sweep_file_has_its_numbers(law, tmp_path):
    options = "".join(f"{key} = {value}\n" for key, value in OPTIONS.get(law.name, {}).items())
    (tmp_path / "law.toml").write_text(
        f'[wire]\nlayout = "pair"\nN = 6\ngamma = 0.4\n[drive]\ndelta_mu = 0.2\ninjection = 0.3\n'
        f'[solve]\nlaw = "{law.name}"\n{options}[grid]\nmu_bar = [0.1, 0.3]\n'
    )
    data = jt.run(tmp_path / "law.toml", tmp_path / "law.h5")
    wire = jt.Wire.pair(6, gamma=0.4)
    for m in (0.1, 0.3):
        expected = jt.nonreciprocity(wire, mu_bar=m, delta_mu=0.2, injection=0.3, law=law)
        close(data.nonreciprocity.sel(mu_bar=m).item(), float(expected), 1e-10, 1.0)
    task = make_task(parse((tmp_path / "law.toml").read_text()))
    assert task.compile_seconds > 0
    assert task.cost(8) > 0


@pytest.mark.slow
def test_zeros_are_found(law):
    """Delta I of the pair changes its sign between 0.2 and 1.2, in linear response at mu_bar = 0.7 about."""
    wire = jt.Wire.pair(4, gamma=0.5)
    found = jt.find_zeros(wire, over={"mu_bar": (1.3, 1.7)}, delta_mu=0.05, injection=0.3, law=law)
    assert found.sizes["zero"] == 1
    at = float(found.mu_bar[0])
    assert abs(at - np.sqrt(2 + 0.25)) < 0.01  # the zero of linear response, sqrt(2 + gamma^2)
    value = jt.nonreciprocity(wire, mu_bar=at, delta_mu=0.05, injection=0.3, law=law)
    assert abs(float(value)) < 1e-10
