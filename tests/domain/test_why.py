"""The decision why a job is not running, over values as they are read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import PENDING, QUEUED, READY, RUNNING, SCHEDULED
from tidegate.domain.dependency import Dependency, DependencyType
from tidegate.domain.dispatch_plan import Candidate
from tidegate.domain.job import Job, JobFailure
from tidegate.domain.limits import MAX_TYPE_LIMIT
from tidegate.domain.permits import Permit
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.rank import RankPolicy
from tidegate.domain.rules import DispatchRules, TypeRule
from tidegate.domain.states import State
from tidegate.domain.traits import Traits
from tidegate.domain.why.decide import decide
from tidegate.domain.why.facts import Action, Code, Fact, Why
from tidegate.domain.why.seen import Active, Edge, PoolSeen, Seen
from tidegate.domain.workers import Ability

NOW_MS = 1_796_112_000_000  # 2026-12-01T08:00:00Z
POLICY = RankPolicy()
POOL = Pool("p", "", PoolKind.PROCESS, 3_600)
JOB = replace(
    READY,
    job_id="J",
    pool="p",
    type="t",
    share="",
    concurrency_key=None,
    held_in="",
    ready_at_ms=NOW_MS,
    tries=0,
)
HIGH, LOW = 10**40, -(10**40)
TWO_SLOTS, NO_RULES, OTHER = Ability(2), DispatchRules(), Traits("o")


def _why(job: Job, at_pool: PoolSeen | None = None, **seen: object) -> Why:
    return decide(Seen(job, NOW_MS, POLICY, 2.0, at_pool=at_pool, **seen))  # type: ignore[arg-type]


def _at(ability: Ability = TWO_SLOTS, rules: DispatchRules = NO_RULES, **parts: object) -> PoolSeen:
    return PoolSeen(POOL, rules, ability, **parts)  # type: ignore[arg-type]


def _one(why: Why) -> Fact:
    (fact,) = why.facts
    assert why.sentence == f"To start it, {fact.change.sentence}."
    return fact


def _active(*job_ids: str, traits: Traits = OTHER) -> tuple[Active, ...]:
    return tuple(Active(job_id, traits, place) for place, job_id in enumerate(job_ids))


def _ahead(*job_ids: str, traits: Traits = OTHER) -> tuple[Candidate, ...]:
    return tuple(Candidate(job_id, HIGH - place, traits) for place, job_id in enumerate(job_ids))


def test_a_job_that_runs_or_has_ended_has_no_facts() -> None:
    running = replace(RUNNING, worker_id="w", started_at_ms=NOW_MS, attempt=2)
    assert _why(running) == Why((), "It is running: worker w claimed it at 2026-12-01T08:00:00Z, attempt 2.")
    done = replace(RUNNING, state=State.SUCCEEDED, finished_at_ms=NOW_MS, failure=None)
    assert _why(done).sentence == "It has ended: SUCCEEDED at 2026-12-01T08:00:00Z."
    failed = replace(done, state=State.FAILED, failure=JobFailure("broken", "it broke"))
    assert _why(failed).sentence == (
        "It has ended: FAILED with broken at 2026-12-01T08:00:00Z; retry it to run it again."
    )
    assert _why(replace(done, finished_at_ms=None)).sentence == "It has ended: SUCCEEDED at an unknown time."


def test_a_job_that_nothing_holds_waits_for_the_next_part_of_the_system() -> None:
    fact = _one(_why(JOB, _at()))
    assert (fact.code, fact.change.action) == (Code.DISPATCH_DUE, Action.WAIT_FOR_DISPATCHER)
    assert fact.message == "Nothing holds it since 2026-12-01T08:00:00Z: the dispatcher has not come yet."
    assert fact.evidence == {"ready_at_ms": NOW_MS}
    due = replace(JOB, state=State.SCHEDULED, due_at_ms=NOW_MS)
    assert _one(_why(due, _at())).message == "Nothing holds it: the dispatcher has not come yet."
    queued = replace(QUEUED, job_id="J", pool="p", queued_at_ms=5, sent_at_ms=NOW_MS)
    fact = _one(_why(queued, _at(active=_active("J"))))
    assert (fact.code, fact.change.action, fact.change.pool) == (Code.CLAIM_DUE, Action.WAIT_FOR_WORKER, "p")
    assert fact.message == (
        "A slot is free for it. Its message was sent at 2026-12-01T08:00:00Z, and no worker has taken it yet."
    )


@pytest.mark.parametrize(
    ("kind", "state", "code", "action", "message"),
    [
        ("MUST_START", "READY", Code.UPSTREAM, Action.WAIT_FOR_UPSTREAM, "MUST_START is satisfied once it starts."),
        ("MUST_COMPLETE", "QUEUED", Code.UPSTREAM, Action.WAIT_FOR_UPSTREAM, "satisfied once it ends."),
        ("MUST_SUCCEED", "RUNNING", Code.UPSTREAM, Action.WAIT_FOR_UPSTREAM, "satisfied once it succeeds."),
        ("CONDITIONAL", "PENDING", Code.UPSTREAM, Action.WAIT_FOR_UPSTREAM, "once it ends and its condition is true."),
        ("MUST_SUCCEED", "FAILED", Code.UPSTREAM, Action.RETRY_UPSTREAM, "MUST_SUCCEED: the job will be SKIPPED."),
        ("MUST_SUCCEED", "SUCCEEDED", Code.RELEASE_DUE, Action.WAIT_FOR_DISPATCHER, "has not noted it yet."),
        ("CONDITIONAL", "SUCCEEDED", Code.RELEASE_DUE, Action.WAIT_FOR_DISPATCHER, "has not noted it yet."),
    ],
)  # fmt: skip
def test_an_unmet_dependency_is_judged_by_its_upstream(
    kind: str, state: str, code: Code, action: Action, message: str
) -> None:
    upstream = replace(READY, job_id="U", key="up", pool="q", state=State(state), began_at_ms=None)
    fact = _one(_why(PENDING, edges=(Edge(Dependency("U", DependencyType(kind), "c"), upstream),)))
    assert (fact.code, fact.change.action, fact.change.job_ids) == (code, action, ("U",))
    assert fact.message.endswith(message)
    assert "up (U)" in fact.message
    assert fact.evidence == {"job_id": "U", "key": "up", "state": state, "type": kind, "condition": "c"}


def test_an_upstream_that_is_gone_or_not_written_yet_is_said_to_be() -> None:
    edges = (Edge(Dependency("U"), None),)
    fact = _one(_why(replace(PENDING, attempt=0), edges=edges))
    assert (fact.code, fact.change.action) == (Code.UPSTREAM, Action.CANCEL)
    assert fact.message == "Upstream U has passed its retention."
    assert (
        fact.change.sentence
        == "submit it again without upstream U, which can no longer satisfy the dependency"
    )
    assert _one(_why(replace(PENDING, attempt=1), edges=edges)).code is Code.RELEASE_DUE
    why = _why(replace(PENDING, job_id="S.1", attempt=0), edges=edges, is_submitted=False)
    assert [fact.code for fact in why.facts] == [Code.SUBMISSION_UNFINISHED, Code.UPSTREAM]
    assert why.facts[0].evidence == {"workflow_id": "S"}
    assert why.facts[1].message == "Upstream U is not written yet."
    assert why.sentence.startswith(
        "To start it, all of these are needed: wait until the submission is finished;"
    )


def test_further_dependencies_are_counted() -> None:
    why = _why(PENDING, edges_left_out=3)
    fact = _one(why)
    assert (fact.code, fact.evidence, why.is_whole) == (Code.UPSTREAMS_LEFT_OUT, {"count": 3}, False)
    assert fact.message == "3 more dependencies are not satisfied; their upstreams were not read."
    assert fact.change.sentence == "wait for the 3 upstreams that were not read"


def test_a_time_to_come_is_the_callers_or_the_end_of_a_backoff() -> None:
    later_ms = NOW_MS + 60_000
    fact = _one(_why(replace(SCHEDULED, due_at_ms=later_ms, not_before_ms=later_ms)))
    assert (fact.code, fact.change.at_ms, fact.evidence) == (
        Code.NOT_BEFORE,
        later_ms,
        {"due_at_ms": later_ms},
    )
    assert fact.message == "It may not start before 2026-12-01T08:01:00Z."
    fact = _one(_why(replace(SCHEDULED, due_at_ms=later_ms, not_before_ms=None, tries=2)))
    assert (fact.code, fact.change.action) == (Code.BACKOFF, Action.WAIT_UNTIL)
    assert fact.message == "A retry waits until 2026-12-01T08:01:00Z, after 2 of 4 tries."
    assert fact.evidence == {"due_at_ms": later_ms, "tries": 2, "max_retries": 3}
    assert _one(_why(replace(PENDING, not_before_ms=later_ms))).code is Code.NOT_BEFORE


def test_a_job_on_hold_is_to_be_taken_off_it() -> None:
    fact = _one(_why(replace(PENDING, on_hold=True, waiting_on=frozenset())))
    assert (fact.code, fact.change.action) == (Code.ON_HOLD, Action.UNHOLD)
    assert fact.message == "A caller has put it on hold."
    assert fact.change.sentence == f"take it off hold: tidegate jobs unhold {PENDING.job_id}"


def test_pauses_and_a_removed_pool_are_named() -> None:
    assert _one(_why(JOB, PoolSeen(None, DispatchRules()))).code is Code.POOL_REMOVED
    rules = DispatchRules(frozenset({"p"}), {"t": TypeRule(paused=True)})
    why = _why(JOB, _at(rules=rules))
    assert [(fact.code, fact.change.action) for fact in why.facts] == [
        (Code.POOL_PAUSED, Action.RESUME_POOL),
        (Code.TYPE_PAUSED, Action.RESUME_TYPE),
    ]
    assert why.sentence == "To start it, all of these are needed: resume pool p; resume type t."


def test_a_type_is_raised_by_those_that_run_and_those_ahead() -> None:
    rules = DispatchRules(types={"t": TypeRule(max_running=2)})
    active, ahead = _active("A", traits=Traits("t")), _ahead("B", traits=Traits("t"))
    fact = _one(_why(JOB, _at(Ability(9), rules, active=active, queues=(ahead,))))
    assert (fact.code, fact.change.number, fact.change.type) == (Code.TYPE_LIMIT, 3, "t")
    assert fact.message == "At most 2 of type t may run; 1 are dispatched and 1 are ahead."
    assert fact.change.sentence == "raise the limit of type t to 3"
    many = Permit(frozenset(f"H{number}@1" for number in range(MAX_TYPE_LIMIT)))
    fact = _one(_why(JOB, _at(Ability(9), rules, permits={"type:t": many})))
    assert (fact.change.number, fact.change.sentence) == (None, "take the limit off type t")
    assert _one(_why(JOB, _at(Ability(9), rules, active=active))).code is Code.DISPATCH_DUE


def test_a_key_names_its_holders_and_as_many_as_must_end() -> None:
    job = replace(JOB, concurrency_key="k", concurrency_limit=2)
    permit = Permit(frozenset({"A@1@2", "B@1@2"}))
    fact = _one(_why(job, _at(Ability(9), permits={"key:k": permit})))
    assert (fact.code, fact.change.action, fact.change.job_ids) == (Code.KEY_LIMIT, Action.END_JOBS, ("A",))
    assert fact.message == "At most 2 of concurrency key 'k' may be dispatched; jobs A, B hold it."
    assert fact.evidence == {
        "concurrency_key": "k", "limit": 2, "holders": ("A", "B"), "holder_count": 2, "ahead": 0
    }  # fmt: skip
    queue = _ahead("C", traits=Traits("o", concurrency_key="k", concurrency_limit=1))
    fact = _one(_why(job, _at(Ability(9), permits={"key:k": Permit(frozenset({"A@1@1"}))}, queues=(queue,))))
    assert fact.change.job_ids == ("A", "C")
    assert fact.change.sentence == "wait until jobs A, C have ended, or cancel them"
    assert (
        _one(_why(job, _at(Ability(9), permits={"key:k": Permit(frozenset({"A@1@2"}))}))).code
        is Code.DISPATCH_DUE
    )


def test_the_place_counts_those_dispatched_and_those_ahead() -> None:
    at = _at(Ability(1), active=_active("A", "B"), queues=(_ahead("C", "D", "E", "F"),))
    fact = _one(_why(JOB, at))
    assert (fact.code, fact.change.action, fact.change.number) == (Code.WINDOW_FULL, Action.ADD_SLOTS, 6)
    assert fact.evidence == {
        "slots": 1, "window": 2, "dispatched": 2, "ahead": 4, "more": False, "next_ahead": ("F", "E", "D")
    }  # fmt: skip
    assert fact.message == "Pool p has 1 slot, its window is full with 2 jobs, and 4 jobs are ahead of it."
    fact = _one(_why(JOB, _at(Ability(1), active=_active("A"))))
    assert (fact.code, fact.change.number) == (Code.SLOTS_TAKEN, 1)
    assert fact.change.sentence == "add 1 slot to pool p, or wait until as many jobs before it have ended"
    other_share = (Candidate("C", LOW, Traits("o", "data"), "share:data"),)
    at = _at(Ability(1), active=_active("A"), queues=(other_share,), weights={"data": 9})
    fact = _one(_why(replace(JOB, ready_at_ms=NOW_MS), at))
    assert (fact.code, fact.change.number) == (Code.SHARE_TURN, 2)
    assert fact.message == "Pool p has 1 slot, and other shares come first: 1 job is ahead of it."


def test_an_upstream_that_ends_frees_its_slot() -> None:
    upstream = replace(RUNNING, job_id="A", pool="p", type="o", began_at_ms=None)
    waiting = replace(
        PENDING, job_id="J", pool="p", type="t", concurrency_key=None, share="", not_before_ms=None
    )
    at = _at(Ability(1), active=_active("A"))
    ends = Edge(Dependency("A", DependencyType.MUST_COMPLETE), upstream)
    assert _one(_why(waiting, at, edges=(ends,))).code is Code.UPSTREAM
    starts = Edge(Dependency("A", DependencyType.MUST_START), upstream)
    assert [fact.code for fact in _why(waiting, at, edges=(starts,)).facts] == [
        Code.UPSTREAM,
        Code.SLOTS_TAKEN,
    ]


def test_a_pool_without_workers_needs_slots_for_all_before_the_job() -> None:
    fact = _one(_why(JOB, _at(Ability(0), queues=(_ahead("A"),))))
    assert (fact.code, fact.change.number) == (Code.NO_WORKER, 2)
    assert fact.message == "Pool p has no live worker."
    assert fact.change.sentence == "start workers with 2 slots in pool p"
    gpu = replace(POOL, capabilities=frozenset({"gpu"}))
    assert (
        _one(_why(JOB, replace(_at(Ability(0)), pool=gpu))).message
        == "Pool p, which offers gpu, has no live worker."
    )
    broken = _one(_why(JOB, _at(Ability(0, fault="no module"))))
    assert broken.message == "No worker of pool p can begin a job: no module"


def test_a_type_that_workers_lack_needs_slots_that_have_it() -> None:
    fact = _one(_why(JOB, _at(Ability(2, {"t": 0}))))
    assert (fact.code, fact.change.number, fact.change.type) == (Code.NO_WORKER_WITH_TYPE, 1, "t")
    assert fact.message == "No worker of pool p can run type t."
    assert fact.change.sentence.startswith("add 1 slot that can run type t to pool p,")
    fact = _one(_why(JOB, _at(Ability(3, {"t": 1}), active=_active("A", traits=Traits("t")))))
    assert fact.message == "Only 1 slot, all taken, of pool p can run type t."
    assert fact.evidence == {"type": "t", "slots": 1, "running": 1}


def test_a_queued_job_waits_for_those_dispatched_before_it() -> None:
    queued = replace(QUEUED, job_id="J", pool="p", type="t", queued_at_ms=5)
    others = (
        Active("A", Traits("o"), 1, runs=True),
        Active("B", Traits("o"), 4, runs=False),
        Active("C", Traits("o"), 5, runs=False),
        Active("K", Traits("o"), 5, runs=False),
    )
    fact = _one(_why(queued, _at(active=others)))
    assert (fact.code, fact.change.number) == (Code.SLOTS_TAKEN, 2)
    assert (fact.evidence["dispatched"], fact.evidence["ahead"], fact.evidence["next_ahead"]) == (
        1,
        2,
        ("C", "B"),
    )
    assert fact.message == "Pool p has 2 slots, taken or claimed by earlier jobs: 2 jobs are ahead of it."
    assert _why(queued, _at(Ability(3), active=others[:2])).facts[0].code is Code.CLAIM_DUE
