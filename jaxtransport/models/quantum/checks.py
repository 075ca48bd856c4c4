"""Consistency of the tables of `model = "quantum"`: everything that involves more than one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxtransport import kinds, text
from jaxtransport import layout as layouts
from jaxtransport.arguments import POSITIVE
from jaxtransport.band import Band
from jaxtransport.coordinates import coordinate
from jaxtransport.errors import InputError
from jaxtransport.laws import LAWS
from jaxtransport.models.quantum import rules_table
from jaxtransport.models.quantum.numbers import PATTERNED, key_of, values_within
from jaxtransport.models.quantum.reservoirs_table import kinds_of
from jaxtransport.parameters import QUANTUM
from jaxtransport.patterns import Pattern, is_patterned, paths, pattern_of
from jaxtransport.probe_rules import FLOATING
from jaxtransport.spec.checks import Checks
from jaxtransport.spec.search_table import of_window
from jaxtransport.variables import LINEAR, NONLINEAR, OF_WIRE

MOST_TRIED, MOST_SITES_TRIED = 1000, 10**7  # wires with patterns, and their sites in all, that are checked


class QuantumChecks(Checks):
    """Checks that involve more than one key of a quantum wire."""

    parameters = QUANTUM

    def all(self) -> None:
        if self.tables["search"].over is not None:
            self.search(self.tables["search"].over)
        if self.mistakes.clean("search.over"):  # otherwise its parameters would be reported as missing
            self.required()
        self.one_injection()
        self.keys_of_layout()
        if "gamma" in self.swept and isinstance(self.wire.gamma, list):
            self.add("gamma", "wire.gamma is a list along the wire; keep one of the two")
        if "contact" in self.swept and isinstance(self.wire.contact, list):
            self.add("contact", "wire.contact lists both leads; keep one of the two")
        self.reservoirs()
        self.widths()
        self.per_site()
        self.band()
        self.law()
        self.rules()
        known = {**LAWS[self.tables["solve"].law].variables, **OF_WIRE}
        others = {name: f'law = "{law.name}"' for law in LAWS.values() for name in law.variables}
        self.variables(known if self.mistakes.clean("solve.law") else {**LINEAR, **NONLINEAR}, others)
        if self.mistakes.clean("solve.law", "solve.order", "output.variables"):
            self.roots()
        self.for_search()
        self.average()

    def search(self, over: Mapping[str, list[float]]) -> None:
        """Also check the windows of numbers of patterns, which [wire] holds."""
        super().search(over)
        for name, bounds in self.searched.items():
            if "." in name and self.mistakes.clean(f"wire.{key_of(name)}"):
                try:
                    self.axes[name] = values_within(self.wire, name, bounds)
                except InputError as error:
                    self.mistakes.add("search.over", of_window(name, error))

    def value(self, name: str) -> Any:
        base = key_of(name)
        if name in QUANTUM or base not in PATTERNED:
            return super().value(name)
        return paths.numbers_of(base, pattern_of(base, getattr(self.wire, base)))[name]

    def required(self) -> None:
        missing = {
            "layout": f"one of {', '.join(layouts.NAMES)}",
            "N": "the number of sites",
            "mu_bar": "the mean potential of the leads, in gamma_o",
            "delta_mu": "the bias, in gamma_o",
        }
        held = any(getattr(self.wire, role) for role in layouts.ROLES) or self.wire.layout != "custom"
        held = held or any(site not in layouts.ENDS for site in self.wire.occupations or ())
        _, middle = kinds_of(self.tables["reservoirs"])
        coupled = middle["kind"] != "table" and self.mistakes.clean("reservoirs.middle")
        if held and not self.given("width") and coupled:
            missing["gamma"] = "the coupling of sources and drains, in gamma_o"
        if self.searched and self.tables["solve"].law == "linear" and not self.given("I_g"):
            del missing["delta_mu"]  # zeros in linear response do not depend on it
        self.require(missing)
        drives = self.driven()
        given = [n for n in ("injection", "I_g") if self.given(n)]
        needless = self.tables["search"].over is not None and self.tables["solve"].law == "linear"
        if drives and not given and not needless:
            self.add(
                "injection", "missing; expected the injected current I_g / I_o (or I_g in e gamma_o/hbar)"
            )

    def driven(self) -> bool:
        """Whether there is a source or a drain."""
        if self.wire.layout == "custom":
            return bool(self.wire.sources or self.wire.drains)
        return self.wire.layout != "probes"

    def one_injection(self) -> None:
        if self.given("injection") and self.given("I_g"):
            self.add("I_g", "injection and I_g both set the injected current; keep one of the two")

    def reservoirs(self) -> None:
        """Check sites, strengths and couplings of every reservoir."""
        layout = self.first_layout()
        contact = self.wire.contact
        if isinstance(contact, list) and len(contact) != 2:
            self.add(
                "contact",
                f"expected one number, or two for left and right, got {text.count(len(contact), 'number')}",
            )
        gamma = self.wire.gamma
        if "gamma" not in self.swept and isinstance(gamma, float) and not POSITIVE.holds(gamma):
            self.add("gamma", f"expected {POSITIVE.expected(gamma)}, got {gamma}")
        self.strengths(layout)
        if layout is None or "N" in self.swept:
            return
        if isinstance(gamma, list) and len(gamma) == layout.N and self.mistakes.clean("wire.gamma"):
            self.couplings(gamma, layout, contact)

    def couplings(self, gamma: list[float], layout: layouts.Layout, contact: Any) -> None:
        """Check a coupling per site: > 0 where there is a reservoir, 0 elsewhere."""
        occupied = layout.occupied()
        for site, value in enumerate(gamma, 1):
            if site in (1, layout.N):
                if "contact" in self.swept:
                    continue  # the contact axis sets the couplings of the leads
                if contact is not None:
                    lead = np.atleast_1d(contact)
                    if value != lead[0 if site == 1 else -1]:
                        self.add(
                            "gamma",
                            f"site {site} is a lead, with {value} here and another coupling in contact; "
                            "remove contact, or repeat its value here",
                        )
                elif not POSITIVE.holds(value):
                    self.add(
                        "gamma", f"site {site} is a lead: expected {POSITIVE.expected(value)}, got {value}"
                    )
            elif occupied[site - 1] and not POSITIVE.holds(value):
                expected = POSITIVE.expected(value)
                self.add("gamma", f"site {site} holds a reservoir: expected {expected}, got {value}")
            elif not occupied[site - 1] and value != 0:
                self.add("gamma", f"site {site} holds no reservoir: expected 0, got {value}")

    def widths(self) -> None:
        """Check broadenings: of wide bands, and not beside couplings."""
        both = self.wire.contact_width
        if isinstance(both, list) and len(both) != 2:
            self.add("contact_width", f"expected one number, or two for left and right, got {len(both)}")
        for name, coupling, part in (("width", "gamma", "middle"), ("contact_width", "contact", "leads")):
            kind = getattr(self.tables["reservoirs"], part) or kinds.DEFAULT
            if kind["kind"] == "table":
                for key in filter(self.given, (name, coupling)):
                    self.add(key, f"reservoirs.{part} is a table, of the self-energy itself; remove {key}")
                continue
            if not self.given(name):
                continue
            if self.given(coupling):
                self.add(name, f"{coupling} and {name} both set the coupling; keep one of the two")
            if kind["kind"] != "wide":
                self.add(name, f'is that of a wide band; set [reservoirs] {part} = {{ kind = "wide" }}')

    def per_site(self) -> None:
        """Check that lists along the wire match its length, which must not be swept."""
        lengths = self.values("N")
        for name, fewer in (("gamma", 0), ("onsite", 0), ("hopping", 1)):
            value = getattr(self.wire, name)
            if value is None or isinstance(value, float):
                continue
            if name in self.swept:
                kind = "pattern" if is_patterned(value) else "list"
                if self.mistakes.clean(self.key(name)):
                    self.add(name, f"wire.{name} is a {kind} along the wire; keep one of the two")
            elif is_patterned(value):
                self.patterned(name, pattern_of(name, value))  # fits every length
            elif "N" in self.swept:
                self.mistakes.add(
                    f"wire.{name}", "a list along the wire cannot be combined with an N axis; set one number"
                )
            elif lengths is not None and len(value) != lengths[0] - fewer:
                count = "N - 1" if fewer else "N"
                self.add(
                    name, f"expected one number, or {count} = {lengths[0] - fewer} numbers, got {len(value)}"
                )

    def patterned(self, name: str, pattern: Pattern) -> None:
        """Check the numbers of a pattern, also those that are axes; hoppings must be positive."""
        lengths, bonds = self.values("N"), name == "hopping"
        if lengths is None or not len(lengths):
            return
        varied = [path for path in paths.numbers_of(name, pattern) if path in self.axes]
        longest = int(lengths.max())
        most = max(2, min(MOST_TRIED, MOST_SITES_TRIED // longest))
        at = self.sampled([*varied, *(["N"] if pattern.of_length and "N" in self.axes else [])], most)
        count = max((values.size for values in at.values()), default=1)
        every = at["N"].ravel() if "N" in at else np.full(count, longest)
        given = ({path: at[path].flat[i] for path in varied} for i in range(count))
        wires = ((numbers, int(N) - bonds) for numbers, N in zip(given, every, strict=True))
        if said := paths.not_allowed(name, pattern, wires, positive=bonds):
            self.add(name, said)

    def rules(self) -> None:
        """Check that the law can do with the rules of probes, and gives what is to be stored."""
        rules, law = rules_table.present(self.tables), LAWS[self.tables["solve"].law]
        why = law().refuses(rules)
        if self.tables["solve"].probe and not self.probes():
            self.mistakes.add("solve.probe", "there are no probes; remove it")
        if not why or not self.mistakes.clean("solve.probe"):
            return
        if not law.is_linear or self.searched:
            self.mistakes.add("solve.law", why)
        elif self.driven() or (self.probes() and not self.tables["solve"].probe):
            self.mistakes.add("solve.law", FLOATING)
        names = set(self.output.variables or ()) - set(rules_table.CONDUCTANCE) - set(OF_WIRE) - self.swept
        for name in sorted(names & set(law.variables)) if law.is_linear else ():
            self.mistakes.add("output.variables", f"{name}: {why}")

    def probes(self) -> bool:
        """Whether there is a probe."""
        return bool(self.wire.probes) if self.wire.layout == "custom" else self.wire.layout == "probes"

    def band(self) -> None:
        mu_bar, delta_mu = self.values("mu_bar"), self.values("delta_mu")
        if mu_bar is None or not mu_bar.size:
            return
        leads, middle = (kinds.band_of(table) for table in kinds_of(self.tables["reservoirs"]))
        if "mu_bar" in self.searched:  # a window is cut where a lead with its bias leaves the band
            if not (mu_bar.min() >= leads.bottom and mu_bar.max() <= leads.top):
                worst = mu_bar[np.argmax(np.abs(mu_bar - leads.centre))]
                self.mistakes.add("search.over", f"mu_bar: {leads.outside(worst)}, got {mu_bar.tolist()}")
            return
        half = 0.0 if delta_mu is None else delta_mu.max() / 2
        worst = mu_bar[np.argmax(np.abs(mu_bar - leads.centre))]
        if wrong := self.outside(leads, worst, 2 * half):
            self.add("mu_bar", wrong)
        out = mu_bar[~middle.meets(mu_bar, self.reach())]
        if middle != leads and out.size and self.driven():
            self.add(
                "mu_bar",
                f"sources and drains carry no current at {out[0]:g}; expected energies in the band of "
                f"[reservoirs] middle, from {middle.bottom:g} to {middle.top:g}",
            )

    def outside(self, band: Band, worst: float, widest: float) -> str:
        """What is wrong with a lead that leaves a band; those that vary together are looked at together."""
        if set(self.dims("mu_bar")).intersection(self.dims("delta_mu")):
            together = self.together("mu_bar", "delta_mu")
            assert together is not None
            at, bias = together
            farthest = np.argmax(np.abs(at - band.centre) + bias / 2)
            worst, widest = at[farthest], bias[farthest]
        wrong = band.outside(worst, widest)
        return f"{wrong}, got {worst:g}" if wrong else ""

    def reach(self) -> float:
        """How far from mu_bar the energies of a point count at least."""

        def least(name: str) -> float:
            values = self.values(name) if self.given(name) else None
            return 0.0 if values is None or not len(values) else float(np.min(values))

        return float(LAWS[self.tables["solve"].law]().reach(least("delta_mu"), least("temperature")))

    def roots(self) -> None:
        """Check that roots_* are requested only for the third order and two middle reservoirs."""
        if not any(name.startswith("roots_") for name in self.output.variables or ()):
            return
        solve, layout = self.tables["solve"], self.first_layout()
        if solve.law != "series" or solve.order not in (None, 3):
            self.mistakes.add("output.variables", 'roots_* require law = "series" and order = 3; remove them')
        if layout is not None and ("N" in self.swept or layout.occupied().sum() != 2):
            self.mistakes.add(
                "output.variables", "roots_* require one N and two middle reservoirs; remove them"
            )

    def for_search(self) -> None:
        """Check that the sites that a search varies exist, and that no output variables are set."""
        if not self.searched:
            return
        if self.output.variables is not None:
            self.mistakes.add("output.variables", "applies to `jaxtransport run`, not to [search]; remove it")
        names = [name for name in self.searched if name != "N" and "." not in name]
        one_site = [p for p in map(coordinate, names) if p.site is not None]
        if not one_site:
            return
        if "N" in self.swept:
            self.mistakes.add(
                "search.over", f"{one_site[0].name} cannot be combined with an N axis; remove one of the two"
            )
            return
        layout = self.first_layout()
        for p in one_site if layout else ():
            assert layout is not None
            last = layout.N - 1 if p.quantity == "hopping" else layout.N
            held = [1, *np.flatnonzero(layout.occupied()) + 1, layout.N]
            held = {"gamma": held, "strength": held[1:-1]}.get(p.quantity, list(range(1, last + 1)))
            if p.site not in held:
                known = (
                    f"one of {', '.join(map(str, held))}" if held else "a middle reservoir, but there is none"
                )
                self.mistakes.add("search.over", f"{p.name}: expected {known}")

    def law(self) -> None:
        for name, law in ((option, kind.name) for kind in LAWS.values() for option in kind.options):
            if self.tables["solve"].law == law:
                continue
            if name in self.swept or getattr(self.tables["solve"], name) is not None:
                self.mistakes.add(
                    self.keys.get(name, f"solve.{name}"),
                    f'requires law = "{law}", not "{self.tables["solve"].law}"; remove it',
                )
