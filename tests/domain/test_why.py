"""The decision why a job is not running, over values as they are read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import PENDING, QUEUED, READY, RUNNING, SCHEDULED
from tidegate.domain.dependency import Dependency, DependencyType
from tidegate.domain.dispatch_plan import LOOK_AT_MOST, Candidate
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


def test_the_part_that_acts_next_is_named_with_its_evidence() -> None:
    fact = _one(_why(JOB, _at()))
    assert (fact.change.sentence, fact.change.pool) == (
        "wait for the dispatcher, which comes within a minute",
        "p",
    )
    assert _one(_why(replace(JOB, state=State.SCHEDULED, due_at_ms=NOW_MS), _at())).evidence == {}
    queued = replace(QUEUED, job_id="J", pool="p", queued_at_ms=5, sent_at_ms=NOW_MS)
    fact = _one(_why(queued, _at(active=_active("J"))))
    assert fact.evidence == {"sent_at_ms": NOW_MS}
    assert fact.change.sentence.startswith("wait for a worker to take the message;")


def test_a_removed_pool_is_to_be_deployed_or_avoided() -> None:
    fact = _one(_why(JOB, PoolSeen(None, NO_RULES)))
    assert fact.message == "Pool p is not deployed any more: nothing is dispatched there."
    assert fact.evidence == {"pool": "p"}
    assert (fact.change.action, fact.change.pool) == (Action.DEPLOY_POOL, "p")
    assert fact.change.sentence == "deploy pool p again, or submit the job to another pool"


def test_a_pause_names_its_pool_or_its_type() -> None:
    rules = DispatchRules(frozenset({"p"}), {"t": TypeRule(paused=True)})
    of_pool, of_type = _why(JOB, _at(rules=rules)).facts
    assert (of_pool.message, of_pool.evidence) == ("Pool p is paused.", {"pool": "p"})
    assert (of_type.message, of_type.evidence) == ("Type t is paused.", {"type": "t"})
    assert (of_pool.change.pool, of_pool.change.type) == ("p", None)
    assert (of_type.change.pool, of_type.change.type) == (None, "t")


def test_the_limit_of_a_type_is_raised_no_higher_than_a_limit_may_be() -> None:
    rules = DispatchRules(types={"t": TypeRule(max_running=2)})
    for running, raised in ((MAX_TYPE_LIMIT - 1, MAX_TYPE_LIMIT), (MAX_TYPE_LIMIT, None)):
        holders = Permit(frozenset(f"H{number}@1" for number in range(running)))
        fact = _one(_why(JOB, _at(Ability(9), rules, permits={"type:t": holders})))
        assert fact.evidence == {"type": "t", "limit": 2, "running": running, "ahead": 0}
        assert (fact.change.action, fact.change.number) == (Action.LIMIT_TYPE, raised)


def test_a_pool_without_workers_says_which_slots_to_bring() -> None:
    at = replace(_at(Ability(0), queues=(_ahead("A"),)), pool=replace(POOL, capabilities=frozenset("ba")))
    fact = _one(_why(JOB, at))
    assert fact.message == "Pool p, which offers a, b, has no live worker."
    assert fact.evidence == {
        "slots": 0, "window": 0, "dispatched": 0, "ahead": 1, "more": False, "next_ahead": ("A",),
        "capabilities": ("a", "b"), "fault": None,
    }  # fmt: skip
    assert (fact.change.action, fact.change.pool, fact.change.type) == (Action.ADD_SLOTS, "p", "t")
    broken = _one(_why(JOB, _at(Ability(0, fault="no module"))))
    assert (broken.evidence["fault"], broken.evidence["capabilities"]) == ("no module", ())


@pytest.mark.parametrize(
    ("slots", "able", "active", "added"),
    [
        # The slots to add that must have the type, and then those of any kind: none where the first are enough.
        (2, 1, ("t",), (1,)),
        (3, 2, ("t",), ()),
        (2, 0, ("o", "o"), (1,)),
        (2, 0, ("o", "o", "o"), (1, 1)),
        (4, 2, ("t", "t", "t"), (2,)),
        (2, 2, ("o", "o"), (1,)),
    ],
)
def test_slots_that_have_the_type_count_as_slots(
    slots: int, able: int, active: tuple[str, ...], added: tuple[int, ...]
) -> None:
    running = tuple(Active(f"A{place}", Traits(kind), place) for place, kind in enumerate(active))
    why = _why(JOB, _at(Ability(slots, {"t": able}), active=running))
    changes = [fact.change for fact in why.facts if fact.change.action is Action.ADD_SLOTS]
    assert tuple(change.number for change in changes) == added
    assert {change.pool for change in changes} <= {"p"}


@pytest.mark.parametrize(("limited", "job_type"), [({}, "t"), ({"t": 2}, None), ({"o": 1}, "t")])
def test_added_slots_must_have_the_type_unless_enough_of_them_have_it(
    limited: dict[str, int], job_type: str | None
) -> None:
    fact = _one(_why(JOB, _at(Ability(2, limited), active=_active("A", "B"))))
    assert (fact.code, fact.change.pool, fact.change.type) == (Code.SLOTS_TAKEN, "p", job_type)


def test_a_queued_job_counts_those_of_its_type_before_it() -> None:
    queued = replace(QUEUED, job_id="J", pool="p", type="t", queued_at_ms=5)
    before = Active("B", Traits("t"), 4, runs=False)
    after = Active("K", Traits("t"), 6, runs=False)
    facts = _why(queued, _at(Ability(9, {"t": 1}), active=(before, after))).facts
    assert [(fact.code, fact.change.number, fact.evidence["running"]) for fact in facts] == [
        (Code.NO_WORKER_WITH_TYPE, 1, 1)
    ]


def _in_submission(*unwritten: Job, at_pool: PoolSeen) -> list[Fact]:
    """Returns the facts about a job whose upstream U, in another pool, is not written yet."""
    waiting = replace(
        PENDING, job_id="S.9", pool="p", type="t", concurrency_key=None, share="", not_before_ms=None
    )
    edges = (Edge(Dependency("U"), None),)
    return list(_why(waiting, at_pool, edges=edges, is_submitted=False, unwritten=unwritten).facts)


FIRST = replace(JOB, job_id="S.1", type="o", priority=900)


@pytest.mark.parametrize(
    ("unwritten", "parts", "ahead"),
    [
        ((FIRST,), {}, 1),
        ((FIRST, replace(FIRST, job_id="S.2")), {}, 2),
        ((replace(FIRST, state=State.PENDING),), {}, 0),
        ((replace(FIRST, pool="q"),), {}, 0),
        ((replace(FIRST, priority=1),), {}, 0),
        ((FIRST,), {"queues": (_ahead("S.1"),)}, 1),
        ((FIRST,), {"active": _active("A", "S.1")}, 0),
    ],
)
def test_jobs_that_the_submission_is_still_to_write_come_first_by_their_rank(
    unwritten: tuple[Job, ...], parts: dict[str, tuple[object, ...]], ahead: int
) -> None:
    facts = _in_submission(*unwritten, at_pool=_at(Ability(1), **{"active": _active("A"), **parts}))  # type: ignore[arg-type]
    assert [fact.code for fact in facts[:2]] == [Code.SUBMISSION_UNFINISHED, Code.UPSTREAM]
    assert facts[-1].evidence["ahead"] == ahead


KEYED = replace(JOB, concurrency_key="k", concurrency_limit=1)
ASKS = Traits("o", concurrency_key="k", concurrency_limit=1)


@pytest.mark.parametrize(
    ("permits", "active", "holders"),
    [
        ({}, _active("A", traits=ASKS), ("A",)),
        ({}, (*_active("A", traits=ASKS), *_active("B")), ("A",)),
        ({"key:k": Permit(frozenset({"A@1@1"}))}, _active("A", traits=ASKS), ("A",)),
        ({"key:k": Permit(frozenset({"A@1@1"}))}, _active("A", "B", traits=ASKS), ("A", "B")),
        ({"key:k": Permit(frozenset({"J@1@1", "B@1@1"}))}, _active("J", traits=ASKS), ("B",)),
    ],
)
def test_a_dispatched_job_holds_its_key_even_where_the_permit_does_not_name_it(
    permits: dict[str, Permit], active: tuple[Active, ...], holders: tuple[str, ...]
) -> None:
    fact = _one(_why(KEYED, _at(Ability(9), permits=permits, active=active)))
    assert (fact.code, fact.evidence["holders"], fact.evidence["limit"]) == (Code.KEY_LIMIT, holders, 1)
    assert fact.change.job_ids == holders


@pytest.mark.parametrize(
    ("holders", "held", "change"),
    [
        ("A", "job A holds it", "wait until job A has ended, or cancel it"),
        ("A B C", "jobs A, B, C hold it", "wait until jobs A, B, C have ended, or cancel them"),
        ("A B C D", "jobs A, B, C and 1 more hold it", "wait until jobs A, B, C and 1 more have ended, or cancel them"),
    ],
)  # fmt: skip
def test_up_to_three_holders_are_named(holders: str, held: str, change: str) -> None:
    permit = Permit(frozenset(f"{each}@1@1" for each in holders.split()))
    fact = _one(_why(KEYED, _at(Ability(9), permits={"key:k": permit})))
    assert fact.message == f"At most 1 of concurrency key 'k' may be dispatched; {held}."
    assert fact.change.sentence == change


def test_jobs_that_come_first_for_a_key_are_counted() -> None:
    fact = _one(_why(KEYED, _at(Ability(9), queues=(_ahead("C", traits=ASKS),))))
    assert fact.message == (
        "At most 1 of concurrency key 'k' may be dispatched; no job holds it, and 1 more are ahead for it."
    )
    assert (fact.change.job_ids, fact.evidence["ahead"]) == (("C",), 1)


def test_more_are_ahead_where_not_all_were_looked_at() -> None:
    many = tuple(Candidate(f"A{place}", HIGH - place, OTHER) for place in range(LOOK_AT_MOST + 5))
    fact = _one(_why(replace(JOB, priority=1), _at(Ability(9), queues=(many,))))
    assert (fact.evidence["ahead"], fact.evidence["more"]) == (LOOK_AT_MOST, True)
    cut_off = replace(_at(Ability(1), active=_active("A")), is_whole=False)
    why = _why(JOB, cut_off)
    assert (_one(why).evidence["more"], why.is_whole) == (True, False)


def test_the_facts_before_a_job_is_ready_name_their_changes() -> None:
    why = _why(replace(SCHEDULED, due_at_ms=NOW_MS + 60_000, not_before_ms=None))
    assert _one(why).change.sentence == "wait until 2026-12-01T08:01:00Z"
    assert _one(_why(PENDING, edges_left_out=3)).change.action is Action.WAIT_FOR_UPSTREAM
    unfinished, _ = _why(
        replace(PENDING, job_id="S.1"), edges=(Edge(Dependency("U"), None),), is_submitted=False
    ).facts
    assert unfinished.message.startswith("The submission of workflow S is accepted,")
    assert unfinished.change.action is Action.WAIT_FOR_SUBMISSION
    decided = Edge(Dependency("U"), replace(READY, job_id="U", state=State.SUCCEEDED))
    assert _one(_why(PENDING, edges=(decided,))).change.sentence.startswith(
        "wait for the dispatcher, which releases"
    )
