"""The cases of amending waiting jobs. See transition_cases."""

from __future__ import annotations

from dataclasses import replace

from tests.harness.domain.job_samples import NOW_MS, PENDING, READY, SAMPLES, SCHEDULED
from tests.harness.domain.transition_case import Case
from tidegate.domain import limits
from tidegate.domain.amendments import AMENDABLE, Amendment
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.transitions import AmendIfWaiting, Stamp
from tidegate.domain.verdicts import FinishVerdict, Judgement

STAMP = Stamp(NOW_MS, "tester", "because")
LATER_MS = NOW_MS + 5_000


def _refused(job: Job) -> dict[str, Job]:
    ended = {f"is {state}": other for state, other in SAMPLES.items() if state not in AMENDABLE}
    return {**ended, "was amended as often as is allowed": replace(job, amended=limits.MAX_AMENDMENTS)}


def _case(job: Job, amendment: Amendment, **after: object) -> Case:
    wanted = replace(job, amended=job.amended + 1, **after)  # type: ignore[arg-type]
    return Case(AmendIfWaiting(job, amendment, STAMP), job, wanted, _refused(job))


BACKOFF = replace(SCHEDULED, tries=1, not_before_ms=NOW_MS - 9_000, due_at_ms=NOW_MS + 3_000)
TIMED = replace(SCHEDULED, not_before_ms=LATER_MS, due_at_ms=LATER_MS)
FULL = replace(BACKOFF, on_hold=True, amended=limits.MAX_AMENDMENTS)
OPEN = replace(PENDING, pool_open=True, tags={"a": "b"}, description="old")
HELD = replace(READY, held_in="key:1:k", amended=3)
JUDGED = replace(READY, finish_by_ms=LATER_MS, judgements=(Judgement(NOW_MS, FinishVerdict.AT_RISK, 0.25),))

AMENDMENTS = [
    _case(PENDING, Amendment(priority=900), priority=900),
    _case(replace(PENDING, priority=900), Amendment(priority=100), priority=100),
    _case(PENDING, Amendment(not_before_ms=LATER_MS), not_before_ms=LATER_MS),
    _case(PENDING, Amendment(finish_by_ms=LATER_MS), finish_by_ms=LATER_MS),
    _case(JUDGED, Amendment(finish_by_ms=None), finish_by_ms=None, judgements=()),
    _case(JUDGED, Amendment(finish_by_ms=LATER_MS, priority=2), priority=2),
    _case(OPEN, Amendment(pool="q"), pool="q", pool_open=False),
    _case(OPEN, Amendment(description=None, tags={}), description=None, tags={}),
    _case(OPEN, Amendment(description="new", tags={"c": "d"}), description="new", tags={"c": "d"}),
    _case(READY, Amendment(priority=1), priority=1),
    _case(HELD, Amendment(priority=1_000), priority=1_000),
    _case(READY, Amendment(not_before_ms=NOW_MS), not_before_ms=NOW_MS),
    _case(
        READY,
        Amendment(not_before_ms=LATER_MS),
        state=State.SCHEDULED,
        not_before_ms=LATER_MS,
        due_at_ms=LATER_MS,
    ),
    _case(HELD, Amendment(pool="q"), state=State.SCHEDULED, pool="q", due_at_ms=NOW_MS, held_in=""),
    _case(TIMED, Amendment(not_before_ms=None), not_before_ms=None, due_at_ms=NOW_MS),
    _case(TIMED, Amendment(not_before_ms=LATER_MS + 1), not_before_ms=LATER_MS + 1, due_at_ms=LATER_MS + 1),
    _case(TIMED, Amendment(pool="q", priority=2), pool="q", priority=2),
    _case(PENDING, Amendment(on_hold=True), on_hold=True),
    _case(HELD, Amendment(on_hold=True), state=State.SCHEDULED, on_hold=True, due_at_ms=NOW_MS, held_in=""),
    _case(TIMED, Amendment(on_hold=True), on_hold=True),
    _case(BACKOFF, Amendment(on_hold=True), on_hold=True),
    # A job that was amended as often as is allowed can still be taken off hold.
    Case(
        AmendIfWaiting(FULL, Amendment(on_hold=False), STAMP),
        FULL,
        replace(FULL, on_hold=False, amended=limits.MAX_AMENDMENTS + 1),
    ),
    _case(replace(TIMED, on_hold=True), Amendment(priority=3), priority=3),
    _case(BACKOFF, Amendment(not_before_ms=None), not_before_ms=None),
    _case(BACKOFF, Amendment(not_before_ms=LATER_MS), not_before_ms=LATER_MS, due_at_ms=LATER_MS),
]
