"""Derivatives: two kernels, two modes, finite differences of doubles and of 40 digits, and no NaN."""

from dataclasses import fields, replace
from functools import partial

import checks
import jax
import jax.numpy as jnp
import numpy as np
import precise
import pytest
import reference
from checks import KERNELS, close, compiled
from mpmath import mpf, workdps
from wires import disordered, make, stack

import jaxtransport as jt
from jaxtransport import layout as layouts

DRIVE = {"mu_bar": 0.37, "delta_mu": 0.1, "injection": 0.3}


NAMES = ("nonreciprocity", "conductance", "injection_response")


def quantities(kernel):
    """The numbers of NAMES as functions of the parameters of the wire and the drive."""

    def function(parameters, drive, strength, length):
        wire = jt.Wire(**parameters, strength=strength, length=length)
        transmission = jt.transmission(wire, drive["mu_bar"], kernel=kernel)
        return jnp.stack([jt.nonreciprocity(wire, **drive, kernel=kernel), *transmission.respond()])

    return function


def split(wire):
    parameters = {name: np.asarray(getattr(wire, name)) for name in ("onsite", "hopping", "coupling")}
    return parameters, DRIVE, wire.strength, wire.length


def gradients(wire, kernel):
    """Derivatives of NAMES (first axis) by every onsite energy, hopping, coupling and by the drive."""
    run = compiled(f"gradients {kernel}", jax.jacrev(quantities(kernel), argnums=(0, 1)))
    by_wire, by_drive = run(*split(wire))
    return {k: np.asarray(v) for k, v in {**by_wire, **by_drive}.items()}


# One wire of 12 sites, one of 9 in arrays of 12; bare sites, sources, drains and probes on both.
WIRES = {"full": disordered(80, 12), "padded": disordered(81, 9, sites=12)}


def test_chain_and_dense_have_one_gradient():
    """1e-9 of the largest derivative by each parameter; bare and padded sites give 0, not NaN."""
    for wire in WIRES.values():
        chain, dense = (gradients(wire, kernel) for kernel in KERNELS)
        N = int(wire.length)
        bare = wire.coupling[:N] == 0
        assert bare.any()
        for key, of_chain in chain.items():
            for name, value, expected in zip(NAMES, of_chain, dense[key], strict=True):
                close(value, expected, 1e-9, max(np.max(np.abs(expected)), 1e-3), f"{name} by {key}")
                assert np.all(np.isfinite(value)), f"{name} by {key}"
                if value.ndim:
                    assert np.all(value[N - (key == "hopping") :] == 0), (
                        f"{name} by {key}: padded sites count"
                    )
                if key == "coupling":  # a reservoir enters as gamma^2
                    assert np.all(value[:N][bare] == 0)
                    assert np.all(value[:N][~bare] != 0)


def exact(chain, mu_bar):
    """The numbers of NAMES to 40 digits, from mpf or doubles; Delta I without its absolute values."""
    p = precise.dense(chain, mu_bar, 60)
    i = mpf(DRIVE["injection"]) * p.r
    return 2 * min(p.g, abs(i)) * (1 if i > 0 else -1), p.g, p.r


def test_gradients_against_forty_digits():
    """Central differences of 60-digit arithmetic with h = 1e-15, exact to 1e-30; 1e-12 as for values."""
    wire = disordered(82, 6, sites=12)
    chain, h = reference.chain_of(wire), mpf(10) ** -15
    got = {kernel: gradients(wire, kernel) for kernel in KERNELS}

    def slopes(shifted):
        with workdps(60):
            return [float((up - down) / (2 * h)) for up, down in zip(shifted(h), shifted(-h), strict=True)]

    def shifted_site(key, l):
        def shifted(step):
            values = [mpf(float(v)) for v in getattr(chain, key)]
            values[l] += step
            return exact(replace(chain, **{key: values}), DRIVE["mu_bar"])

        return shifted

    by_energy = slopes(lambda step: exact(chain, mpf(DRIVE["mu_bar"]) + step))
    for gradient in got.values():
        close(gradient["mu_bar"], by_energy, 1e-12, what="mu_bar")
    for key in ("onsite", "hopping", "coupling"):
        for l, value in enumerate(getattr(chain, key)):
            if key == "coupling" and value == 0:
                continue  # bare: 0, as asserted above
            expected = slopes(shifted_site(key, l))
            for gradient in got.values():
                close(gradient[key][:, l], expected, 1e-12, np.max(np.abs(gradient[key])), f"{key} {l}")


