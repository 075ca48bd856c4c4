"""The closed forms of the paper, corrected where its print is wrong, and a few that it does not have.

Plain NumPy, and never a solver of this package: what these formulas say can be held against what is
computed. Arguments broadcast; functions of a whole wire take one wire and return its sites. Every
docstring says whether a formula is exact, or the order of its error.

    lattice      the classical master equation        Eqs. 6-9, A8-A44, C19-C24
    circuit      the resistor network                 Sec. I, Eqs. D1-D4
    short_wire   one source and drain, N = 4          Eqs. 17, 18, B28-B36
    pair         one source and drain, any N          Eqs. 22, C1-C14
    long_wire    sources and drains on every site     Eqs. 19-21, B37-B54
    dephasing    probes of wide bands on every site   D'Amato and Pastawski 1990
    molecule     equal levels between wide bands      McConnell 1961
    ssh          alternating hopping, its edge states Su, Schrieffer and Heeger 1979
    disorder     random on-site energies, averages    Thouless 1979, Abrikosov 1981
    aubry_andre  quasi-periodic on-site energies      Aubry and Andre 1980
    white_noise  dephasing at all energies alike      Znidaric 2010
    gain_loss    an SSH chain with gain and loss      Zhou, Zhang, Wang and Yang 2025

Units gamma_o = e = hbar = 1 for the quantum wire: energies in gamma_o, currents in e gamma_o / hbar,
conductances in e^2/h, that is 2 pi times the paper's, whose e^2 / 2 pi becomes 1. Contacts have
gamma_1 = gamma_N = 1. Nonsense (|mu_bar| >= 2, N < 4, p outside 0 < p <= 1) raises `InputError`.
"""

from jaxtransport.closed_forms import (
    aubry_andre,
    circuit,
    dephasing,
    disorder,
    gain_loss,
    lattice,
    long_wire,
    molecule,
    pair,
    short_wire,
    ssh,
    white_noise,
)

__all__ = [
    "aubry_andre",
    "circuit",
    "dephasing",
    "disorder",
    "gain_loss",
    "lattice",
    "long_wire",
    "molecule",
    "pair",
    "short_wire",
    "ssh",
    "white_noise",
]
