"""Wrong axes that vary together, formulas and averages: one message each; of anything typed, nothing else."""

import itertools
import random
import re

import pytest
from support.wrong_sweeps import BONDS, CIRCUIT, CLASSICAL, PLAIN, SEEDS, WRONG

from jaxtransport.errors import InputError
from jaxtransport.models import parse

CASES = [(kind, head, *case) for kind, (head, cases) in WRONG.items() for case in cases]


def test_there_are_many():
    assert len(CASES) >= 120
    for head in {head for head, _ in WRONG.values()} - {WRONG["searches"][0]}:
        parse(head)


@pytest.mark.parametrize("kind", WRONG)
def test_a_mistake_is_named_by_its_key_and_alone(kind):
    head, cases = WRONG[kind]
    for lines, key, says in cases:
        with pytest.raises(InputError) as caught:
            parse(head + lines)
        found = caught.value.mistakes
        assert len(found) == 1, (lines, found)
        assert found[0].startswith(f"{key}: "), (lines, found)
        assert re.search(says, found[0]), (lines, found)


def mistakes(text):
    with pytest.raises(InputError) as caught:
        parse(text)
    return list(caught.value.mistakes)


def test_a_ring_of_formulas_is_reported_for_each_and_named_by_those_behind_it():
    formulas = {
        "contact": "mu_bar",
        "injection": "gamma",
        "gamma": "mu_bar",
        "mu_bar": "injection",
        "N": "contact",
    }
    lines = "".join(f'{name} = "{text}"\n' for name, text in formulas.items())
    assert mistakes(f"{PLAIN}[derive]\n{lines}") == [
        "derive.contact: mu_bar is wrong in derive.mu_bar",
        "derive.injection: is computed from itself (injection -> gamma -> mu_bar -> injection)",
        "derive.gamma: is computed from itself (gamma -> mu_bar -> injection -> gamma)",
        "derive.mu_bar: is computed from itself (mu_bar -> injection -> gamma -> mu_bar)",
        "derive.N: contact is wrong in derive.contact",
    ]


def test_what_follows_from_a_mistake_names_it():
    assert mistakes(PLAIN + '[grid]\ncontact = [-0.1]\n[derive]\ninjection = "contact"\n') == [
        "grid.contact: entry 1: expected a number > 0, got -0.1",
        "derive.injection: contact is wrong in grid.contact",
    ]
    assert mistakes(PLAIN + '[derive]\ninjection = "gamma"\ngamma = "0 * contact"\ncontact = "1 +"\n') == [
        "derive.contact: column 3: expected a number, a name or '(' behind '+', got the end of the text",
        "derive.injection: gamma is wrong in derive.gamma",
        "derive.gamma: contact is wrong in derive.contact",
    ]
    found = mistakes(PLAIN.replace("0.5", '"half"') + '[derive]\ninjection = "gamma"\n')
    assert "derive.injection: gamma is wrong in wire.gamma" in found


def test_a_long_chain_of_formulas_is_followed():
    """From the last to the first, as no reader wants to."""
    count = 3000
    table = f'hopping = {{ pattern = "alternating", values = {[1.0] * count} }}'
    names = [f"hopping.values[{i}]" for i in range(1, count + 1)]
    lines = [f'"{name}" = "{last}"\n' for last, name in itertools.pairwise(names)]
    text = PLAIN.replace("gamma  = 0.5", f"gamma = 0.5\n{table}") + "[derive]\n" + "".join(reversed(lines))
    assert len(parse(text).columns) == count - 1


