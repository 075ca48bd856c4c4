"""What a point may take: stages of effort, energies, memory. No JAX, since `validate` asks too."""

from dataclasses import dataclass
from typing import Any

TOLERANCE = 1e-11  # of the integrals over energy, of the largest current
NODES = 16  # energies of a panel
FIRST_PANELS, MOST_PANELS = 64, 1536  # of a point, at first and where those are too few
TRACED_PANELS = 256  # ... within a transform, where their number cannot be adapted
MOST_NODES = MOST_PANELS * NODES
TOGETHER = 4  # panels whose transmissions are used together
KEPT_BYTES = 2**27  # of the transmissions at all energies of a point, at most; else they are made anew
TAIL = 30.0  # |w - mu| / T beyond which f is 0 or 1 to 1e-13
MATRIX_SITES = 64  # of the series: beyond it, matrices of all derivatives cost more than products with them
PER_SITE = 64  # numbers a site and energy of panels that are used together, roughly


@dataclass(frozen=True)
class Stage:
    """Effort of one stage of the solution. Points that a stage leaves unfinished go to the next."""

    careful: bool = False  # use the careful kernel, for points that the first one does not resolve
    steps: int = 0  # of Newton's or Broyden's method, at most
    continuation: bool = False  # along the branch of the linear solution, where Newton's method fails
    panels: int = 0  # of energies, at most
    patient: bool = False  # full effort; one program for all temperatures
    margin: Any = 0.0  # of the window, relative to the span of the linear potentials; inf: the whole band
    rising_steps: Any = 0  # of the search from the bottom of the band, which needs the whole band


def dense_cost(sites: int) -> float:
    """An inverse against one update of a site along the chain, roughly."""
    return sites**3 / 10


def pairs_bytes(sites: int, panels: int, *, dense: bool) -> int:
    """Bytes of the transmissions at the energies of some panels."""
    return 8 * NODES * panels * sites * (sites if dense else 3)


def exact_bytes(sites: int, panels: int, *, dense: bool) -> int:
    """Approximate bytes of one point with at most `panels` panels."""
    together = 8 * NODES * TOGETHER * sites * (PER_SITE + (4 * sites if dense else 0))
    kept = pairs_bytes(sites, panels, dense=dense)
    return together + (kept if kept <= KEPT_BYTES else 0)
