"""Plans: few compiled sizes, batches of whole vector registers, blocks that fit memory."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtransport.compute.batches import padded_sizes
from jaxtransport.compute.xla import WHOLE
from jaxtransport.sweep import plan as plans
from jaxtransport.sweep.grid import Axis, Grid
from jaxtransport.sweep.plan import Plan, counts, devices_worth, make_plan
from jaxtransport.sweep.task import Task
from jaxtransport.variables import Variable

PROPERTY = settings(max_examples=100, deadline=None, derandomize=True, database=None)

LENGTHS = list(range(2, 122, 2))


def task(lengths=(), others=(), free=(), site=0, size=16, **more):
    """A task over N and other axes, with free axes and perhaps a variable along the wire."""
    axes = [Axis("N", np.array(lengths))] if len(lengths) else []
    axes += [Axis(f"x{i}", np.arange(float(n))) for i, n in enumerate(others)]
    axes += [Axis(f"f{i}", np.arange(float(n))) for i, n in enumerate(free)]
    grid = Grid(tuple(axes), frozenset(f"f{i}" for i in range(len(free))))
    variables = [Variable("y", "1", "a number", "y")]
    if site:
        variables.append(Variable("z", "1", "a row", "z", dims=("site",)))
    return Task(
        grid=grid,
        variables=tuple(variables),
        evaluate=lambda point, free, shared: {},
        extra=(Axis("site", np.arange(site)),) if site else (),
        size_axis="N" if len(lengths) else None,
        sizes=padded_sizes(lengths, grid.solve_axes.size // len(lengths)) if len(lengths) else {},
        size=size,
        **more,
    )


@PROPERTY
@given(st.lists(st.integers(2, 400), min_size=1, max_size=60, unique=True), st.integers(1, 10**6))
def test_padded_sizes_hold_their_wires(lengths, points_each):
    sizes = padded_sizes(lengths, points_each)
    assert set(sizes) == set(lengths)
    assert all(size >= N for N, size in sizes.items())
    assert all(size % 8 == 0 for size in sizes.values())
    assert max(sizes.values()) < max(lengths) + 8
    ordered = [sizes[N] for N in sorted(lengths)]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize("points_each", [1, 100, 10**4, 10**6, 10**9])
def test_sixty_lengths_need_few_sizes(points_each):
    assert len(set(padded_sizes(LENGTHS, points_each).values())) <= 6


def test_a_size_is_compiled_only_where_it_pays():
    assert set(padded_sizes(LENGTHS, 1).values()) == {120}
    assert set(padded_sizes(LENGTHS, 10**9).values()) == {8, 16, 32, 64, 120}


@PROPERTY
@given(
    lengths=st.lists(st.integers(2, 300) | st.integers(2, 10**6), min_size=1, max_size=10, unique=True),
    others=st.lists(st.integers(1, 3000), max_size=2),
    free=st.lists(st.integers(1, 3000), max_size=2),
    site=st.sampled_from([0, 300]),
    kind=st.sampled_from(sorted(plans.BATCH_NUMBERS)),
    arrays=st.sampled_from([1, 2]),
    kept=st.sampled_from([8, 20]),
)
def test_every_plan_is_within_bounds(lengths, others, free, site, kind, arrays, kept):
    what = task(lengths, others, free, site, arrays=arrays, kept=kept)
    plan = make_plan(what, kind)
    row_bytes = what.bytes_per_point() * plan.free_step
    assert set(plan.batch) == set(what.sizes.values())
    for size, batch in plan.batch.items():
        assert batch >= 8
        assert batch % 8 == 0
        assert batch * row_bytes <= plans.BATCH_BYTES
        assert batch <= plans.BATCH_POINTS[kind] // arrays
        few = batch <= max(8, plans.BATCH_FEW_POINTS[kind])
        assert few or batch * size * kept <= plans.BATCH_NUMBERS[kind]
        assert batch == 8 or batch * size <= plans.BATCH_MOST_SITES[kind] // arrays
        assert batch < counts(what)[size] + 8
    assert 1 <= plan.free_step <= what.grid.free_axes.size
    assert plan.solve_step >= max(plan.batch.values())
    assert plan.solve_step * row_bytes <= max(plans.BLOCK_BYTES, plans.BATCH_BYTES)
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.memory_bytes(what) > 0


def test_long_wires_get_few_points_and_a_profile_fewer():
    """Sites x points that were measured best, with whole loops (docs/performance.md)."""

    def batch(N, arrays, kept):
        (points,) = make_plan(task([N], [10**5], arrays=arrays, kept=kept), WHOLE).batch.values()
        return points

    assert [batch(N, 1, 8) for N in (30, 1000, 10**4, 10**5, 10**6)] == [128, 128, 32, 32, 8]
    assert [batch(N, 2, 13) for N in (30, 1000, 10**4)] == [64, 64, 32]
    assert [batch(N, 2, 20) for N in (30, 1000, 10**4)] == [64, 48, 32]


def test_one_call_holds_the_batches_of_a_device():
    plan = Plan({16: 128}, solve_step=1000, free_step=1)
    assert plan.rows(128, 1) == 8  # 1000 points
    assert plan.rows(128, 2) == 4
    assert plan.rows(10**6, 1) == 1
    assert Plan({16: 128}, 10**9, 1).rows(128, 1) == plans.AT_ONCE // 128


def test_small_drive_grids_are_evaluated_whole_and_huge_ones_in_parts():
    assert make_plan(task(others=[50], free=[7, 9])).free_step == 63
    huge = make_plan(task(others=[50], free=[10**4, 10**4], site=100))
    assert 1 < huge.free_step < 10**8
    assert huge.batch == {16: 8}


def test_counts_add_up():
    what = task([4, 8, 100, 120], [10**7], free=[5])
    assert counts(what) == {8: 2 * 10**7, 120: 2 * 10**7}
    assert counts(task(others=[3, 4], size=32)) == {32: 12}
    assert counts(task()) == {16: 1}


def test_expensive_points_make_small_blocks():
    cheap = make_plan(task(others=[10**6]))
    dear = make_plan(task(others=[10**6], cost=lambda size: 1e4 * size))
    assert dear.solve_step == max(dear.batch.values())
    assert dear.solve_step < cheap.solve_step


def test_time_grows_with_the_work_and_with_what_is_compiled():
    """A start, a compilation for every padded size, and the updates of sites."""
    few, many = (task([30], [count], update_seconds=1e-6, compile_seconds=3.0) for count in (1, 10**6))
    seconds = lambda what: make_plan(what).seconds(what)
    assert seconds(few) == pytest.approx(plans.START_SECONDS + 3.0, abs=0.01)
    assert seconds(many) - seconds(few) == pytest.approx(10**6 * (30 + 2) * 1e-6, rel=0.2)
    two = task([30, 1000], [10**6], compile_seconds=3.0)
    assert len(make_plan(two).batch) == 2
    assert seconds(two) > 2 * 3.0


def test_points_that_go_one_by_one_wait_for_no_batch():
    """Their scratch memory is that of one, and blocks are large all the same. A GPU takes them together."""
    alone = task([20], [10**4], sequential=True, scratch_bytes=10**6)
    plan = make_plan(alone)
    assert plan.batch == {24: 1}
    assert plan.retry_batch(24, alone) == 1
    assert plan.solve_step > 1000
    assert plan.halved().batch == plan.batch
    assert min(make_plan(alone, "gpu").batch.values()) >= 8


def test_a_single_point_is_planned_too():
    plan = make_plan(task())
    assert plan.batch == {16: 8}
    assert plan.free_step == 1


def test_json_keeps_whole_numbers():
    plan = Plan({8: 16, 120: 1024}, 4096, 3)
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert all(isinstance(key, int) for key in again.batch)


def test_a_large_program_is_compiled_for_as_many_devices_as_pay():
    """A hundred points that take milliseconds each are no reason to compile for seconds twice."""
    few, many = (task([20], [n], sequential=True, quickly=True, compile_seconds=7.0) for n in (100, 10**6))
    slow = lambda one: dataclasses.replace(one, cost=lambda size: 1e5)
    assert [devices_worth(slow(one), 2) for one in (few, many)] == [1, 2]
    assert devices_worth(task([20], [100]), 2) == 2
