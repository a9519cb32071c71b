"""Two processes run at once, in every order of their calls, and none relies on the other to wait."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import fields, replace
from itertools import pairwise
from math import comb

import pytest

from dev.simulator.checks.ends import check_ends
from dev.simulator.checks.invariants import check_all
from dev.simulator.interleavings.actors import POOL, Worked
from dev.simulator.interleavings.orders import PORTS, Explored, Finished, explore
from dev.simulator.interleavings.outside_scenes import OUTSIDE_CASES
from dev.simulator.interleavings.scene import Scene
from dev.simulator.interleavings.scenes import CASES, Case
from dev.simulator.interleavings.second_scenes import SECOND_CASES
from dev.simulator.interleavings.world_states import Digests, copy_world
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.system.scenario import succeeds
from dev.simulator.system.simulator import Options, Simulator
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.permits import asking, key_permit
from tidegate.domain.second_attempts import second_holder, second_permit
from tidegate.domain.states import TRANSITIONS, State
from tidegate.domain.transitions import (
    ClaimIfQueued,
    ClaimSecondIfOffered,
    FinishSecondIfHolds,
    ReadyIfLeaseExpired,
    Transition,
)
from tidegate.domain.transitions.base import ended, made_ready
from tidegate.domain.transitions.second import won
from tidegate.ports import message_of
from tidegate.usecases.services import Services

ALL_CASES = {**CASES, **SECOND_CASES, **OUTSIDE_CASES}
EVENTS_SEEN_MS = 1_800_000
_ACTIVE = (State.QUEUED, State.RUNNING)


@pytest.mark.parametrize("name", ALL_CASES)
def test_every_interleaving(name: str, note: Callable[[str], None]) -> None:
    began = time.perf_counter()
    explored = explore_case(ALL_CASES[name]())
    note(f"{name}: {explored}, {time.perf_counter() - began:.1f} s")


def explore_case(case: Case) -> Explored:
    return explore(
        case.scene.services,
        case.scene.world,
        case.actors,
        at_state=lambda run: check_state(case, run),
        at_end=lambda run: check_end(case, run),
    )


def check_state(case: Case, run: Finished) -> None:
    """Checks the invariants of every moment."""
    for each in run.world.jobs.values():
        states = [entry.state for entry in each.history]
        assert all(after in TRANSITIONS[before] for before, after in pairwise(states)), each
        assert states.count(State.RUNNING) == each.attempt, each
    active = [each for each in run.world.jobs.values() if each.state in _ACTIVE]
    beside = [each for each in active if each.live_second is not None]
    slots = [each for each in active if not each.is_outside]
    assert case.window is None or len(slots) + len(beside) <= case.window, active
    for each in beside:  # it holds its permit from the offer on, or its slot would be given away
        holder = second_holder(each.job_id, each.attempt)
        assert holder in run.world.permits[second_permit(each.pool)], each
        assert each.second is None or each.second.worker_id != each.worker_id, each
    if case.key_limit is not None:
        assert sum(each.concurrency_key is not None for each in active) <= case.key_limit, active
        assert all(len(holders) <= case.key_limit for holders in run.world.permits.values())
    keyed = [each for each in active if each.concurrency_key is not None]
    assert not keyed or len(keyed) <= min(each.concurrency_limit for each in keyed), keyed
    for each in keyed:  # a dispatched job holds the permit, or else another would get it too
        holder = asking(f"{each.job_id}@{each.ready_at_ms}", each.concurrency_limit)
        assert holder in run.world.permits[key_permit(each.concurrency_key or "")], each


def check_end(case: Case, run: Finished) -> None:
    """Checks the invariants of the end, and that all jobs end from there, with the stream and without."""
    errors = [result for result in run.results if isinstance(result, BaseException)]
    assert all(isinstance(error, case.answers) for error in errors), errors
    worked = [result for result in run.results if isinstance(result, Worked)]
    for attempts in ([each.claimed for each in worked], [each.ended for each in worked]):
        counted = Counter(attempt for each in attempts for attempt in each)
        assert all(times == 1 for times in counted.values()), counted
    queue = run.world.queues.get(POOL)
    held = Counter(each.message for each in queue.held.values()) if queue else Counter()
    check_ends(run.world)
    for each in run.world.jobs.values():
        assert each.state is not State.QUEUED or held[message_of(each)], each
    for stream_open in (True, False):
        drive(case.scene.services, run.world, stream_open=stream_open)


def drive(base: Services, world: MemoryWorld, *, stream_open: bool) -> None:
    """Lets the rest of the system go on from the state in which the two actors left it."""
    services, world = memory_services(base.settings, copy_world(world), base.registry)
    options = Options(stream_open=stream_open)
    simulator = Simulator(services, world, lambda _assignment: succeeds(1_000), options)
    if stream_open:
        simulator.plan(EVENTS_SEEN_MS, lambda: None)  # so that the last events are seen too
    simulator.run()
    check_all(simulator)
    if stream_open:
        assert not any(world.permits.values()), world.permits


def test_no_order_is_left_out_and_a_lost_update_is_found() -> None:
    def adds_one(services: Services) -> str:
        found = services.cursors.load("sum") or ""
        services.cursors.save("sum", f"{found}1")
        return found

    def asks(run: Finished) -> None:
        """A check's own request takes no turn."""
        run.services.cursors.load("sum")

    scene, sums = Scene(), Counter[str]()
    explored = explore(
        scene.services,
        scene.world,
        (adds_one, adds_one),
        at_state=asks,
        at_end=lambda run: sums.update([run.world.cursors["sum"]]),
    )
    assert explored.interleavings == comb(4, 2)
    assert set(sums) == {"1", "11"}


