"""The fact that a running job is a straggler, and what is told of its second attempt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import RUNNING
from tidegate.domain.rank import RankPolicy
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd
from tidegate.domain.statistics.usual_runs import Straggler
from tidegate.domain.why.decide import decide
from tidegate.domain.why.facts import Action, Change, Code, Why
from tidegate.domain.why.seen import Seen

NOW_MS = 1_796_112_000_000  # 2026-12-01T08:00:00Z
POLICY = RankPolicy()
SECOND = SecondAttempt(beside=2, life=0, offered_at_ms=NOW_MS - 3_000)
CLAIMED = replace(SECOND, worker_id="v", claimed_at_ms=NOW_MS - 2_000)
SLOW = replace(RUNNING, worker_id="w", started_at_ms=NOW_MS - 9_500, timeout_seconds=60, second=None)
USUALLY = "It has run for 10 s, and 99 % of 200 runs of type t took at most 4.5 s."
OFFERED_TEXT = " A second attempt beside it is offered since 2026-12-01T07:59:57Z."
CLAIMED_TEXT = " Worker v claimed a second attempt beside it at 2026-12-01T07:59:58Z."


@pytest.mark.parametrize(
    ("second", "state", "told"),
    [
        (None, None, ""),
        (SECOND, "offered", OFFERED_TEXT),
        (CLAIMED, "running", CLAIMED_TEXT),
        (replace(CLAIMED, end=SecondEnd.FAILED), "failed", " Its second attempt is over: failed."),
        (replace(CLAIMED, beside=1), "ended", " Its second attempt is over: ended."),
        (replace(CLAIMED, life=1), None, ""),  # with an earlier life
    ],
)
def test_a_straggler_is_told_with_its_measure_and_its_second_attempt(
    second: SecondAttempt | None, state: str | None, told: str
) -> None:
    life = 2 if second is not None and second.life else 0
    beside = second if life == 0 or second is None else replace(second, beside=1)
    slow = replace(SLOW, type="t", second=beside, reopened=life, may_run_twice=True)
    why = decide(Seen(slow, NOW_MS, POLICY, 2.0, straggler=Straggler(200, 4.5)))
    (fact,) = why.facts
    assert (fact.code, fact.message) == (Code.STRAGGLER, USUALLY + told)
    is_live = state in ("offered", "running")
    assert fact.evidence == {
        "type": "t",
        "age_seconds": 9.5,
        "p99_seconds": 4.5,
        "runs": 200,
        "second_attempt_allowed": True,
        "second_attempt": state,
        "second_worker_id": "v" if state == "running" else None,
    }
    action, advice = (
        (Action.WAIT_FOR_ATTEMPT, "wait until the first of its two attempts succeeds")
        if is_live
        else (
            Action.CANCEL_AND_RETRY,
            "wait for it, or cancel it if it hangs, and then retry it; its timeout is 60 s",
        )
    )
    assert fact.change == Change(action, advice)
    assert why.sentence == (
        f"It is running: worker w claimed it at 2026-12-01T07:59:50Z, attempt 2. It is a straggler: {advice}."
    )


@pytest.mark.parametrize(("second", "told"), [(SECOND, OFFERED_TEXT), (CLAIMED, CLAIMED_TEXT)])
def test_a_second_attempt_is_told_of_a_job_that_is_no_straggler_too(second: SecondAttempt, told: str) -> None:
    why = decide(Seen(replace(SLOW, second=second), NOW_MS, POLICY, 2.0))
    assert why == Why((), f"It is running: worker w claimed it at 2026-12-01T07:59:50Z, attempt 2.{told}")