GOOD = {
    "together": PLAIN + '[grid]\n"gamma, mu_bar, N" = [[0.1, 1.0, 4], [0.2, 0.5, 8]]\ninjection = [0.1]\n',
    "formulas": SEEDS + '[derive]\nN = "2 * onsite.seed + 2"\ninjection = "0.1 * max(delta_mu, gamma)"\n',
    "average": SEEDS + '[average]\nover = ["onsite.seed"]\nstatistics = ["mean", "typical", "quantiles"]\n'
    'quantiles = [0.1, 0.5]\nuntil = { error = 1e-3, of = "conductance" }\n'
    '[output]\nvariables = ["conductance"]\n',
    "bonds": BONDS + '[grid]\n"gamma, hopping.values[1]" = [[0.1, 1.0]]\n'
    '[derive]\n"hopping.values[2]" = "hopping.values[1] / 2"\n[average]\nover = "gamma"\n',
    "master": CLASSICAL + '[grid]\n"p, N" = [[0.5, 4]]\n[derive]\ninjection = "p"\n[average]\nover = "p"\n',
    "circuit": CIRCUIT + '[grid]\nvoltage = [1, 2]\n[derive]\nsigma = "1 / voltage"\n',
    "search": SEEDS + '[derive]\ncontact = "2 * gamma"\n[search]\nover = { mu_bar = [-1.0, 1.0] }\n',
}  # fmt: skip
TABLES = ["[grid]", "[derive]", "[average]", "[search]", "[[grid]]"]
NAMES = [
    "over",
    "statistics",
    "until",
    "quantiles",
    "N",
    "gamma",
    "mu_bar",
    "onsite.seed",
    "mean",
    "conductance",
]
VALUES = [
    "[[0.1, 1.0], [0.2, 1.0]]",
    "[]",
    "[[]]",
    "{}",
    "nan",
    "inf",
    "-1",
    "0",
    "1e400",
    "true",
    "2020-01-01",
]
TEXTS = ['"N"', '"gamma, N"', '"1/0"', '"onsite.seed"', "{ start = 0, stop = 1, num = 3 }", "1" + 22 * "0"]
SIGNS = ["=", '"', "'", ",", ".", "**", "sqrt(", ")", "\n", " ", "\\", "#", "μ", "\0", '"""']
WORDS = TABLES + NAMES + VALUES + TEXTS + SIGNS


def mutated(text, chance):
    """A text with a few words, lines or characters removed, repeated, exchanged or put in."""
    for _ in range(chance.randint(1, 4)):
        words = re.findall(r"\w+|\s+|.", text, re.S)
        lines = text.splitlines(keepends=True)
        at, other = chance.randrange(len(words)), chance.randrange(len(words))
        kind = chance.randrange(7)
        if kind == 0:
            words[at] = chance.choice(WORDS)
        elif kind == 1:
            words.insert(at, chance.choice(WORDS))
        elif kind == 2:
            del words[at]
        elif kind == 3:
            words[at], words[other] = words[other], words[at]
        elif kind == 4:
            words[at] *= 2
        else:
            line = chance.choice(lines)
            lines.insert(chance.randrange(len(lines)), line) if kind == 5 else lines.remove(line)
            words = lines
        text = "".join(words) or "\n"
    return text


@pytest.mark.parametrize("name", GOOD)
def test_good_files_are_good(name):
    parse(GOOD[name])


def test_whatever_is_typed_is_read_or_refused():
    """2000 files near good ones. Some are read, most are refused, and nothing else happens."""
    chance, read = random.Random(1), 0
    for i in range(2000):
        text = mutated(GOOD[list(GOOD)[i % len(GOOD)]], chance)
        try:
            spec = parse(text)
        except InputError:
            continue
        read += 1
        assert parse(spec.text).fingerprint == spec.fingerprint, text
    assert 100 < read < 1900


SET = {
    "grid": ["gamma", "gamma, N", "N", "mu_bar", "onsite.seed", "p, N", "voltage", "hopping.values[1]"],
    "derive": ["gamma", "N", "onsite.width", "hopping.values[2]", "p", "injection"],
    "average": ["over", "statistics", "quantiles", "until", "until.error", "until.of"],
    "wire": ["gamma", "N", "onsite.seed", "p", "layout"],
    "drive": ["mu_bar", "injection"],
    "search": ["over"],
}
KEYS = [f"{table}.{key}" for table, keys in SET.items() for key in keys] + list(SET)
RIGHT = [
    "0.5",
    "[0.1, 0.2]",
    "[4, 6]",
    "0.1 * N",
    '"N"',
    "",
    "onsite.seed",
    '["mean"]',
    "[[0.1, 4], [0.2, 6]]",
]


@pytest.mark.parametrize("name", GOOD)
def test_whatever_is_set_is_read_or_refused(name):
    chance, read = random.Random(2), 0
    for _ in range(300):
        values = chance.choice([RIGHT, RIGHT, WORDS])
        sets = [f"{chance.choice(KEYS)}={chance.choice(values)}" for _ in range(chance.randint(1, 2))]
        try:
            spec = parse(GOOD[name], "sweep", sets)
        except InputError:
            continue
        read += 1
        assert parse(spec.text).fingerprint == spec.fingerprint, sets
    assert read
