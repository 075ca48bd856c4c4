"""Moments and quantiles of samples in pieces, against those of the whole sample by NumPy and in 40 digits."""

import numpy as np
import pytest
from mpmath import mp, mpf, workdps
from support.checks import close

from jaxtransport.sweep import moments as module
from jaxtransport.sweep import quantiles
from jaxtransport.sweep.moments import Moments, merged, moments

RNG = np.random.default_rng(5)
PIECE = 64


def in_pieces(x, status, piece=PIECE):
    total = Moments.none(len(x), status.shape[:-1])
    for i in range(0, x.shape[-1], piece):
        total = merged(total, moments(x[..., i : i + piece], status[..., i : i + piece]))
    return total


def sample(members=1000, offset=0.0, failing=0.0):
    x = offset + RNG.lognormal(size=(3, 2, 4, members))
    status = np.where(RNG.random((2, 4, members)) < failing, 3, 0).astype(np.int8)
    return np.where(status, np.nan, x), status


@pytest.mark.parametrize("failing", [0.0, 0.2])
@pytest.mark.parametrize("members", [1, 2, PIECE, PIECE + 1, 1000])
def test_pieces_against_the_whole(members, failing):
    """To 1e-13: roundings of 1000 numbers."""
    x, status = sample(members, failing=failing)
    total, counted = in_pieces(x, status), status == 0
    n = counted.sum(-1)
    np.testing.assert_array_equal(total.n, n)
    np.testing.assert_array_equal(total.failed, members - n)
    some = np.broadcast_to(n > 0, total.mean.shape)
    with np.errstate(all="ignore"):
        mean = np.nansum(x, -1) / n
        close(total.mean[some], mean[some], 1e-13)
        close(total.squares[some], np.nansum((x - mean[..., None]) ** 2, -1)[some], 1e-13, 1.0 + members)
        close(total.logs[some], np.nansum(np.log(x), -1)[some], 1e-12, 1.0)


def test_far_from_zero_nothing_cancels():
    """x = 1e8 + noise of size 1, against 40 digits: means are rounded to 1e-8 of that."""
    x = (1e8 + RNG.normal(size=5000)).reshape(1, 1, 5000)
    total = in_pieces(x, np.zeros((1, 5000), np.int8))
    with workdps(40):
        exact = [mpf(float(v)) for v in x.ravel()]
        mean = mp.fsum(exact) / 5000
        squares = mp.fsum((v - mean) ** 2 for v in exact)
        assert abs(total.mean[0, 0] - mean) < 2 * np.spacing(1e8)
        assert abs(total.squares[0, 0] / squares - 1) < 1e-8
    naive = np.sum(x**2) - np.sum(x) ** 2 / 5000
    assert abs(naive / float(squares) - 1) > 1e-3  # what the pieces avoid


def test_a_piece_is_the_same_alone_and_among_others():
    """Bit for bit, whatever else is reduced with it."""
    x, status = sample(PIECE, failing=0.1)
    whole = moments(x, status)
    alone = moments(x[:, 1:, 2:3], status[1:, 2:3])
    for a, b in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(a[..., 1:, 2:3], b)


def test_the_first_failure_is_kept():
    status = np.array([[0, 0, 5, 3], [0, 0, 0, 0], [4, 4, 5, 5]], np.int8)
    one = moments(np.ones((1, 3, 4)), status)
    np.testing.assert_array_equal(one.first, [5, 0, 4])
    np.testing.assert_array_equal(merged(one, one).first, [5, 0, 4])
    later = merged(moments(np.ones((1, 3, 4)), np.zeros((3, 4), np.int8)), one)
    np.testing.assert_array_equal(later.first, [5, 0, 4])


