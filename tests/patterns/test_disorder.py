"""Disorder by seed: published random bits, numbers that depend on their names alone, the right moments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats
from support import checks

import jaxtransport as jt
from jaxtransport.patterns import PATTERNS, pattern_of, threefry
from jaxtransport.patterns.traced import site_by_site, traceable


@pytest.mark.parametrize("numpy", [np, jnp], ids=["NumPy", "JAX"])
def test_published_bits(numpy):
    checks.published_random_bits(numpy)


def test_whole_numbers_are_two_words():
    for whole in (0, 7, 2**32 - 1, 2**32, 2**53):
        low, high = threefry.words(np.array([whole]))
        assert int(low[0]) + 2**32 * int(high[0]) == whole


def disorder(width=1.0, seed=7, **other):
    return {"pattern": "disorder", "width": width, "seed": seed, **other}


def numbers(value, count=40, **how):
    return pattern_of("onsite", value, **how).along(np.arange(count), count)


def test_a_number_depends_on_its_names_alone():
    """Not on the length; on the seed, the site, bond or site, and the place in a sum."""
    x = numbers(disorder())
    np.testing.assert_array_equal(numbers(disorder(), 7), x[:7])
    nothing = {"pattern": "alternating", "values": [0.0]}
    second = numbers([nothing, disorder()])
    others = [
        numbers(disorder(seed=8)),
        numbers(disorder(seed=7 + 2**32)),
        numbers(disorder(), of_bonds=True),
        second,
    ]
    for other in others:
        assert np.all(other != x)
    assert len(np.unique(np.concatenate([x, *others]))) == 5 * 40
    np.testing.assert_array_equal(numbers([disorder(), nothing]), x)
    np.testing.assert_array_equal(numbers([disorder(), disorder()]), x + second)


def test_box_and_normal_numbers_are_quantiles_of_one_uniform_number():
    x, g = numbers(disorder(width=1.0)), numbers(disorder(width=1.0, distribution="normal"))
    np.testing.assert_allclose(special.ndtr(g) - 0.5, x, atol=1e-15)
    np.testing.assert_array_equal(numbers(disorder(width=0.5)), 0.5 * x)


@pytest.mark.parametrize("distribution", ["box", "normal"])
def test_moments_and_independence(distribution):
    """A thousand seeds of a thousand sites: mean, variance, shape, and neighbours in site and in seed."""
    x = np.array([numbers(disorder(seed=s, distribution=distribution), 1000) for s in range(1000)])
    variance = 1 / 12 if distribution == "box" else 1.0
    count = x.size
    assert abs(x.mean()) < 4 * np.sqrt(variance / count)
    assert abs(x.var() / variance - 1) < 4 * np.sqrt(3 / count)
    law = stats.uniform(-0.5, 1.0) if distribution == "box" else stats.norm()
    assert stats.kstest(x.ravel(), law.cdf).pvalue > 1e-3
    for first, second in ((x[:, :-1], x[:, 1:]), (x[:-1], x[1:])):
        assert abs(np.mean(first * second) / variance) < 4 / np.sqrt(first.size)


@pytest.mark.parametrize("distribution", ["box", "normal"])
def test_compiled_code_has_the_same_numbers(distribution):
    """Traced or not, alone or in a batch, padded or not: box to the bit, sums and normal to rounding."""
    value = [{"pattern": "gradient", "first": 0.1, "last": 0.7}, disorder(distribution=distribution)]
    pattern = traceable(pattern_of("onsite", value))

    def of_seed(seed):
        return site_by_site("onsite", pattern, {"onsite.2.seed": seed}, 50, jnp.asarray(40))

    many = jax.jit(jax.vmap(of_seed))(jnp.array([3, 7, 2**40]))
    assert many.shape == (3, 50)
    for seed, found in zip((3, 7, 2**40), many, strict=True):
        value[1]["seed"] = seed
        relative = 0.0 if distribution == "box" else 4e-15  # of another erfinv
        np.testing.assert_allclose(found[:40], numbers(value), rtol=relative, atol=3e-16)
    alone = jax.jit(
        lambda seed: site_by_site(
            "onsite", traceable(pattern_of("onsite", disorder())), {"onsite.seed": seed}, 40, 40
        )
    )
    np.testing.assert_array_equal(alone(7), numbers(disorder()))


def test_in_a_wire_and_its_gradient():
    """The width of disorder has a derivative, the seed may be traced."""
    wire = jt.Wire.pair(12, gamma=0.4, onsite=disorder())
    np.testing.assert_array_equal(wire.onsite, numbers(disorder(), 12))
    level = lambda width, seed: jt.Wire.pair(12, gamma=0.4, onsite=disorder(width, seed)).onsite[4]
    assert float(jax.grad(level)(1.0, 7)) == float(numbers(disorder())[4])
    np.testing.assert_array_equal(
        jax.vmap(lambda s: level(1.0, s))(jnp.arange(3)), [numbers(disorder(seed=s))[4] for s in range(3)]
    )


WRONG = [
    (disorder(width=-1.0), r"onsite.width = -1.0: expected a number >= 0"),
    (disorder(seed=1.5), r"onsite.seed = 1.5: expected a whole number"),
    (disorder(seed=-1), r"onsite.seed = -1: expected a whole number from 0"),
    (disorder(distribution="gauss"), r"onsite.distribution = 'gauss': expected one of box, normal"),
    ([disorder(), disorder(seed=-1)], r"onsite.2.seed = -1"),
    ([disorder(), {"pattern": "disorde"}], r"onsite.2.pattern = 'disorde': .*'disorder'"),
    ([disorder(), 0.3], r"onsite = .*: expected numbers alone, or tables of patterns alone"),
]


@pytest.mark.parametrize(("value", "match"), WRONG)
def test_what_is_wrong_is_named(value, match):
    with pytest.raises(jt.InputError, match=match):
        jt.Wire.pair(6, gamma=0.4, onsite=value)


def test_every_pattern_has_a_name_of_its_own():
    assert list(PATTERNS) == ["alternating", "quasiperiodic", "disorder", "step", "gradient"]


@pytest.mark.parametrize(("width", "seed"), [(-1.0, 7), (1.0, 1.5), (1.0, -1), (1.0, 2.0**60)])
def test_traced_numbers_that_are_not_allowed_set_the_status(width, seed):
    def status(width, seed):
        wire = jt.Wire.pair(6, gamma=0.4, onsite=disorder(width, seed))
        return jt.solve(wire, mu_bar=0.3, delta_mu=0.1).status

    assert int(jax.jit(status)(1.0, 7)) == 0
    assert int(jax.jit(status)(width, seed)) == 4