def test_gradients_against_finite_differences():
    """Along random directions, h = 1e-5: third derivatives times h^2 and 1e-16 / h are 1e-10 each.

    1e-8, since third derivatives of a wire with resonances are some ten times the first ones.
    """
    wire = WIRES["padded"]
    got = gradients(wire, "chain")
    run = compiled("quantities chain", quantities("chain"))
    rng, h = np.random.default_rng(0), 1e-5
    parameters, drive, *rest = split(wire)
    for _ in range(5):
        direction = {k: np.where(v != 0, rng.normal(size=v.shape), 0.0) for k, v in parameters.items()}
        turn = {k: rng.normal() for k in drive}

        def at(step, direction=direction, turn=turn):
            moved = {k: parameters[k] + step * d for k, d in direction.items()}
            return np.asarray(run(moved, {k: drive[k] + step * t for k, t in turn.items()}, *rest))

        slope = sum(got[k] @ d for k, d in direction.items()) + sum(got[k] * t for k, t in turn.items())
        close(slope, (at(h) - at(-h)) / (2 * h), 1e-8, sum(np.max(np.abs(v)) for v in got.values()))


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_gradient_by_delta_mu_and_injected_current(share):
    """|i r| below |g|: Delta I = 2 i r; above: 2 g. In I_o neither knows delta_mu.

    With I_g in e gamma_o / hbar given, i = 2 pi I_g / delta_mu: d Delta I / d delta_mu = -Delta I / delta_mu.
    """
    wire = WIRES["full"]
    g, r = checks.respond(wire, "chain", 0.37)
    injection = share * g / r  # so that Delta I > 0
    slopes = compiled(
        "gradients by the drive",
        lambda d, i, I: (
            jax.grad(
                lambda d, i: jt.nonreciprocity(wire, mu_bar=0.37, delta_mu=d, injection=i), argnums=(0, 1)
            )(d, i),
            jax.value_and_grad(lambda d: jt.nonreciprocity(wire, mu_bar=0.37, delta_mu=d, I_g=I))(d),
        ),
    )
    (by_bias, by_injection), (here, by_bias_alone) = slopes(0.1, injection, injection * 0.1 / (2 * np.pi))
    close([by_bias, by_injection], [0.0, 2 * r if share < 1 else 0.0], 1e-14, 1.0)
    close(here, 2 * min(share, 1) * g, 1e-13)
    close(by_bias_alone, -here / 0.1 if share < 1 else 0.0, 1e-13, 10.0)


def numbers(state):
    """Every float of a state, 0 for NaN. The residual is left out: a rounding error has no derivative."""
    values = [getattr(state, f.name) for f in fields(state) if f.name != "residual"]
    return [jnp.where(jnp.isnan(v), 0.0, v) for v in values if jnp.issubdtype(v.dtype, jnp.floating)]


def test_forward_mode_is_reverse_mode_for_every_field():
    """<w, J v> = <J^T w, v> for random w and v, to 1e-10; no NaN from bare or padded sites either way."""
    wire = WIRES["padded"]
    parameters, drive, strength, length = split(wire)

    def state(parameters, drive):
        made = jt.Wire(**parameters, strength=strength, length=length)
        return numbers(jt.solve(made, **drive))

    rng = np.random.default_rng(1)
    random = partial(jax.tree.map, lambda v: jnp.asarray(rng.normal(size=np.shape(v))))
    at = jax.tree.map(jnp.asarray, (parameters, drive))
    v = random(at)

    @jax.jit
    def both(at, v, w):
        out, forward = jax.jvp(state, at, v)
        back = jax.vjp(state, *at)[1](w)
        return out, forward, back

    w = [rng.normal(size=np.shape(x)) for x in jax.eval_shape(state, *at)]
    out, forward, back = both(at, v, w)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves((out, forward, back)))
    dot = lambda a, b: sum(np.sum(x * y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))
    scale = sum(np.sum(np.abs(np.asarray(x) * y)) for x, y in zip(forward, w, strict=True))
    close(dot(w, forward), dot(back, v), 1e-10, scale)


