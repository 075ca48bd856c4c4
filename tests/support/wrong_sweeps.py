"""Wrong axes that vary together, formulas and averages: what a file has, its wrong key, what is said of it.

Each stands behind the head that its kind names, and is the only mistake of its file.
"""

from __future__ import annotations

from support.swept import HEAD as PLAIN

DISORDER = PLAIN.replace("gamma ", 'onsite = { pattern = "disorder", width = 1, seed = 7 }\ngamma ')
BONDS = PLAIN.replace("gamma ", 'hopping = { pattern = "alternating", values = [1.0, 0.5] }\ngamma ')
SEEDS = DISORDER + '\n[grid]\n"onsite.seed" = [1, 2, 3]\ngamma = [0.1, 0.2]\n'
WIRE = '[wire]\nlayout = "dimers"\nN = 8\n'
CLASSICAL = f'model = "classical"\n{WIRE}p = 0.9\n[drive]\ndelta_rho = 0.3\ninjection = 0.2\n'
CIRCUIT = f'model = "circuit"\n{WIRE}[drive]\ninjection = 0.2\n'

TWO = "gamma, mu_bar"
GAMMA, WHOLE = "expected a number > 0", "expected a whole number from 2 to"


def _grid(*cases):
    return [(f'[grid]\n"{key}" = {value}\n', f"grid.{key}", said) for key, value, said in cases]


def _derive(*cases):
    return [(f'[derive]\n"{key}" = {value}\n', f"derive.{key}", said) for key, value, said in cases]


def _average(*cases):
    return [(f"[average]\n{lines}\n", f"average.{key}", said) for lines, key, said in cases]


def _over(*cases):
    return _average(*((f'over = "onsite.seed"\n{lines}', key, said) for lines, key, said in cases))