def test_every_port_is_watched() -> None:
    """An unnoted answer would make two different states look the same, and orders would be left out."""
    asks_nothing = {
        "settings",
        "entropy",
        "calendar",
        "templates",
        "conditions",
        "registry",
        "recall",
        "long_recall",
        "earlier_pools",
        "log_place",
        "seat",
    }
    assert {each.name for each in fields(Services)} - asks_nothing == set(PORTS)


def test_a_copy_of_a_world_shares_nothing_that_changes() -> None:
    world = MemoryWorld()
    copied = copy_world(world)
    kinds = (dict, list, set, deque)
    held = [name for each in fields(world) if isinstance(getattr(world, name := each.name), kinds)]
    assert len(held) > 20
    assert not [name for name in held if getattr(copied, name) is getattr(world, name)]


FOLLOWS_JOBS = {"requests", "index", "pages", "results_expire_at_s"}  # and `requests` changes no answer


def test_a_change_of_whatever_a_world_holds_is_another_state() -> None:
    names = [each.name for each in fields(MemoryWorld) if isinstance(getattr(MemoryWorld(), each.name), dict)]
    unseen = []
    for name in names:
        world = MemoryWorld()
        getattr(world, name)["key"] = ""
        if Digests(world).world() == Digests(MemoryWorld()).world():
            unseen.append(name)
    assert set(unseen) == FOLLOWS_JOBS


def test_orders_that_come_to_the_same_are_counted_each() -> None:
    def reads(services: Services) -> None:
        for _ in range(8):
            services.cursors.load("none")

    scene = Scene()
    explored = explore(
        scene.services, scene.world, (reads, reads), at_state=lambda _run: None, at_end=lambda _run: None
    )
    assert (explored.interleavings, explored.states, explored.ends) == (comb(16, 8), 81, 1)


def _claim_without_condition(self: ClaimIfQueued, job: Job) -> Job:
    entry = HistoryEntry(self.stamp.now_ms, State.RUNNING, job.attempt + 1, self.worker_id)
    return replace(job, state=State.RUNNING, attempt=job.attempt + 1, history=(*job.history, entry))


def _claim_second_without_condition(self: ClaimSecondIfOffered, job: Job) -> Job:
    offered = job.second
    assert offered is not None
    return replace(job, second=replace(offered, worker_id=self.worker_id, end=None))


def _win_without_condition(self: FinishSecondIfHolds, job: Job) -> Job:
    return ended(won(job), self.ending, self.stamp)


def _reclaim_without_condition(self: ReadyIfLeaseExpired, job: Job) -> Job:
    return made_ready(replace(job, state=State.RUNNING), self.stamp)


@pytest.mark.parametrize(
    ("transition", "broken", "name"),
    [
        (ClaimIfQueued, _claim_without_condition, "two workers and doubled messages"),
        (ClaimIfQueued, _claim_without_condition, "claim and cancel"),
        (ReadyIfLeaseExpired, _reclaim_without_condition, "slow worker succeeds and reaper"),
        (ClaimSecondIfOffered, _claim_second_without_condition, "two second claims"),
        (FinishSecondIfHolds, _win_without_condition, "both attempts succeed"),
    ],
)
def test_a_transition_without_its_condition_is_noticed(
    monkeypatch: pytest.MonkeyPatch, transition: type[Transition], broken: object, name: str
) -> None:
    monkeypatch.setattr(transition, "apply", broken)
    with pytest.raises(AssertionError) as noticed:
        explore_case(ALL_CASES[name]())
    assert "after these turns: " in "".join(noticed.value.__notes__)
