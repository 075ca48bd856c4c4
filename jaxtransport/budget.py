"""Energies and memory that a point of the exact law takes. No JAX, since `validate` uses it too."""

TOLERANCE = 1e-11  # of the integrals over energy, of the largest current
NODES = 16  # energies of a panel
FIRST_PANELS, MOST_PANELS = 64, 1536  # of a point, at first and where those are too few
TRACED_PANELS = 256  # ... within a transform, where their number cannot be adapted
MOST_NODES = MOST_PANELS * NODES
TOGETHER = 4  # panels whose transmissions are used together
KEPT_BYTES = 2**27  # of the transmissions at all energies of a point, at most; else they are made anew
PER_SITE = 64  # numbers a site and energy of panels that are used together, roughly


def pairs_bytes(sites: int, panels: int, *, dense: bool) -> int:
    """Bytes of the transmissions at the energies of some panels."""
    return 8 * NODES * panels * sites * (sites if dense else 3)


def exact_bytes(sites: int, panels: int, *, dense: bool) -> int:
    """Approximate bytes of one point with at most `panels` panels."""
    together = 8 * NODES * TOGETHER * sites * (PER_SITE + (4 * sites if dense else 0))
    kept = pairs_bytes(sites, panels, dense=dense)
    return together + (kept if kept <= KEPT_BYTES else 0)
