"""Every worker registry holds one entry for each id, which only the session that owns it writes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.harness.contract.stores import NOW_MS, POOL, Stores
from tidegate.adapters.aws.clients import AwsClients
from tidegate.adapters.dynamodb.workers import DynamoWorkerRegistry, worker_item
from tidegate.domain.workers import (
    PRESENT,
    Totals,
    Worker,
    WorkerIdTaken,
    WorkerRefused,
    WorkerSpec,
    WorkerState,
    begin,
)
from tidegate.ports import WorkerRegistry

SILENT_SINCE_MS = NOW_MS - 60_000
FULL_SPEC = WorkerSpec(
    POOL,
    "full",
    "host-a",
    slots=4,
    name="nightly",
    capabilities=frozenset({"gpu", "tape"}),
    tags={"team": "data", "zone": "a"},
)
Act = Callable[[WorkerRegistry, Worker], object]
OWN_TRANSITIONS: dict[str, Act] = {
    "heartbeat": lambda registry, mine: registry.heartbeat_if_mine(mine),
    "drain": lambda registry, mine: registry.drain_if_mine(mine),
    "come back": lambda registry, mine: registry.come_back_if_lost(mine),
    "leave": lambda registry, mine: registry.leave_if_mine(mine),
}


def worker(worker_id: str = "w", session_id: str = "S1", *, pool: str = POOL, at_ms: int = NOW_MS) -> Worker:
    return begin(WorkerSpec(pool, worker_id, "host-a", slots=2), session_id, at_ms)


def register(stores: Stores, *workers: Worker) -> None:
    for each in workers:
        stores.workers.register_if_free(each, silent_since_ms=SILENT_SINCE_MS)


def put_in(stores: Stores, mine: Worker, state: WorkerState) -> Worker:
    """Brings a worker into a state, by the transitions that lead there."""
    register(stores, mine)
    if state is WorkerState.DRAINING:
        return stores.workers.drain_if_mine(mine)
    if state is WorkerState.INACTIVE:
        return stores.workers.leave_if_mine(mine)
    if state is WorkerState.LOST:
        assert stores.workers.mark_lost_if_silent(
            mine, silent_since_ms=mine.heartbeat_at_ms + 1, expires_at_s=mine.expires_at_s
        )
    return standing(stores, mine)


def standing(stores: Stores, mine: Worker) -> Worker:
    found = stores.workers.get(mine.pool, mine.worker_id)
    assert found is not None
    return found


@pytest.mark.parametrize("spec", [FULL_SPEC, WorkerSpec(POOL, "w", "h", slots=1)], ids=["full", "bare"])
def test_a_worker_reads_back_as_it_registered(stores: Stores, spec: WorkerSpec) -> None:
    mine = begin(spec, "S1", NOW_MS)
    assert stores.workers.get(POOL, spec.worker_id) is None
    register(stores, mine)
    assert standing(stores, mine) == mine


def test_what_a_worker_can_not_run_is_kept_and_taken_off_again(stores: Stores) -> None:
    mine = worker()
    unable = replace(mine, lacking=("a.b", "c.d"), fault="process-not-started: no memory")
    register(stores, mine)
    assert stores.workers.heartbeat_if_mine(unable) == unable == standing(stores, mine)
    assert stores.workers.list_live(POOL, silent_since_ms=SILENT_SINCE_MS) == (unable,)
    assert stores.workers.heartbeat_if_mine(replace(unable, fault="")).fault == ""
    assert stores.workers.heartbeat_if_mine(mine) == mine
    register(stores, replace(unable, spec=replace(mine.spec, worker_id="other")))
    assert standing(stores, worker("other")).lacking == ("a.b", "c.d")


def test_the_counts_of_earlier_sessions_are_kept_by_every_write_and_the_response_time_is_told(
    stores: Stores,
) -> None:
    left = put_in(stores, replace(worker(), totals=Totals(9, 5, 2, 1)), WorkerState.INACTIVE)
    mine = begin(left.spec, "S2", NOW_MS, standing=left)
    assert mine.earlier is not None
    register(stores, mine)
    assert standing(stores, mine) == mine
    told = replace(mine, totals=Totals(1, 1, 0, 0), response_ms=12)
    assert stores.workers.heartbeat_if_mine(told) == told == standing(stores, mine)
    unheard = replace(told, earlier=None)  # the entry keeps what the session began with
    assert stores.workers.leave_if_mine(unheard) == replace(told, state=WorkerState.INACTIVE)


@pytest.mark.parametrize("state", sorted(PRESENT))
def test_an_id_that_is_alive_elsewhere_is_taken(stores: Stores, state: WorkerState) -> None:
    held = put_in(stores, worker(), state)
    with pytest.raises(WorkerIdTaken) as taken:
        register(stores, worker(session_id="S2"))
    assert taken.value.holder == held == standing(stores, held)


@pytest.mark.parametrize("state", sorted(set(WorkerState) - PRESENT))
def test_an_id_whose_worker_is_gone_is_free(stores: Stores, state: WorkerState) -> None:
    put_in(stores, worker(), state)
    again = worker(session_id="S2")
    register(stores, again)
    assert standing(stores, again) == again


def test_an_id_whose_worker_is_silent_is_free(stores: Stores) -> None:
    heard = worker("heard", at_ms=SILENT_SINCE_MS)
    silent = worker("silent", at_ms=SILENT_SINCE_MS - 1)
    register(stores, heard, silent)
    with pytest.raises(WorkerIdTaken):
        register(stores, worker("heard", "S2"))
    register(stores, worker("silent", "S2"))
    assert standing(stores, silent).session_id == "S2"


def test_registering_again_in_the_same_session_is_harmless(stores: Stores) -> None:
    register(stores, worker(), worker())
    assert standing(stores, worker()) == worker()


def test_an_id_is_one_of_a_kind_in_its_pool_only(stores: Stores) -> None:
    register(stores, worker(), worker(session_id="S2", pool="q"))
    assert standing(stores, worker()).session_id == "S1"
    assert standing(stores, worker(pool="q")).session_id == "S2"


def test_of_two_that_register_at_once_one_is_refused(local_clients: AwsClients, local_stores: Stores) -> None:
    def attempt(session_id: str) -> bool:
        try:
            register(local_stores, worker(session_id=session_id))
        except WorkerIdTaken:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(attempt, ["S1", "S2", "S3", "S4"])) == 1


def test_an_id_is_taken_over_from_the_session_that_was_seen(stores: Stores) -> None:
    register(stores, worker())
    second, third = worker(session_id="S2"), worker(session_id="S3")
    with pytest.raises(WorkerRefused) as refused:
        stores.workers.take_over_if_held_by(second, "another")
    assert refused.value.worker == worker()
    stores.workers.take_over_if_held_by(second, "S1")
    stores.workers.take_over_if_held_by(second, "S1")  # its answer may get lost
    assert standing(stores, second) == second
    with pytest.raises(WorkerRefused):
        stores.workers.take_over_if_held_by(third, "S1")
    with pytest.raises(WorkerRefused) as nothing:
        stores.workers.take_over_if_held_by(worker("other"), "S1")
    assert nothing.value.worker is None


def test_a_heartbeat_stores_load_and_totals_and_brings_the_state(stores: Stores) -> None:
    mine = begin(FULL_SPEC, "S1", NOW_MS)
    register(stores, mine)
    told = replace(
        mine,
        running=3,
        totals=Totals(9, 4, 1, 1),
        heartbeat_at_ms=NOW_MS + 5,
        expires_at_s=mine.expires_at_s + 5,
    )
    assert stores.workers.heartbeat_if_mine(told) == told == standing(stores, mine)
    stores.workers.drain_if_mine(told)
    assert stores.workers.heartbeat_if_mine(told) == replace(told, state=WorkerState.DRAINING)


@pytest.mark.parametrize("transition", OWN_TRANSITIONS)
def test_nothing_is_written_without_the_session_or_the_entry(stores: Stores, transition: str) -> None:
    with pytest.raises(WorkerRefused) as nothing:
        OWN_TRANSITIONS[transition](stores.workers, worker())
    assert nothing.value.worker is None
    assert stores.workers.get(POOL, "w") is None
    register(stores, worker())
    with pytest.raises(WorkerRefused) as fenced:
        OWN_TRANSITIONS[transition](stores.workers, worker(session_id="S2"))
    assert fenced.value.worker == worker() == standing(stores, worker())


@pytest.mark.parametrize(
    ("transition", "state", "after"),
    [
        ("heartbeat", WorkerState.ACTIVE, WorkerState.ACTIVE),
        ("heartbeat", WorkerState.DRAINING, WorkerState.DRAINING),
        ("heartbeat", WorkerState.INACTIVE, None),
        ("heartbeat", WorkerState.LOST, None),
        ("drain", WorkerState.ACTIVE, WorkerState.DRAINING),
        ("drain", WorkerState.DRAINING, WorkerState.DRAINING),
        ("drain", WorkerState.INACTIVE, None),
        ("drain", WorkerState.LOST, None),
        ("come back", WorkerState.DRAINING, None),
        ("come back", WorkerState.INACTIVE, None),
        ("come back", WorkerState.LOST, WorkerState.ACTIVE),
        ("leave", WorkerState.ACTIVE, WorkerState.INACTIVE),
        ("leave", WorkerState.DRAINING, WorkerState.INACTIVE),
        ("leave", WorkerState.LOST, WorkerState.INACTIVE),
        ("leave", WorkerState.INACTIVE, WorkerState.INACTIVE),  # its answer may get lost
    ],
)
def test_each_transition_starts_where_it_may(
    stores: Stores, transition: str, state: WorkerState, after: WorkerState | None
) -> None:
    mine = worker()
    before = put_in(stores, mine, state)
    told = replace(mine, running=1, heartbeat_at_ms=NOW_MS + 9)
    if after is None:
        with pytest.raises(WorkerRefused) as refused:
            OWN_TRANSITIONS[transition](stores.workers, told)
        assert refused.value.worker == before == standing(stores, mine)
    else:
        assert (
            OWN_TRANSITIONS[transition](stores.workers, told)
            == replace(told, state=after)
            == standing(stores, mine)
        )


def test_a_drain_is_asked_for_once_and_kept(stores: Stores) -> None:
    register(stores, worker())
    asked = replace(
        worker(), state=WorkerState.DRAINING, drain_requested_at_ms=NOW_MS + 1, drain_requested_by="ann"
    )
    assert stores.workers.request_drain_if_present(POOL, "w", "ann", NOW_MS + 1) == asked
    assert stores.workers.request_drain_if_present(POOL, "w", "ben", NOW_MS + 2) == asked
    assert stores.workers.heartbeat_if_mine(worker()) == asked
    again = worker(session_id="S2")
    stores.workers.take_over_if_held_by(again, "S1")
    assert standing(stores, again) == again, "a new session was not asked"


@pytest.mark.parametrize("state", sorted(set(WorkerState) - PRESENT))
def test_a_worker_that_is_gone_is_not_asked_to_drain(stores: Stores, state: WorkerState) -> None:
    before = put_in(stores, worker(), state)
    with pytest.raises(WorkerRefused) as refused:
        stores.workers.request_drain_if_present(POOL, "w", "ann", NOW_MS)
    assert refused.value.worker == before == standing(stores, worker())
    with pytest.raises(WorkerRefused) as nothing:
        stores.workers.request_drain_if_present(POOL, "nobody", "ann", NOW_MS)
    assert nothing.value.worker is None
    assert stores.workers.get(POOL, "nobody") is None


def test_only_a_silent_session_is_marked_as_lost(stores: Stores) -> None:
    mine = worker()
    register(stores, mine)
    mark = stores.workers.mark_lost_if_silent
    expires_at_s = mine.expires_at_s + 60
    assert not mark(mine, silent_since_ms=NOW_MS, expires_at_s=expires_at_s)
    other = worker(session_id="S2")
    assert not mark(other, silent_since_ms=NOW_MS + 1, expires_at_s=expires_at_s)
    assert not mark(worker("nobody"), silent_since_ms=NOW_MS + 1, expires_at_s=expires_at_s)
    assert standing(stores, mine) == mine
    assert mark(mine, silent_since_ms=NOW_MS + 1, expires_at_s=expires_at_s)
    assert standing(stores, mine) == replace(mine, state=WorkerState.LOST, expires_at_s=expires_at_s)
    assert not mark(mine, silent_since_ms=NOW_MS + 1, expires_at_s=expires_at_s)


def test_live_workers_are_listed_by_id(stores: Stores) -> None:
    put_in(stores, worker("a", at_ms=SILENT_SINCE_MS), WorkerState.ACTIVE)
    put_in(stores, worker("b", at_ms=SILENT_SINCE_MS - 1), WorkerState.ACTIVE)
    put_in(stores, worker("c"), WorkerState.INACTIVE)
    put_in(stores, worker("d"), WorkerState.LOST)
    put_in(stores, worker("e"), WorkerState.DRAINING)
    put_in(stores, worker("a", pool="q"), WorkerState.ACTIVE)
    live = stores.workers.list_live(POOL, silent_since_ms=SILENT_SINCE_MS)
    assert [(each.worker_id, each.state) for each in live] == [
        ("a", WorkerState.ACTIVE),
        ("e", WorkerState.DRAINING),
    ]


def test_pages_hold_every_worker_of_a_pool_once(stores: Stores) -> None:
    mine = [worker(f"w{number}", f"S{number}") for number in range(5)]
    register(stores, *reversed(mine), worker("w9", pool="q"))
    found: list[Worker] = []
    after: str | None = None
    for _ in range(5):
        page = stores.workers.page(POOL, limit=2, after=after)
        assert len(page.workers) <= 2
        found.extend(page.workers)
        after = page.next
        if after is None:
            break
    assert found == mine
    assert stores.workers.page("nobody", limit=2).workers == ()


@pytest.mark.parametrize("stores", ["moto"], indirect=True)
@pytest.mark.parametrize(
    "broken",
    [
        {"state": {"S": "RESTING"}},
        {"started_at": {"NULL": True}, "earlier": {"S": "none"}},
        {},
    ],
    ids=["state", "earlier", "missing"],
)
def test_an_entry_that_can_t_be_decoded_is_left_out_and_named(stores: Stores, broken: dict[str, Any]) -> None:
    register(stores, worker("a"), worker("b"), worker("c"))
    registry = stores.workers
    assert isinstance(registry, DynamoWorkerRegistry)
    whole = worker_item(worker("b"))
    kept = whole if broken else {key: whole[key] for key in ("pool", "worker_id", "heartbeat_at", "state")}
    registry.clients.dynamodb.put_item(TableName=registry.tables.workers, Item={**kept, **broken})
    page = registry.page(POOL, limit=2)
    assert ([each.worker_id for each in page.workers], page.next, page.unreadable) == (["a"], "b", ("b",))
    live = registry.list_live(POOL, silent_since_ms=SILENT_SINCE_MS)
    assert [each.worker_id for each in live] == ["a", "c"]
