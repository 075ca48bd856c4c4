"""Every number of a result file, bookkeeping included, but for its times."""

import h5py
import numpy as np

TIMES = ("started", "finished")


def contents(path):
    """Name -> values."""
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
