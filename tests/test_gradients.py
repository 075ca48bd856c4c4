"""Derivatives: two kernels, two modes, finite differences of doubles and of 40 digits, and no NaN."""

from dataclasses import fields, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mpf, workdps
from support import engine, precise, reference
from support.checks import close
from support.engine import KERNELS, compiled
from support.wires import disordered, stack

import jaxtransport as jt
from jaxtransport.probes.response import response_of

NAMES = ("nonreciprocity", "conductance", "injection_response")
PARAMETERS = ("onsite", "hopping", "coupling")
DRIVE = {"mu_bar": 0.37, "injection": 0.3}
POINT = {"mu_bar": 0.37, "delta_mu": 0.1, "injection": 0.3}

# Bare sites, sources, drains and probes on all of them; arrays of 12 entries.
WIRES = {
    "full": disordered(80, 12),
    "padded": disordered(81, 9, sites=12),
    "short": disordered(82, 6, sites=12),
}


def quantities(kernel):
    """The numbers of NAMES as functions of the parameters of the wire and the drive, from one solution."""

    def function(parameters, drive, strength, length):
        wire = jt.Wire(**parameters, strength=strength, length=length)
        response = response_of(jt.transmission(wire, drive["mu_bar"], kernel=kernel))
        delta_I = response.nonreciprocity(drive["injection"])
        return jnp.stack([delta_I, response.conductance, response.injection])

    return function


def split(wire):
    return {name: getattr(wire, name) for name in PARAMETERS}, DRIVE, wire.strength, wire.length


def gradients(kernel):
    """For every wire, the derivatives of NAMES (first axis) by each parameter; `vmap` of `jacrev`."""
    slopes = jax.jacrev(quantities(kernel), argnums=(0, 1))
    run = compiled(f"gradients {kernel}", jax.vmap(slopes, in_axes=(0, None, 0, 0)))
    by_wire, by_drive = run(*split(stack(list(WIRES.values()))))
    both = {**by_wire, **by_drive}
    return {name: {key: value[k] for key, value in both.items()} for k, name in enumerate(WIRES)}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["chain", "long"])
def test_chain_and_dense_have_one_gradient(kernel):
    """1e-9 of the largest derivative by each parameter; bare and padded sites give 0, not NaN."""
    chain, dense = gradients(kernel), gradients("dense")
    for wire_name, wire in WIRES.items():
        N = int(wire.length)
        bare = wire.coupling[:N] == 0
        assert bare.any()
        for key, of_chain in chain[wire_name].items():
            for name, value, expected in zip(NAMES, of_chain, dense[wire_name][key], strict=True):
                what = f"{name} by {key}"
                close(value, expected, 1e-9, max(np.max(np.abs(expected)), 1e-3), what)
                assert np.all(np.isfinite(value)), what
                if value.ndim:
                    assert np.all(value[N - (key == "hopping") :] == 0), f"{what}: padded sites count"
                if key == "coupling":  # a reservoir enters as gamma^2
                    assert np.all(value[:N][bare] == 0)
                    assert np.all(value[:N][~bare] != 0)


def exact(chain, mu_bar):
    """The numbers of NAMES to 40 digits, from mpf or doubles."""
    p = precise.dense(chain, mu_bar, 60)
    i = mpf(DRIVE["injection"]) * p.r
    return 2 * min(p.g, abs(i)) * (1 if i > 0 else -1), p.g, p.r


@pytest.mark.slow
def test_gradients_against_forty_digits():
    """Central differences of 60-digit arithmetic with h = 1e-15, exact to 1e-30; 1e-12 as for values."""
    chain, h = reference.chain_of(WIRES["short"]), mpf(10) ** -15
    got = {kernel: gradients(kernel)["short"] for kernel in KERNELS}

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
    for key in PARAMETERS:
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
    got = gradients("chain")["padded"]
    run = compiled("quantities chain", quantities("chain"))
    rng, h = np.random.default_rng(0), 1e-5
    parameters, drive, *rest = split(WIRES["padded"])
    for _ in range(5):
        direction = {k: np.where(v != 0, rng.normal(size=v.shape), 0.0) for k, v in parameters.items()}
        turn = {k: rng.normal() for k in drive}

        def at(step, direction=direction, turn=turn):
            moved = {k: parameters[k] + step * d for k, d in direction.items()}
            return run(moved, {k: drive[k] + step * t for k, t in turn.items()}, *rest)

        slope = sum(got[k] @ d for k, d in direction.items()) + sum(got[k] * t for k, t in turn.items())
        close(slope, (at(h) - at(-h)) / (2 * h), 1e-8, sum(np.max(np.abs(v)) for v in got.values()))


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_gradient_by_delta_mu_and_injected_current(share):
    """|i r| below |g|: Delta I = 2 i r; above: 2 g. In I_o neither knows delta_mu.

    With I_g in e gamma_o / hbar given, i = 2 pi I_g / delta_mu: d Delta I / d delta_mu = -Delta I / delta_mu.
    """
    wire = WIRES["full"]
    g, r = engine.respond(wire, "chain", 0.37)
    injection = share * g / r  # so that Delta I > 0

    def slopes(d, i, I):
        value = lambda d, **current: jt.nonreciprocity(wire, mu_bar=0.37, delta_mu=d, **current)
        by_both = jax.grad(lambda d, i: value(d, injection=i), argnums=(0, 1))(d, i)
        return by_both, jax.value_and_grad(lambda d: value(d, I_g=I))(d)

    run = compiled("gradients by the drive", slopes)
    (by_bias, by_injection), (here, by_bias_alone) = run(0.1, injection, injection * 0.1 / (2 * np.pi))
    close([by_bias, by_injection], [0.0, 2 * r if share < 1 else 0.0], 1e-14, 1.0)
    close(here, 2 * min(share, 1) * g, 1e-13)
    close(by_bias_alone, -here / 0.1 if share < 1 else 0.0, 1e-13, 10.0)