FAULTS = {
    "a factor": lambda m: m._replace(squares=m.squares * 2),
    "a sign": lambda m: m._replace(mean=-m.mean),
    "one more": lambda m: m._replace(n=m.n + 1),
    "logs": lambda m: m._replace(logs=m.logs + 1e-9),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_faults_are_seen(fault, monkeypatch):
    right = module.moments
    monkeypatch.setitem(globals(), "moments", lambda *args: fault(right(*args)))
    with pytest.raises(AssertionError):
        test_pieces_against_the_whole(1000, 0.2)


PROBABILITIES = (0.0, 0.05, 0.1, 0.5, 0.77, 0.95, 1.0)


@pytest.mark.parametrize("members", [1, 2, 3, 10, 999])
def test_exact_quantiles_are_those_of_numpy(members):
    x, status = sample(members)
    found = quantiles.exact(x, status == 0, PROBABILITIES)
    np.testing.assert_array_equal(found, np.moveaxis(np.quantile(x, PROBABILITIES, -1), 0, -1))


def test_quantiles_of_members_that_count():
    x, status = sample(200, failing=0.5)
    x = np.where(np.isnan(x), 1e9, x)
    found = quantiles.exact(x, status == 0, PROBABILITIES)
    for index in np.ndindex(x.shape[:-1]):
        kept = x[index][status[index[1:]] == 0]
        np.testing.assert_array_equal(found[index], np.quantile(kept, PROBABILITIES))
    assert np.all(np.isnan(quantiles.exact(x, np.zeros_like(status, bool), PROBABILITIES)))
    x[0, 0, 0, 3], status[0, 0, 3] = np.nan, 0
    assert np.all(np.isnan(quantiles.exact(x, status == 0, PROBABILITIES)[0, 0, 0]))


def test_sketched_quantiles_to_their_error():
    """Of the member whose rank is asked for: within `ALPHA`, of either sign and over many decades."""
    x = RNG.lognormal(sigma=8.0, size=(4, 5001)) * np.array([[1e-4], [-1e-4], [1e-25], [1e-4]])
    x[3] *= np.sign(RNG.normal(size=5001))
    x[3, :1500] = 0.0
    sketch = quantiles.Sketch(4)
    for i in range(0, 5001, 100):
        part = x[:, i : i + 100]
        sketch.add(part, np.ones_like(part, bool))
    found = sketch.quantiles(PROBABILITIES)
    exact = np.stack([np.quantile(row, PROBABILITIES, method="lower") for row in x])
    inside = np.abs(exact) > quantiles.SMALLEST
    close((found / np.where(inside, exact, 1.0))[inside], np.ones(inside.sum()), quantiles.ALPHA * 1.0001)
    np.testing.assert_array_equal(found[~inside], 0.0)


def test_sketched_quantiles_of_tiny_numbers():
    """Conductances of localised wires are far below the rounding of 1, and are no zeros."""
    x = np.array([1.1e-30, 1e-24, 3e-20, 1e-10, 0.9e10])
    sketch = quantiles.Sketch(5)
    sketch.add(x[:, None], np.ones((5, 1), bool))
    close(sketch.quantiles([0.5])[:, 0] / x, np.ones(5), quantiles.ALPHA * 1.0001)


def test_sketches_do_not_depend_on_the_order():
    x = RNG.normal(size=(1, 1000))
    one, other = quantiles.Sketch(1), quantiles.Sketch(1)
    one.add(x, x > -1)
    for part in np.split(x[:, ::-1], 10, -1):
        other.add(part, part > -1)
    np.testing.assert_array_equal(one.counts, other.counts)
    one.add(np.array([[np.nan]]), np.array([[True]]))
    assert np.all(np.isnan(one.quantiles([0.5])))
    assert np.all(np.isnan(quantiles.Sketch(2).quantiles([0.5])))
    far = quantiles.Sketch(1)
    far.add(np.array([[-1e300, 1e300]]), np.ones((1, 2), bool))
    np.testing.assert_array_equal(far.quantiles([0.0, 1.0]), [[-np.inf, np.inf]])
