"""Status of a solved point, as stored in every result. Host data: no JAX."""

NOT_COMPUTED = -1
SOLVED, STEP_LIMIT, DIVERGED, SINGULAR, NOT_FINITE, OUTSIDE_BAND, CRASHED = range(7)

MEANINGS = {
    NOT_COMPUTED: "not_computed",
    SOLVED: "solved",
    STEP_LIMIT: "step_limit",
    DIVERGED: "diverged",
    SINGULAR: "singular",
    NOT_FINITE: "not_finite",
    OUTSIDE_BAND: "outside_band",
    CRASHED: "crashed",
}

TO_COMPUTE = (NOT_COMPUTED, CRASHED)  # what a run computes: a crash may have been the machine's
