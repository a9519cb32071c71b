from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.harness.domain.documents import read_document, table_rows
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.workers import (
    ENTRY_KEPT_SECONDS,
    LATEST_SESSIONS,
    PRESENT,
    WORKER_TRANSITIONS,
    Slots,
    Worker,
    WorkerIdTaken,
    WorkerSpec,
    WorkerState,
    ability_of,
    begin,
    check_spec,
    sources_of,
)

ARROW = re.compile(r"^\s*(\[\*\]|[A-Z]+) --> (\[\*\]|[A-Z]+)", re.MULTILINE)
NOW_MS = 1_796_112_000_000
POOLS = {
    "hosts": Pool("hosts", "", PoolKind.PROCESS, 60, capabilities=frozenset({"gpu", "tape"})),
    "plain": Pool("plain", "", PoolKind.PROCESS, 60),
    "function": Pool("function", "", PoolKind.FUNCTION, 60),
}
SPEC = WorkerSpec("plain", "w-1", "host-a", slots=3)


def worker(worker_id: str = "w-1", *, slots: int = 3, state: WorkerState = WorkerState.ACTIVE) -> Worker:
    spec = replace(SPEC, worker_id=worker_id, slots=slots)
    return replace(begin(spec, "session", NOW_MS), state=state)


def test_the_diagram_draws_the_table() -> None:
    drawn = ARROW.findall(read_document("explanation/workers.md"))
    transitions = [(WorkerState(a), WorkerState(b)) for a, b in drawn if "[*]" not in (a, b)]
    assert len(transitions) == len(set(transitions))
    assert set(transitions) == {
        (state, to) for state, targets in WORKER_TRANSITIONS.items() for to in targets
    }
    assert [b for a, b in drawn if a == "[*]"] == [WorkerState.ACTIVE]
    assert {a for a, b in drawn if b == "[*]"} == set(WorkerState) - PRESENT


def test_the_document_explains_every_state() -> None:
    rows = table_rows(read_document("explanation/workers.md"), "state")
    assert [row[0] for row in rows] == [state.value for state in WorkerState]


def test_the_table_knows_every_state_and_nothing_leaves_what_has_left() -> None:
    assert set(WORKER_TRANSITIONS) == set(WorkerState)
    assert WORKER_TRANSITIONS[WorkerState.INACTIVE] == frozenset()


def test_only_those_that_are_there_are_lost() -> None:
    assert sources_of(WorkerState.LOST) == PRESENT


def test_a_drain_is_never_taken_back() -> None:
    assert WorkerState.ACTIVE not in WORKER_TRANSITIONS[WorkerState.DRAINING]


@pytest.mark.parametrize(
    ("state", "live"),
    [
        (WorkerState.ACTIVE, True),
        (WorkerState.DRAINING, True),
        (WorkerState.INACTIVE, False),
        (WorkerState.LOST, False),
    ],
)
def test_a_worker_lives_while_it_is_there_and_heard_of(state: WorkerState, live: bool) -> None:
    assert worker(state=state).is_live(NOW_MS) is live
    assert not worker(state=state).is_live(NOW_MS + 1)


def test_capacity_is_the_slots_of_live_workers_that_do_not_drain() -> None:
    workers = [
        worker("a", slots=2),
        worker("b", slots=5),
        worker("c", slots=100, state=WorkerState.DRAINING),
        worker("d", slots=100, state=WorkerState.INACTIVE),
        worker("e", slots=100, state=WorkerState.LOST),
        replace(worker("f", slots=100), heartbeat_at_ms=NOW_MS - 1),
    ]
    assert ability_of(workers, NOW_MS).slots == 7
    assert ability_of([], NOW_MS).slots == 0


def test_a_type_that_workers_lack_has_the_slots_of_the_others_and_a_faulty_worker_has_none() -> None:
    workers = [
        worker("a", slots=2),
        replace(worker("b", slots=5), lacking=("x",)),
        replace(
            worker("c", slots=3),
            lacking=(
                "x",
                "y",
            ),
        ),
        replace(worker("d", slots=100), lacking=("z",), fault="no room"),
        replace(worker("e", slots=100), fault="no disk"),
    ]
    ability = ability_of(workers, NOW_MS)
    assert (ability.slots, dict(ability.limited)) == (10, {"x": 2, "y": 7})
    assert ability.fault == "no room", "the first fault is shown"
    assert (ability_of(workers[:3], NOW_MS).fault, ability_of(workers[3:], NOW_MS).slots) == ("", 0)


