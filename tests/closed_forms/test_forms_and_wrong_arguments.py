"""Arguments of closed forms: lists broadcast, nonsense is refused by name."""

import numpy as np
import pytest
from support.checks import close

from jaxtransport.closed_forms import circuit, lattice, long_wire, pair, short_wire
from jaxtransport.errors import InputError


def test_lists_broadcast_like_arrays():
    drives = [0.1, 0.2]
    for form, before in (
        (lattice.current, (10, 0.5, 0.3)),
        (circuit.current, (10, 1.0)),
        (pair.potential_shift, (9, 0.7, 0.5, 0.1)),
        (short_wire.potential_shift, (0.7, 0.5, 0.1)),
        (long_wire.heat, (30, 0.7, 0.5, 0.1)),
    ):
        close(form(*before, drives), [form(*before, I_g) for I_g in drives], 1e-15)
    close(pair.nonreciprocity([7, 8], 0.7, 0.5), pair.nonreciprocity(np.array([7, 8]), 0.7, 0.5), 0.0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: pair.nonreciprocity(9, 2.0, 0.5), "mu_bar"),
        (lambda: pair.nonreciprocity(9, 0.7, 0.0), "gamma"),
        (lambda: pair.nonreciprocity(3, 0.7, 0.5), "N"),
        (lambda: pair.nonreciprocity(9, "a", 0.5), "mu_bar"),
        (lambda: lattice.current(7, 0.5, 0.3, 0.1), "N"),
        (lambda: lattice.current(8, 1.5, 0.3, 0.1), "p"),
        (lambda: lattice.current(8, 0.5, float("nan"), 0.1), "delta_rho"),
        (lambda: long_wire.profile(31, 0.7, 0.5, 0.1, 0.01), "N"),
        (lambda: long_wire.density(float("nan"), 0.7, 0.5, 0.1), "l"),
        (lambda: short_wire.potential_shift(0.7, 0.5, None, 0.1), "delta_mu"),
        (lambda: circuit.injection_response("d"), "circuit"),
    ],
)
def test_nonsense_is_named(call, name):
    with pytest.raises(InputError, match=f"^{name} = "):
        call()
