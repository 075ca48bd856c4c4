"""Where sources and drains sit, and what is wrong with a layout."""

import numpy as np
import pytest

from jaxtransport import InputError, layout


def test_dimers_alternate_on_all_middle_sites():
    here = layout.dimers(8)
    assert (here.sources, here.drains, here.probes) == ((2, 4, 6), (3, 5, 7), ())
    np.testing.assert_array_equal(here.strength(), [0, 1, -1, 1, -1, 1, -1, 0])  # I_l = (-1)^l I_g
    np.testing.assert_array_equal(here.occupied(), [False, *[True] * 6, False])


def test_pair_sits_next_to_the_leads():
    here = layout.pair(9)
    assert (here.sources, here.drains) == ((2,), (8,))
    assert layout.pair(4) == layout.dimers(4)


def test_spaced_as_in_fig_10():
    """N = 60: sources at 2, 8, ..., 56 and drains at 5, 11, ..., 59."""
    here = layout.spaced(60, 3)
    assert here.sources == tuple(range(2, 57, 6))
    assert here.drains == tuple(range(5, 60, 6))
    assert layout.spaced(8, 1) == layout.dimers(8)


def test_strengths_go_along_the_wire():
    here = layout.custom(7, sources=[5, 2], drains=[4], probes=[3])
    np.testing.assert_array_equal(here.strength([0.5, 2, 3]), [0, 0.5, 0, -2, 3, 0, 0])
    np.testing.assert_array_equal(here.occupied(), [False, True, True, True, True, False, False])
    assert here.terminals == (2, 4, 5)


@pytest.mark.parametrize("name", layout.NAMES)
def test_make_by_name(name):
    more = {"spaced": {"spacing": 2}, "custom": {"sources": [2], "drains": [3]}}.get(name, {})
    assert layout.make(name, 6, **more) == getattr(layout, name)(6, **more)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: layout.dimers(7), ["N = 7", "even"]),
        (lambda: layout.dimers(2), ["N = 2", "N >= 4"]),
        (lambda: layout.pair(3), ["N = 3", "N >= 4"]),
        (lambda: layout.custom(1), ["N = 1", "N >= 2"]),
        (lambda: layout.spaced(10, 3), ["spacing = 3", "3 reservoirs"]),
        (lambda: layout.spaced(10, 0), ["spacing = 0"]),
        (lambda: layout.custom(6, sources=[1]), ["sources: site 1", "2 to N - 1 = 5"]),
        (lambda: layout.custom(6, drains=[6]), ["drains: site 6"]),
        (lambda: layout.custom(6, probes=[-2]), ["probes: site -2"]),
        (lambda: layout.custom(6, sources=[3], drains=[3]), ["drains: site 3", "sources"]),
        (lambda: layout.custom(6, sources=[3, 3]), ["sources: site 3", "already"]),
        (
            lambda: layout.custom(6, sources=[3]).strength([1, 2]),
            ["strengths: expected one number for each of 1", "got 2"],
        ),
        (lambda: layout.custom(6, sources=[3]).strength([-1]), ["strengths[1] = -1.0", "> 0"]),
        (lambda: layout.custom(6, sources=[3]).strength([float("nan")]), ["strengths[1] = nan"]),
    ],
)
def test_a_wrong_layout_names_the_argument(call, names):
    with pytest.raises(InputError) as error:
        call()
    for name in names:
        assert name in str(error.value)


def test_all_mistakes_at_once():
    with pytest.raises(InputError) as error:
        layout.custom(6, sources=[1, 3], drains=[3, 9])
    assert len(error.value.mistakes) == 3
