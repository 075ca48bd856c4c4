"""Result files and results, compared bit for bit."""

import h5py
import numpy as np

TIMES = ("started", "finished")


def contents(path):
    """Every number of a file, bookkeeping included, but for its times: name -> values."""
    out = {}

    def visit(name, one):
        if isinstance(one, h5py.Dataset) and not any(time in name for time in TIMES):
            out[name] = one[()]

    with h5py.File(path) as file:
        file.visititems(visit)
    return out


def same(one, other):
    """Assert that two files have the same numbers, bit for bit."""
    a, b = contents(one), contents(other)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def bits(one, other, variables=None):
    """Assert that two results are equal to the last bit, NaN included, with the same labels."""
    assert set(one.variables) == set(other.variables)
    for name in one.variables if variables is None else variables:
        assert one[name].dims == other[name].dims
        assert one[name].attrs.keys() == other[name].attrs.keys()
        assert one[name].values.tobytes() == other[name].values.tobytes(), name