@pytest.mark.slow
def test_forward_mode_is_reverse_mode():
    """J v by `jvp` and by the gradients above, for random directions v; 1e-10 of the terms summed."""
    wires = stack(list(WIRES.values()))
    rng = np.random.default_rng(1)
    parameters, drive, strength, length = split(wires)
    v = {k: rng.normal(size=p.shape) for k, p in parameters.items()}, {k: rng.normal() for k in drive}

    def forward(parameters, strength, length, turn):
        at = lambda parameters, drive: quantities("chain")(parameters, drive, strength, length)
        return jax.jvp(at, (parameters, drive), (turn, v[1]))[1]

    drive = {k: float(d) for k, d in drive.items()}
    got = compiled("forward", jax.vmap(forward))(parameters, strength, length, v[0])
    for k, gradient in enumerate(gradients("chain").values()):
        terms = [gradient[key] * v[0][key][k] for key in PARAMETERS]
        terms += [(gradient[key] * v[1][key])[:, None] for key in DRIVE]
        terms = np.concatenate(terms, axis=1)
        close(got[k], terms.sum(axis=1), 1e-10, np.abs(terms).sum())


def numbers(state):
    """Every float of a state, 0 for NaN. The residual is left out: a rounding error has no derivative."""
    values = [getattr(state, f.name) for f in fields(state) if f.name != "residual"]
    return [jnp.where(jnp.isnan(v), 0.0, v) for v in values if jnp.issubdtype(v.dtype, jnp.floating)]


@pytest.mark.slow
def test_every_field_of_a_state_has_a_gradient():
    """A cost of random weights on all fields against finite differences; no NaN from bare or padded sites.

    h = 1e-5 and 1e-7 of the terms summed: as above, and density and potentials go with 1 / Gamma.
    """
    parameters, _, strength, length = split(WIRES["padded"])
    rng, h = np.random.default_rng(1), 1e-5

    def moved(direction, step):
        values = {k: parameters[k] + step * d for k, d in direction.items()}
        return engine.solve(jt.Wire(**values, strength=strength, length=length), "chain", *POINT.values())

    turn = {k: np.where(v != 0, rng.normal(size=v.shape), 0.0) for k, v in parameters.items()}
    weights = [rng.normal(size=np.shape(v)) for v in numbers(moved(turn, 0.0))]

    def cost(state):
        return sum(jnp.sum(w * v) for w, v in zip(weights, numbers(state), strict=True))

    def of_parameters(parameters):
        return cost(jt.solve(jt.Wire(**parameters, strength=strength, length=length), **POINT))

    got = compiled("gradient of a state", jax.grad(of_parameters))(parameters)
    assert all(np.all(np.isfinite(v)) for v in got.values())
    terms = np.concatenate([got[k] * turn[k] for k in PARAMETERS])
    slope = (cost(moved(turn, h)) - cost(moved(turn, -h))) / (2 * h)
    close(terms.sum(), slope, 1e-7, np.abs(terms).sum())


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_points_outside_the_band_leave_neighbours_their_gradients(kernel):
    """A cost that leaves out what is not solved, over a batch with points outside the band."""
    wire = WIRES["full"]

    def cost(onsite, energies):
        def at(mu_bar):
            moved = jt.Wire(onsite, wire.hopping, wire.coupling, wire.strength, wire.length)
            value = jt.nonreciprocity(moved, mu_bar=mu_bar, delta_mu=0.1, injection=0.3, kernel=kernel)
            return jnp.where(jnp.isnan(value), 0.0, value)

        return jnp.sum(jax.vmap(at)(energies))

    slope = compiled(f"outside {kernel}", jax.grad(cost, argnums=(0, 1)))
    both, _ = slope(wire.onsite, np.array([0.3, 0.9]))
    parts = [slope(wire.onsite, np.array([w, 2.5])) for w in (0.3, 0.9)]
    for by_onsite, by_energy in parts:
        assert np.all(np.isfinite(by_onsite))
        assert by_energy[1] == 0
    close(parts[0][0] + parts[1][0], both, 1e-12)


@pytest.mark.slow
def test_gradient_of_gamma_through_the_constructor():
    """One gamma for all reservoirs, the sum over sites: Eq. B33 differentiated."""
    m2, gamma = 1.0, 0.5
    response = lambda gamma: jt.transmission(jt.Wire.dimers(4, gamma=gamma), 1.0).lead_response().injection
    g2 = gamma**2
    top, bottom = g2**2 + 2 * g2 - g2 * m2, 2 + g2**2 + 4 * g2 - g2 * m2
    slope = 2 * gamma * ((2 * g2 + 2 - m2) * bottom - top * (2 * g2 + 4 - m2)) / bottom**2
    close(compiled("gradient of gamma", jax.grad(response))(gamma), slope, 1e-13)
