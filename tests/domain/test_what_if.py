"""A what-if steps a scene and a changed one with the same draws."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.domain.test_forecast import NOW_MS, POOL, job, scene
from tidegate.domain.forecast.run_times import RunTimes
from tidegate.domain.forecast.scene import Scene, SceneJob, ScenePool
from tidegate.domain.forecast.what_if import Changes, Compared, change, compare
from tidegate.domain.lanes import share_lane
from tidegate.domain.states import State
from tidegate.domain.traits import Traits

ALL = ["w.0", "w.1", "w.2"]


def compared(of: Scene, changes: Changes, group: list[str]) -> Compared:
    found = compare(of, change(of, changes, window=1.5), RunTimes(), [group], draws=20)
    assert found.draws == 20
    return found.groups[0]


def later_seconds(of: Scene, changes: Changes, group: list[str]) -> float:
    found = compared(of, changes, group)
    assert found.later is not None
    return found.later.p50_ms / 1_000


def test_without_a_change_no_draw_differs() -> None:
    found = compared(scene([job(0), job(1, 0), job(2)], slots=2), Changes(), ALL)
    assert found.is_same
    assert found.today == found.then
    assert found.later is not None
    assert (found.later.low_ms, found.later.high_ms) == (0, 0)


def test_more_slots_end_all_earlier_and_fewer_later() -> None:
    of = scene([job(0), job(1), job(2)], slots=2)
    assert later_seconds(of, Changes(slots={POOL: 3}), ALL) < -0.5
    assert later_seconds(of, Changes(slots={POOL: 1}), ALL) > 0.5
    none = compared(of, Changes(slots={POOL: 0}), ALL)
    assert none.today is not None
    assert (none.then, none.later, none.is_same) == (None, None, False)


def test_a_higher_priority_counts_for_waiting_jobs_alone() -> None:
    of = scene([job(0, state=State.RUNNING, since_ms=NOW_MS), job(1), job(2), job(3, 0)])
    first = Changes(priorities={"w.0": 900, "w.2": 900})
    assert later_seconds(of, first, ["w.2"]) < -0.5
    assert later_seconds(of, first, ["w.1"]) > 0.5
    assert compared(of, first, ["w.0"]).is_same
    pending = Changes(priorities={"w.3": 900})
    assert later_seconds(of, pending, ["w.3"]) < -0.5


def test_pauses_hold_and_running_jobs_go_on() -> None:
    of = scene([job(0, state=State.RUNNING, since_ms=NOW_MS), job(1)], slots=2)
    for changes in (Changes(paused_pools=frozenset({POOL})), Changes(paused_types=frozenset({"t"}))):
        assert compared(of, changes, ["w.1"]).then is None
        assert compared(of, changes, ["w.0"]).is_same


def test_one_more_submission_delays_what_it_overtakes() -> None:
    of = scene([job(0), job(1)])
    urgent = replace(job(0), job_id="new.0", rank=job(0).rank + 1)
    found = compare(of, change(of, Changes(added=(urgent,)), 1.0), RunTimes(), [["w.1"], ["new.0"]], draws=20)
    delayed, added = found.groups
    assert delayed.later is not None
    assert delayed.later.low_ms > 0
    assert (added.today, added.later) == (None, None)
    assert added.then is not None


def test_one_more_submission_brings_the_weights_of_its_shares() -> None:
    def in_share(place: int, name: str) -> SceneJob:
        return replace(job(place), lane=share_lane(name), traits=Traits("t", share=name))

    of = scene([in_share(place, "old") for place in range(8)], slots=4)
    new = tuple(replace(in_share(place, "new"), job_id=f"new.{place}") for place in range(4))
    group = [each.job_id for each in new]
    ends = [
        compared(of, Changes(added=new, weights=weights), group).then
        for weights in ({}, {POOL: {"new": 1_000}}, {"gone": {"new": 1_000}})
    ]
    assert ends[0] == ends[2]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[1].p50_ms < ends[0].p50_ms


def test_slots_that_are_added_run_each_type_and_the_window_grows_with_them() -> None:
    of = scene([job(0)], slots=4)
    pools = {POOL: ScenePool(slots=4, window=6, limited={"t": 1})}
    for slots, limit, window in ((6, 3, 9), (2, 1, 3), (0, 0, 0)):
        resized = change(replace(of, pools=pools), Changes(slots={POOL: slots}), 1.5).pools[POOL]
        assert (resized.slots, resized.limited["t"], resized.window) == (slots, limit, window)


def test_stepping_ends_after_a_draw_once_the_time_is_over() -> None:
    of = scene([job(0)])
    found = compare(of, of, RunTimes(), [["w.0"]], draws=20, is_over=lambda: True)
    assert found.draws == 1


@pytest.mark.parametrize("passes", [0, 3])
def test_the_same_priority_is_the_same_rank(passes: int) -> None:
    ready = replace(job(0), rank=job(0).rank - passes)
    assert change(scene([ready]), Changes(priorities={"w.0": 100}), 1.0).jobs == (ready,)