def test_a_new_worker_is_active_and_its_entry_outlives_it_by_a_day() -> None:
    fresh = begin(SPEC, "session", NOW_MS)
    assert (fresh.state, fresh.heartbeat_at_ms, fresh.running) == (WorkerState.ACTIVE, NOW_MS, 0)
    assert (fresh.session_id, fresh.started_at_ms) == ("session", NOW_MS)
    assert fresh.expires_at_s == NOW_MS // 1_000 + ENTRY_KEPT_SECONDS
    assert begin(SPEC, "session", NOW_MS + 999).expires_at_s == fresh.expires_at_s


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"slots": 0}, "slots", "is 0; must be from 1"),
        ({"slots": -3}, "slots", "is -3; must be from 1"),
        ({"slots": 257}, "slots", "is 257; must be from 1 to 256"),
        ({"pool": "nowhere"}, "pool", "unknown pool 'nowhere'; worker processes serve hosts, plain here"),
        ({"pool": "function"}, "pool", "served by a function"),
        ({"pool": "hosts", "capabilities": frozenset({"gpu"})}, "capability", "offers tape to its jobs"),
        ({"worker_id": ""}, "worker-id", "must have 1 to 128"),
        ({"worker_id": "a b"}, "worker-id", "letters, digits"),
        ({"worker_id": "a/b"}, "worker-id", "letters, digits"),
        ({"worker_id": "x" * 129}, "worker-id", "must have 1 to 128"),
        ({"name": ""}, "name", "1 to 256 characters"),
        ({"name": "two\nlines"}, "name", "printable"),
        ({"tags": {"a": "\x1b"}}, "tag", "printable"),
        ({"tags": {"a": "x" * 129}}, "tag", "1 to 128"),
        ({"tags": {str(n): "x" for n in range(21)}}, "tag", "21 are given; at most 20"),
        ({"capabilities": frozenset({""})}, "capability", "1 to 128"),
        ({"capabilities": frozenset(map(str, range(21)))}, "capability", "21 are given; at most 20"),
    ],
)
def test_what_a_worker_can_not_be_is_named(changes: dict[str, object], field: str, message: str) -> None:
    spec = replace(SPEC, **changes)  # type: ignore[arg-type]  # a bundle of keyword arguments
    with pytest.raises(InvalidRequest) as refused:
        check_spec(spec, POOLS)
    (violation,) = refused.value.violations
    assert violation.field == field
    assert message in violation.message


def test_everything_that_is_wrong_is_named_together() -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_spec(replace(SPEC, pool="x", slots=0, worker_id=""), POOLS)
    assert [violation.field for violation in refused.value.violations] == ["pool", "slots", "worker-id"]


def test_what_a_worker_can_be_passes() -> None:
    check_spec(SPEC, POOLS)
    capabilities = frozenset({"gpu", "tape", "more"})
    tags = {"team": "data", "zone": "a b"}
    most = limits.MAX_WORKER_SLOTS
    check_spec(replace(SPEC, pool="hosts", capabilities=capabilities, tags=tags, slots=most), POOLS)


def test_a_worker_can_be_as_small_and_as_large_as_its_bounds_say() -> None:
    longest = "x" * limits.MAX_TAG_CHARACTERS
    capabilities = frozenset({longest, *map(str, range(limits.MAX_WORKER_CAPABILITIES - 1))})
    tags = {longest: longest, **{str(number): "x" for number in range(limits.MAX_TAGS - 1)}}
    check_spec(replace(SPEC, slots=1, worker_id="x", name="x"), POOLS)
    check_spec(
        replace(SPEC, name="x" * limits.MAX_NAME_CHARACTERS, capabilities=capabilities, tags=tags), POOLS
    )


def test_a_worker_without_what_its_pool_promises_is_told_what_to_do() -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_spec(replace(SPEC, pool="hosts"), POOLS)
    assert str(refused.value) == (
        "capability: pool 'hosts' offers gpu, tape to its jobs, which this worker does not declare; "
        "declare each one that it has, or none to declare all, or serve another pool"
    )


def test_where_no_pool_is_for_worker_processes_that_is_said() -> None:
    with pytest.raises(InvalidRequest, match="worker processes serve none here"):
        check_spec(replace(SPEC, pool="x"), {"function": POOLS["function"]})


def test_a_taken_id_names_its_holder_and_how_long_to_wait() -> None:
    taken = str(WorkerIdTaken(worker(), silent_since_ms=NOW_MS - 48_000))
    for part in ("'w-1'", "'plain'", "'host-a'", "ACTIVE", "2026-12-01T08:00:00.000", "49 s", "--take-over"):
        assert part in taken


def test_the_slots_of_the_latest_sessions_are_known_and_no_others() -> None:
    found = begin(SPEC, "S0", NOW_MS)
    for number in range(1, 6):
        left = replace(found, heartbeat_at_ms=found.started_at_ms + 4, state=WorkerState.INACTIVE)
        spec = replace(SPEC, slots=number)
        found = begin(spec, f"S{number}", NOW_MS + 10 * number, standing=left)
    assert found.held == (
        Slots(2, NOW_MS + 20, NOW_MS + 24),
        Slots(3, NOW_MS + 30, NOW_MS + 34),
        Slots(4, NOW_MS + 40, NOW_MS + 44),
        Slots(5, NOW_MS + 50, NOW_MS + 50),
    )
    assert len(found.held) == LATEST_SESSIONS + 1