def test_gradient_of_potentials_knows_only_the_reservoirs():
    """A cost made of potentials where there are any; bare sites, NaN in the state, leave no NaN behind."""
    wire = WIRES["full"]
    held = np.flatnonzero(wire.coupling > 0)

    def cost(onsite):
        moved = jt.Wire(onsite, wire.hopping, wire.coupling, wire.strength, wire.length)
        return jnp.sum(jt.solve(moved, **DRIVE).potentials[held] ** 2)

    assert np.all(np.isfinite(jax.jit(jax.grad(cost))(wire.onsite)))


@pytest.mark.parametrize("kernel", KERNELS)
def test_points_outside_the_band_leave_neighbours_their_gradients(kernel):
    """A cost that leaves out what is not solved, over a batch with one point outside the band."""
    wire = WIRES["full"]

    def cost(onsite, energies):
        def at(mu_bar):
            moved = jt.Wire(onsite, wire.hopping, wire.coupling, wire.strength, wire.length)
            value = jt.nonreciprocity(moved, mu_bar=mu_bar, delta_mu=0.1, injection=0.3, kernel=kernel)
            return jnp.where(jnp.isnan(value), 0.0, value)

        return jnp.sum(jax.vmap(at)(energies))

    slope = jax.jit(jax.grad(cost, argnums=(0, 1)))
    (by_onsite, by_energy), (expected, _) = (
        slope(wire.onsite, np.array(e)) for e in ([0.3, 2.5, 0.9], [0.3, 0.9, 0.9])
    )
    assert np.all(np.isfinite(by_onsite))
    assert float(by_energy[1]) == 0
    twice, _ = slope(wire.onsite, np.array([0.9, 2.5, 2.5]))
    close(by_onsite + twice, expected, 1e-12)


def test_gradient_of_gamma_through_the_constructor():
    """One gamma for all reservoirs: the sum over sites; as in Eq. B33 differentiated."""
    m, gamma = 1.0, 0.5

    def response(gamma):
        wire = jt.Wire.dimers(4, gamma=gamma)
        return jt.transmission(wire, m).respond()[1]

    g2, m2 = gamma**2, m**2
    top, bottom = g2**2 + 2 * g2 - g2 * m2, 2 + g2**2 + 4 * g2 - g2 * m2
    slope = 2 * gamma * ((2 * g2 + 2 - m2) * bottom - top * (2 * g2 + 4 - m2)) / bottom**2
    close(jax.jit(jax.grad(response))(gamma), slope, 1e-13)


def test_gradients_of_a_batch_of_lengths():
    """vmap of grad over N = 4 ... 12 in one array shape, finite and with 0 beyond each wire."""
    wires = [make(layouts.dimers(N), gamma=0.5, sites=12) for N in (4, 8, 12)]
    batch = stack(wires)

    slopes = compiled(
        "gradients of a batch", jax.vmap(jax.jacrev(quantities("chain")), in_axes=(0, None, 0, 0))
    )(
        {name: getattr(batch, name) for name in ("onsite", "hopping", "coupling")},
        DRIVE,
        batch.strength,
        batch.length,
    )
    for k, wire in enumerate(wires):
        one = gradients(wire, "chain")
        for name, value in slopes.items():
            close(value[k], one[name], 1e-12, what=name)
            assert np.all(value[k][:, int(wire.length) - (name == "hopping") :] == 0)
