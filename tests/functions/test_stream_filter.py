"""The filter of the jobs' stream wakes the dispatcher for the same changes as the simulated stream."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.domain.job_samples import NOW_MS, SAMPLES
from tests.harness.tables import resources
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.domain.changes import JobChange
from tidegate.domain.job import Job
from tidegate.domain.rank import RankPolicy
from tidegate.domain.states import TRANSITIONS, State

# One pattern holds all ways into READY and SCHEDULED, so these wake it in vain. The second is never written.
IN_VAIN = {(State.PENDING, State.SCHEDULED), (State.SCHEDULED, State.SCHEDULED)}
CODEC = JobCodec(shards=4, rank_policy=RankPolicy())


def filters() -> list[Any]:
    source = resources()["DispatcherStream"]["Properties"]
    return [json.loads(each["Pattern"]) for each in source["FilterCriteria"]["Filters"]]


def matches(pattern: Any, value: Any) -> bool:
    """Matches as an event source's filter does, with fields and with lists of wanted or unwanted values.

    An absent value is neither: AWS compares with the value that a leaf holds.
    """
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(matches(wanted, value.get(k)) for k, wanted in pattern.items())
    return value is not None and any(_is_wanted(wanted, value) for wanted in pattern)


def _is_wanted(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, dict):
        return bool(wanted["exists"]) if "exists" in wanted else value not in wanted["anything-but"]
    return bool(value == wanted)


def wakes(change: JobChange) -> bool:
    images = {"NewImage": CODEC.whole_item(change.new)}
    if change.old is not None:
        images["OldImage"] = CODEC.whole_item(change.old)
    record = {"eventName": "INSERT" if change.old is None else "MODIFY", "dynamodb": images}
    return any(matches(pattern, record) for pattern in filters())


def changes() -> Iterator[JobChange]:
    """Makes every transition of the table and every write without one, for jobs begun or not, watched or not."""
    pairs: list[tuple[State | None, State]] = [
        (None, state) for state in (State.PENDING, State.SCHEDULED, State.READY)
    ]
    pairs += [(state, state) for state in State]
    pairs += [(state, to) for state in State for to in sorted(TRANSITIONS[state])]
    for (before, after), watched, began_before, begins in itertools.product(
        pairs, (False, True), (False, True), (False, True)
    ):
        old = None if before is None else _job(before, watched, began_before)
        yield JobChange(old, _job(after, watched, began_before or begins))


def _job(state: State, watched: bool, began: bool) -> Job:
    return replace(SAMPLES[state], watch_start=watched, began_at_ms=NOW_MS if began else None)


def _name(change: JobChange) -> str:
    old, new = change.old, change.new
    before = "new" if old is None else f"{old.state}{' begun' * old.was_started}"
    return f"{before}-{new.state}{' begun' * new.was_started}{' watched' * new.watch_start}"


@pytest.mark.parametrize("change", list(changes()), ids=_name)
def test_the_filter_wakes_the_dispatcher_for_its_changes_and_nothing_else(change: JobChange) -> None:
    in_vain = change.old is not None and (change.old.state, change.new.state) in IN_VAIN
    assert wakes(change) is (change.concerns_dispatcher or in_vain)


def test_the_first_word_of_a_start_wakes_it_and_heartbeats_after_it_do_not() -> None:
    claimed = _job(State.RUNNING, watched=True, began=False)
    begun = _job(State.RUNNING, watched=True, began=True)
    assert wakes(JobChange(claimed, begun))
    assert not wakes(JobChange(begun, replace(begun, lease_expires_at_ms=NOW_MS + 60_000)))
    assert not wakes(JobChange(claimed, replace(claimed, lease_expires_at_ms=NOW_MS + 60_000)))
    assert not wakes(JobChange(replace(claimed, watch_start=False), replace(begun, watch_start=False)))