# kind -> (head, [(lines, key, what the only message says)])
WRONG = {
    "rows": (
        PLAIN,
        _grid(
            (TWO, "[]", "list of rows, each with one value for gamma, mu_bar, got \\[\\]"),
            (TWO, "3", "list of rows.*got 3"),
            (TWO, "true", "list of rows.*got True"),
            (TWO, '"0.1, 1.0"', "list of rows.*got '0.1, 1.0'"),
            (TWO, "{ start = 0, stop = 1, num = 3 }", "list of rows.*got {'start'"),
            (TWO, "{ gamma = [0.1], mu_bar = [1.0] }", "list of rows.*got {'gamma'"),
            (TWO, "[0.1, 1.0]", "row 1: expected 2 values, for gamma, mu_bar, got 0.1"),
            (TWO, "[[]]", "row 1: expected 2 values.*got \\[\\]"),
            (TWO, "[[0.1, 1.0], [0.2]]", "row 2: expected 2 values, for gamma, mu_bar, got \\[0.2\\]"),
            (TWO, "[[0.1, 1.0], [0.2, 1.1, 3]]", "row 2: expected 2 values.*got \\[0.2, 1.1, 3\\]"),
            (TWO, "[[0.1, 1.0], {a = 1}]", "row 2: expected 2 values"),
            (TWO, '[[0.1, 1.0], "0.2, 1.0"]', "row 2: expected 2 values"),
            (
                "gamma, mu_bar, injection",
                "[[0.1, 1.0]]",
                "row 1: expected 3 values, for gamma, mu_bar, injection",
            ),
        ),
    ),
    "values of rows": (
        PLAIN,
        _grid(
            (TWO, '[[0.1, 1.0], [0.2, "x"]]', "row 2, mu_bar: expected a finite number, got 'x'"),
            (TWO, "[[0.1, [1.0]]]", "row 1, mu_bar: expected a finite number"),
            (TWO, "[[0.1, 1e400]]", "row 1, mu_bar: expected a finite number, got inf"),
            (TWO, "[[0.1, nan]]", "row 1, mu_bar: expected a finite number, got nan"),
            (TWO, "[[true, 1.0]]", f"row 1, gamma: {GAMMA}, got True"),
            (TWO, "[[0.1, 1.0], [-0.1, 1.0]]", f"row 2, gamma: {GAMMA}, got -0.1"),
            (TWO, "[[0.0, 1.0]]", f"row 1, gamma: {GAMMA}, got 0.0"),
            (TWO, "[[0.1, 2020-01-01]]", "row 1, mu_bar: expected a finite number"),
            (TWO, "[[0.1, 1.0], [0.2, 3.0]]", "outside the band.* got 3"),
            (TWO, "[[0.1, -1.97]]", "a lead is outside the band.* got -1.97"),
            ("mu_bar, delta_mu", "[[0.0, 0.1], [1.9, 0.3]]", "with delta_mu = 0.3 a lead .* got 1.9"),
            ("delta_mu, mu_bar", "[[0.1, 0.0], [0.3, -1.9]]", "with delta_mu = 0.3 a lead .* got -1.9"),
            ("gamma, N", "[[0.1, 7]]", "even N >= 4.* got 7"),
            ("gamma, N", "[[0.1, 8.0]]", f"row 1, N: {WHOLE}.* got 8.0"),
            ("gamma, N", "[[0.1, 1]]", f"row 1, N: {WHOLE}.* got 1"),
            ("N, gamma", "[[8, 0.1], [8, 0.2]]", "duplicate value 8 of N, which names the axis"),
            (TWO, "[[0.1, 1.0], [0.2, 1.0], [0.1, 0.5]]", "duplicate value 0.1 of gamma.*differ"),
            ("mu_bar, gamma", "[[0.0, 0.1], [-0.0, 0.2]]", "duplicate value 0 of mu_bar"),
            ("gamma, contact", "[[0.1, 0.0]]", f"row 1, contact: {GAMMA}"),
            ("gamma, temperature", "[[0.1, 0.2]]", 'requires law = "exact"'),
            ("injection, I_g", "[[0.1, 0.2]]", "injection and I_g both set"),
        ),
    ),
    "names of rows": (
        DISORDER,
        _grid(
            ("gamma, mu_ba", "[[0.1, 1.0]]", "'mu_ba' cannot be an axis; did you mean 'mu_bar'"),
            ("gama, mu_bar", "[[0.1, 1.0]]", "'gama' cannot be an axis; did you mean 'gamma'"),
            ("gamma, layout", "[[0.1, 1.0]]", "'layout' cannot be an axis; known: N, gamma"),
            ("gamma, title", "[[0.1, 1.0]]", "'title' cannot be an axis; it belongs at the top of the file"),
            ("gamma, strength", "[[0.1, 1.0]]", "'strength' cannot be an axis"),
            ("gamma, onsite.with", "[[0.1, 1.0]]", "did you mean 'onsite.width'"),
            ("gamma, onsite.2.seed", "[[0.1, 1]]", "'onsite.2.seed' cannot be an axis"),
            ("gamma, onsite[2]", "[[0.1, 1.0]]", "'onsite\\[2\\]' cannot be an axis"),
            ("gamma, gamma", "[[0.1, 0.2]]", "gamma is named twice; keep one"),
            ("gamma, mu_bar, gamma", "[[0.1, 1.0, 0.2]]", "gamma is named twice"),
            ("gamma, ", "[[0.1, 1.0]]", "a name is missing beside a comma"),
            (",gamma", "[[0.1, 1.0]]", "a name is missing beside a comma"),
            ("gamma,,mu_bar", "[[0.1, 1.0]]", "a name is missing beside a comma"),
            (",", "[[0.1, 1.0]]", "a name is missing beside a comma"),
            ("gamma mu_bar", "[[0.1, 1.0]]", "cannot be an axis"),
            ("gamma; mu_bar", "[[0.1, 1.0]]", "cannot be an axis"),
            ("gamma + mu_bar", "[[0.1, 1.0]]", "cannot be an axis"),
            ("gamma, onsite", "[[0.1, 1.0]]", "wire.onsite is a pattern along the wire"),
            ("gamma, onsite.seed", "[[0.1, -1]]", "row 1, onsite.seed: expected a whole number from 0"),
            ("gamma, onsite.seed", "[[0.1, 1.5]]", "row 1, onsite.seed: expected a whole number from 0"),
            ("gamma, onsite.width", "[[0.1, -1.0]]", "row 1, onsite.width: expected a number >= 0"),
        ),
    ),
    "one parameter in two keys": (
        PLAIN,
        [
            (
                '[grid]\ngamma = [0.1]\n"mu_bar, gamma" = [[1.0, 0.2]]\n',
                "grid.mu_bar, gamma",
                "gamma is also in grid.gamma; keep one",
            ),
            (
                '[grid]\n"gamma, mu_bar" = [[0.1, 1.0]]\ngamma = [0.2]\n',
                "grid.gamma",
                "gamma is also in grid.gamma, mu_bar; keep one",
            ),
            (
                '[grid]\n"gamma, mu_bar" = [[0.1, 1.0]]\n"mu_bar,gamma" = [[1.0, 0.1]]\n',
                "grid.mu_bar,gamma",
                "mu_bar is also in grid.gamma, mu_bar",
            ),
            (
                '[grid]\ngamma = [0.1]\n[derive]\ngamma = "0.5"\n',
                "derive.gamma",
                "is also in grid.gamma; keep one",
            ),
            (
                '[grid]\n"gamma, mu_bar" = [[0.1, 1.0]]\n[derive]\nmu_bar = "0.5"\n',
                "derive.mu_bar",
                "is also in grid.gamma, mu_bar; keep one",
            ),
        ],
    ),
    "names of formulas": (
        DISORDER,
        [
            *_derive(
                ("gama", '"1"', "cannot be derived; did you mean 'gamma'"),
                ("layout", '"1"', "cannot be derived; known: N, gamma"),
                ("title", '"1"', "cannot be derived"),
                ("strengths", '"1"', "cannot be derived"),
                ("conductance", '"1"', "cannot be derived"),
                ("gamma, mu_bar", '"1"', "cannot be derived"),
                ("", '"1"', "cannot be derived"),
                ("onsite[2]", '"0.1"', "cannot be derived; did you mean 'onsite'"),
                ("onsite.2.seed", '"1"', "cannot be derived"),
                ("onsite.sed", '"1"', "cannot be derived; did you mean 'onsite.seed'"),
                ("onsite", '"0.1"', "wire.onsite is a pattern along the wire"),
                ("injection", '"0.1 * gama"', "unknown name 'gama'; did you mean 'gamma'"),
                ("injection", '"wire.gamma"', "unknown name 'wire.gamma'; did you mean 'gamma'"),
                ("injection", '"layout"', "unknown name 'layout'; known: N"),
                ("injection", '"strength"', "unknown name 'strength'; known: N"),
                ("injection", '"conductance"', "unknown name 'conductance'"),
                ("injection", '"delta_mu[2]"', "unknown name 'delta_mu\\[2\\]'; did you mean 'delta_mu'"),
                ("injection", '"Gamma"', "unknown name 'Gamma'; did you mean 'gamma'"),
                ("injection", '"onsite"', "onsite is not one number, but {'pattern'"),
                ("injection", '"onsite.values[1]"', "unknown name"),
                ("injection", '"contact"', "contact has no value; set wire.contact, or make it an axis"),
                ("injection", '"temperature"', "temperature has no value; set solve.temperature"),
                ("injection", '"I_g"', "I_g has no value; set drive.I_g"),
            ),
            (
                '[derive]\nonsite.width = "2 * gamma"\n',
                "derive.onsite",
                'put a name with a dot in quotes: "onsite.width"',
            ),
        ],
    ),
    "rings of formulas": (
        PLAIN,
        _derive(
            ("injection", '"injection"', "is computed from itself \\(injection -> injection\\)"),
            ("gamma", '"0 * gamma + 0.5"', "is computed from itself \\(gamma -> gamma\\)"),
            ("N", '"N + 2"', "is computed from itself"),
        ),
    ),
    "texts of formulas": (
        PLAIN,
        _derive(
            ("injection", "3", "expected a formula in quotes.*got 3"),
            ("injection", "0.1", "expected a formula in quotes.*got 0.1"),
            ("injection", "[0.1, 0.2]", "expected a formula in quotes"),
            ("injection", "{ value = 1 }", "expected a formula in quotes"),
            ("injection", "true", "expected a formula in quotes, .* got True"),
            ("injection", '""', "expected an expression"),
            ("injection", '"0.1 *"', "column 5: expected a number, a name or"),
            ("injection", '"N N"', "column 3: .*write N \\* N"),
            ("injection", '"0,1 * N"', "decimals have a point"),
            ("injection", '"sin"', "expected '\\(' behind 'sin'"),
            ("injection", "\"__import__('os')\"", "text in quotes is not allowed"),
            ("injection", '"gamma.__class__()"', "column 1: expected a function"),
            ("injection", '"N if N else 1"', "words of a program are not allowed"),
            ("injection", '"lambda: 1"', "words of a program are not allowed"),
        ),
    ),
    "numbers of formulas": (
        PLAIN,
        _derive(
            ("injection", '"1 / 0"', "expected a finite number, got inf"),
            ("injection", '"0 / 0"', "expected a finite number, got nan"),
            ("injection", '"log(-N)"', "expected a finite number, got nan"),
            ("injection", '"9**9**9**9"', "expected a finite number, got inf"),
            ("injection", '"1e80"', "magnitude up to 1e\\+75"),
            ("gamma", '"-1"', f"{GAMMA}, got -1"),
            ("gamma", '"N - 8"', f"{GAMMA}, got 0"),
            ("gamma", '"exp(-1000)"', f"{GAMMA}, got 0"),
            ("gamma", '"exp(1000)"', f"{GAMMA}, got inf"),
            ("delta_mu", '"0 * N"', GAMMA),
            ("mu_bar", '"1.97"', "a lead is outside the band.* got 1.97"),
            ("mu_bar", '"N"', "outside the band.* got 8"),
            ("N", '"8.5"', f"{WHOLE}.*got 8.5"),
            ("N", '"8 + 1e-7"', f"{WHOLE}.*got 8.0000001"),
            ("N", '"gamma"', f"{WHOLE}.*got 0.5"),
            ("N", '"7"', "even N >= 4.* got 7"),
            ("N", '"0"', f"{WHOLE}.*got 0"),
            ("N", '"-8"', f"{WHOLE}.*got -8"),
            ("N", '"2**60"', f"{WHOLE}.*got 1152921504606846976"),
            ("N", '"1e300 * 1e300"', f"{WHOLE}.*got inf"),
            ("N", '"0 / 0"', f"{WHOLE}.*got nan"),
            ("temperature", '"0.1"', 'requires law = "exact"'),
            ("I_g", '"0.1"', "injection and I_g both set"),
        ),
    ),
    "places of wrong numbers": (
        PLAIN,
        [
            (
                '[grid]\nmu_bar = [0.2, 0.1]\n[derive]\ngamma = "mu_bar - 0.15"\n',
                "derive.gamma",
                f"{GAMMA}, got -0.0.* at mu_bar = 0.1$",
            ),
            (
                '[grid]\nmu_bar = [0.2, 0.1]\nN = [4, 8]\n[derive]\ngamma = "1 - mu_bar * N"\n',
                "derive.gamma",
                f"{GAMMA}, got -0.60.* at mu_bar = 0.2, N = 8$",
            ),
            (
                '[grid]\nmu_bar = [0.2, 0.1]\nN = [4, 8]\n[derive]\ninjection = "1 / (N - 8)"\n',
                "derive.injection",
                "expected a finite number, got inf at N = 8$",
            ),
            (
                '[grid]\n"mu_bar, N" = [[0.2, 4], [0.1, 8]]\n[derive]\ngamma = "6 - N"\n',
                "derive.gamma",
                f"{GAMMA}, got -2.* at mu_bar = 0.1$",
            ),
            (
                '[grid]\ngamma = [0.25, 0.3]\n[derive]\nN = "16 * gamma"\n',
                "derive.N",
                f"{WHOLE}.*got 4.8 at gamma = 0.3$",
            ),
        ],
    ),
    "bonds": (
        BONDS,
        _derive(
            ("hopping.values[2]", '"-0.5 * hopping.values[1]"', "expected a number > 0 .*got -0.5"),
            ("hopping.values[3]", '"1"', "cannot be derived"),
            ("hopping.values", '"1"', "cannot be derived"),
            ("injection", '"hopping.values[3]"', "unknown name"),
            ("injection", '"hopping.values"', "unknown name"),
            ("hopping", '"2"', "wire.hopping is a pattern along the wire"),
        ),
    ),
    "too many numbers": (
        PLAIN,
        [
            (
                "[grid]\ngamma = { start = 0.001, stop = 1, num = 4000 }\n"
                "mu_bar = { start = 0, stop = 1, num = 4000 }\n"
                '[derive]\ninjection = "gamma * mu_bar"\n',
                "derive.injection",
                "at most 10,000,000 values along gamma, mu_bar, got 16,000,000",
            ),
        ],
    ),
    "searches": (
        DISORDER,
        [
            (
                '[derive]\ngamma = "0.5 / sqrt(N)"\n[search]\nover = { N = [4, 40] }\n',
                "derive.gamma",
                "N is searched, which formulas cannot follow",
            ),
            (
                '[derive]\ngamma = "0.1 + mu_bar**2"\n[search]\nover = { mu_bar = [-1, 1] }\n',
                "derive.gamma",
                "mu_bar is searched",
            ),
            (
                '[derive]\ngamma = "0.1 + onsite.width"\n[search]\nover = { "onsite.width" = [0.1, 1.0] }\n',
                "derive.gamma",
                "onsite.width is searched",
            ),
            (
                '[derive]\ngamma = "0.5"\n[search]\nover = { gamma = [0.1, 1.0] }\n',
                "derive.gamma",
                "also searched; keep one",
            ),
            (
                '[grid]\n"N, gamma" = [[4, 0.1]]\n[search]\nover = { gamma = [0.1, 1.0] }\n',
                "grid.N, gamma",
                "also searched; keep one",
            ),
            (
                '[grid]\n"onsite.seed" = [1, 2]\n'
                '[search]\nover = { mu_bar = [-1, 1] }\n[average]\nover = "onsite.seed"\n',
                "average",
                "cannot be combined with \\[search\\]",
            ),
            ("[search]\n", "search.over", "missing; expected windows to search"),
        ],
    ),
    "over": (
        SEEDS,
        _average(
            ("", "over", "missing; expected the name of the axis"),
            ('statistics = ["mean"]', "over", "missing"),
            ("over = []", "over", "expected the name of an axis, or several, got an empty list"),
            ("over = 3", "over", "expected a list of names of axes, got 3"),
            ('over = { onsite = "seed" }', "over", "expected a list of names of axes"),
            ('over = ["onsite.seed", 3]', "over", "entry 2: expected a string"),
            ('over = ""', "over", "'' is no axis; known: onsite.seed, gamma"),
            ('over = "gama"', "over", "'gama' is no axis; did you mean 'gamma'"),
            ('over = "onsite.sed"', "over", "did you mean 'onsite.seed'"),
            ('over = "seed"', "over", "'seed' is no axis"),
            ('over = "N"', "over", "'N' is no axis; known: onsite.seed, gamma"),
            ('over = "conductance"', "over", "'conductance' is no axis"),
            ('over = ["gamma", "gamma"]', "over", "duplicate 'gamma'"),
            ('over = "gamma, onsite.seed"', "over", "is no axis"),
            ('ovr = "gamma"\nover = "gamma"', "ovr", "unknown; did you mean 'over'"),
            (
                'over = "gamma"\nof = "conductance"',
                "of",
                "unknown; known: over, statistics, quantiles, until",
            ),
            ('over = "gamma"\nerror = 1e-3', "error", "unknown"),
            (
                'over = "gamma"\nvariables = ["conductance"]',
                "variables",
                "unknown; it belongs in \\[output\\]",
            ),
        ),
    ),
    "averages over no axis": (
        DISORDER,
        [
            (
                '[average]\nover = "onsite.seed"\n',
                "average.over",
                "'onsite.seed' is no axis; there is no axis in \\[grid\\]",
            ),
            (
                '[grid]\n"onsite.seed, gamma" = [[1, 0.1], [2, 0.2]]\n[average]\nover = "gamma"\n',
                "average.over",
                "gamma varies along onsite.seed; name the axis",
            ),
            (
                '[grid]\n"onsite.seed" = [1, 2]\n'
                'N = [4, 8]\n[derive]\ngamma = "0.01 * N * onsite.seed"\n[average]\nover = "gamma"\n',
                "average.over",
                "gamma varies along onsite.seed and N; name the axis",
            ),
            (
                '[derive]\ngamma = "0.1"\n[average]\nover = "gamma"\n',
                "average.over",
                "gamma varies along no axis",
            ),
        ],
    ),
    "statistics": (
        SEEDS,
        _over(
            ('statistics = "mean"', "statistics", "expected a list of statistics, got 'mean'"),
            ("statistics = []", "statistics", "expected some of mean, error.* got an empty list"),
            ('statistics = ["men"]', "statistics", "entry 1: expected one of mean, .* got 'men'"),
            ('statistics = ["mean", 3]', "statistics", "entry 2: expected one of"),
            ('statistics = [["mean"]]', "statistics", "entry 1: expected one of"),
            ('statistics = ["mean", "error", "mean"]', "statistics", "duplicate 'mean'"),
            ('statistics = ["median"]', "statistics", "entry 1: expected one of"),
        ),
    ),
    "quantiles": (
        SEEDS,
        _over(
            ("quantiles = [0.5]", "quantiles", 'require "quantiles" among the statistics'),
            (
                'statistics = ["mean"]\nquantiles = [0.5]',
                "quantiles",
                'require "quantiles" among the statistics',
            ),
            ('statistics = ["quantiles"]\nquantiles = []', "quantiles", "got an empty list"),
            (
                'statistics = ["quantiles"]\nquantiles = 0.5',
                "quantiles",
                "expected a list of probabilities, got 0.5",
            ),
            ('statistics = ["quantiles"]\nquantiles = [0.5, 0.5]', "quantiles", "ascending order, each once"),
            ('statistics = ["quantiles"]\nquantiles = [0.5, 0.1]', "quantiles", "ascending order, each once"),
            (
                'statistics = ["quantiles"]\nquantiles = [0.5, 1.5]',
                "quantiles",
                "entry 2: expected a probability from 0 to 1, got 1.5",
            ),
            (
                'statistics = ["quantiles"]\nquantiles = [-0.1]',
                "quantiles",
                "entry 1: expected a probability",
            ),
            ('statistics = ["quantiles"]\nquantiles = [nan]', "quantiles", "entry 1: expected a probability"),
            (
                'statistics = ["quantiles"]\nquantiles = [true]',
                "quantiles",
                "entry 1: expected a probability",
            ),
            (
                'statistics = ["quantiles"]\nquantiles = ["0.5"]',
                "quantiles",
                "entry 1: expected a probability",
            ),
        ),
    ),
    "until": (
        SEEDS,
        _over(
            ("until = 1e-3", "until", "expected a table such as .*got 0.001"),
            ('until = "1e-3 of conductance"', "until", "expected a table such as"),
            ("until = {}", "until", "expected a table such as"),
            ("until = { error = 1e-3 }", "until", "expected a table such as"),
            ('until = { of = "conductance" }', "until", "expected a table such as"),
            ('until = { error = 1e-3, of = "conductance", least = 3 }', "until", "expected a table such as"),
            ('until = { error = 0, of = "conductance" }', "until", f"error: {GAMMA}, got 0"),
            ('until = { error = -1, of = "conductance" }', "until", f"error: {GAMMA}, got -1"),
            ('until = { error = nan, of = "conductance" }', "until", f"error: {GAMMA}, got nan"),
            ('until = { error = "1 %", of = "conductance" }', "until", f"error: {GAMMA}, got '1 %'"),
            ("until = { error = 1e-3, of = 3 }", "until", "of: expected a string"),
            (
                'until = { error = 1e-3, of = "conductanc" }',
                "until",
                "of: unknown variable 'conductanc'; did you mean 'conductance'",
            ),
            ('until = { error = 1e-3, of = "conductance_error" }', "until", "of: unknown variable"),
            ('until = { error = 1e-3, of = "gamma" }', "until", "of: unknown variable 'gamma'"),
            ('until = { error = 1e-3, of = "status" }', "until", "of: unknown variable 'status'"),
            (
                'until = { error = 1e-3, of = "potential_forward" }',
                "until",
                "of: potential_forward is not one number a point",
            ),
            (
                'until = { error = 1e-3, of = "current_error" }',
                "until",
                "of: current_error is stored only if output.variables names it",
            ),
            (
                'until = { error = 1e-3, of = "conductance" }\n[output]\nvariables = ["nonreciprocity"]',
                "until",
                "of: conductance is not among output.variables; add it",
            ),
            ("[average.until]\nerror = 1e-3", "until", "expected a table such as"),
        ),
    ),
    "tables": (
        PLAIN,
        [
            ("[[derive]]\ngamma = 1\n", "derive", "expected a table \\[derive\\]"),
            ('[[average]]\nover = "gamma"\n', "average", "expected a table \\[average\\]"),
            ("[averages]\n", "averages", "unknown; did you mean 'average'"),
            ("[derived]\n", "derived", "unknown; did you mean 'derive'"),
        ],
    ),
    "the master equation": (
        CLASSICAL,
        [
            ('[grid]\n"p, gamma" = [[0.5, 1.0]]\n', "grid.p, gamma", "'gamma' cannot be an axis"),
            ('[grid]\n"p, rho_0" = [[0.5, -1.0]]\n', "grid.p, rho_0", "row 1, rho_0: expected a number >= 0"),
            ('[derive]\np = "1 + delta_rho"\n', "derive.p", "probability.* got 1.3"),
            ('[derive]\np = "gamma"\n', "derive.p", "unknown name 'gamma'"),
            ('[grid]\np = [0.5]\n[average]\nover = "q"\n', "average.over", "'q' is no axis"),
            (
                '[grid]\np = [0.5]\n[average]\nover = "p"\nuntil = { error = 1, of = "outside_band" }\n',
                "average.until",
                "of: unknown variable",
            ),
            ("[average]\n", "average.over", "missing"),
        ],
    ),
    "the resistive wire": (
        CIRCUIT,
        [
            ('[grid]\n"sigma, voltage" = [[0.5, 0.0]]\n', "grid.sigma, voltage", f"row 1, voltage: {GAMMA}"),
            ('[grid]\n"sigma, N" = [[0.5, 5]]\n', "grid.sigma, N", "even N"),
            ('[derive]\nsigma = "injection - 0.2"\n', "derive.sigma", GAMMA),
            ('[derive]\nvoltage = "sigma * R"\n', "derive.voltage", "unknown name 'R'"),
            (
                '[grid]\nsigma = [0.5]\n[average]\nover = "N"\n',
                "average.over",
                "'N' is no axis; known: sigma",
            ),
            ("[average]\n", "average.over", "missing"),
        ],
    ),
}
