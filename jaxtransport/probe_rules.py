"""Rules of probes by the names that users give them. Host data: no JAX; `rules` computes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxtransport.arguments import choice
from jaxtransport.errors import InputError
from jaxtransport.layout import Layout, by_site

POTENTIAL, DEPHASING, WHITE, FIXED = range(4)
FLOATING = (
    "sources, drains and voltage probes beside gains, losses, white probes or given occupations have "
    "potentials far from mu_bar; use the exact law"
)
PROBES = {"voltage": POTENTIAL, "dephasing": DEPHASING, "white": WHITE}


def codes_of(layout: Layout, probe: Any = "voltage") -> np.ndarray:
    """The rule of every site's reservoir, shape (N,); 0 also where there is none.

    Args:
        layout: where probes are, and reservoirs of given occupation.
        probe: the rule of all probes; or of some, by their sites from 1, the others being voltage probes.

    Raises:
        InputError: an unknown rule, a site without a probe.
    """
    code = np.zeros(layout.N, np.int8)
    code[~np.isnan(layout.given_occupations())] = FIXED
    if isinstance(probe, Mapping):
        rules = by_site("probe", probe, layout.N, '{3: "dephasing"}')
    else:
        rules = dict.fromkeys(layout.probes, choice("probe", probe, PROBES))
    probes = set(layout.probes)
    for site, name in rules.items():
        if site not in probes:
            raise InputError(f"probe[{site}]: site {site} holds no probe; expected the site of one")
        code[site - 1] = PROBES[choice(f"probe[{site}]", name, PROBES)]
    return code
