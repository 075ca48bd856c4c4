"""Status of a solved point, as stored in every result. Host data: no JAX."""

from typing import Any

NOT_COMPUTED = -1
SOLVED, STEP_LIMIT, DIVERGED, SINGULAR, NOT_FINITE, OUTSIDE_BAND, CRASHED, NOT_RESOLVED = range(8)

MEANINGS = {
    NOT_COMPUTED: "not_computed",
    SOLVED: "solved",
    STEP_LIMIT: "step_limit",
    DIVERGED: "diverged",
    SINGULAR: "singular",
    NOT_FINITE: "not_finite",
    OUTSIDE_BAND: "outside_band",
    CRASHED: "crashed",
    NOT_RESOLVED: "not_resolved",
}

TO_COMPUTE = (NOT_COMPUTED, CRASHED)  # computed by a run: a crash may be due to the machine


def has_numbers(status: Any) -> Any:
    """True, for a code or an array of them, where numbers are kept: solved, or solved with digits lost."""
    return (status == SOLVED) | (status == NOT_RESOLVED)


def is_better(new: Any, old: Any) -> Any:
    """True where the result of a later stage replaces the old one.

    Not if the old one had numbers and the new one has none, unless it proves that there are none.
    """
    return has_numbers(new) | ~has_numbers(old) | (new == OUTSIDE_BAND) | (new == SINGULAR)


def worst(status: Any) -> Any:
    """Worst code of an array: without numbers, then with digits lost, then solved."""
    failed = (status * (1 - has_numbers(status))).max()
    return failed + (failed == SOLVED) * status.max()
