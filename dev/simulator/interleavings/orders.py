"""Every interleaving of two actors that share a world: they may take turns before each call to a store or a queue.

An actor is a real use case on a thread of its own, and one actor runs at a time. The choices are explored depth first,
each run from the beginning. If two runs reach the same state, the rest is the same and is explored once. A state is the
world with all writes to it, and, for each actor, the answers that it has had. An actor's actions follow from these
alone, so no interleaving is left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dev.simulator.interleavings.actors import Act
from dev.simulator.interleavings.world_states import Digests, copy_world, digest_of
from dev.simulator.memory.seeded import SeededEntropy
from dev.simulator.memory.services import memory_services
from dev.simulator.memory.world import MemoryWorld
from tidegate.usecases.services import Services

Check = Callable[["Finished"], None]
PORTS = (
    "jobs",
    "index",
    "submissions",
    "workers",
    "cursors",
    "pulses",
    "rules",
    "lanes",
    "permits",
    "leases",
    "queue",
    "progress",
    "kept_ends",
    "statistics",
    "workflows",
    "grants",
    "audit",
    "logs",
    "open_waits",
    "announcements",
    "timetables",
    "webhooks",
    "events",
)
_TURN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a run: the world, and what each actor returned, or the TidegateError that it raised."""

    services: Services
    world: MemoryWorld
    results: tuple[object, ...]
    schedule: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Explored:
    """The size of an exploration."""

    interleavings: int
    states: int
    ends: int

    def __str__(self) -> str:
        return f"{self.interleavings:,} interleavings, {self.states:,} states, {self.ends:,} ends"


class Abandoned(BaseException):
    """Ends an actor whose further course is known. Use cases don't catch it."""


def explore(
    base: Services, world: MemoryWorld, actors: Sequence[Act], at_end: Check, at_state: Check
) -> Explored:
    """Runs the actors over copies of the world in every order. Calls the checks on every state and on every end.

    Raises AssertionError with the order of turns that failed a check.
    """
    successors: dict[bytes, list[bytes]] = {}
    ends: set[bytes] = set()
    root: list[bytes] = []
    open_prefixes: list[tuple[int, ...]] = [()]
    while open_prefixes:
        run = _Run(base, world, actors)
        try:
            _follow(run, open_prefixes.pop(), successors, ends, root, open_prefixes, at_end, at_state)
        except AssertionError as error:
            error.add_note(f"after these turns: {run.story()}")
            raise
        finally:
            run.abandon()
    return Explored(_paths(root[0], successors), len(successors), len(ends))


def _follow(
    run: _Run,
    prefix: tuple[int, ...],
    successors: dict[bytes, list[bytes]],
    ends: set[bytes],
    root: list[bytes],
    open_prefixes: list[tuple[int, ...]],
    at_end: Check,
    at_state: Check,
) -> None:
    """Runs a prefix, and goes on to a known state or to the end. Notes the turns that it did not take."""
    before = run.state()
    root[:] = root or [before]
    step = 0
    while True:
        if step >= len(prefix) and before not in successors:
            successors[before] = []
            at_state(run.finished())
            waiting = run.waiting()
            if not waiting:
                ends.add(before)
                at_end(run.finished())
                return
            open_prefixes.extend((*run.schedule, other) for other in waiting[1:])
            turn = waiting[0]
        elif step < len(prefix):
            turn = prefix[step]
        else:
            return
        run.step(turn)
        after = run.state()
        if step >= len(prefix) - 1:
            successors[before].append(after)
        before = after
        step += 1


def _paths(state: bytes, successors: dict[bytes, list[bytes]]) -> int:
    """Returns how many ways lead from a state to an end.

    There are no cycles, because each turn takes an actor further.
    """
    known: dict[bytes, int] = {}
    stack = [state]
    while stack:
        top = stack[-1]
        missing = [each for each in successors[top] if each not in known]
        if missing:
            stack.extend(missing)
            continue
        known[top] = sum(known[each] for each in successors[top]) if successors[top] else 1
        stack.pop()
    return known[state]


class _Run:
    """One run of all actors over a world of its own."""

    def __init__(self, base: Services, world: MemoryWorld, actors: Sequence[Act]) -> None:
        self.world = copy_world(world)
        self.services, _ = memory_services(base.settings, self.world, base.registry)
        self.schedule: tuple[int, ...] = ()
        self._digests = Digests(self.world)
        self._world_now = self._digests.world()
        self._actors = [_Actor(number, act, self.services, self.world) for number, act in enumerate(actors)]
        self.world.on_request = self._pause
        self._turn = self._actors[0]
        for actor in self._actors:
            self._wake(actor)  # up to its first request, which has had no effect yet

    def state(self) -> bytes:
        return digest_of((self._world_now, [(actor.seen, actor.is_over) for actor in self._actors]))

    def waiting(self) -> list[int]:
        return [actor.number for actor in self._actors if not actor.is_over]

    def step(self, number: int) -> None:
        """Lets an actor make its next request, and run up to the one after it."""
        self.schedule = (*self.schedule, number)
        actor = self._actors[number]
        actor.requests.append(actor.request)
        actor.world_then = self._world_now
        self._wake(actor)
        self._world_now = self._digests.world()

    def finished(self) -> Finished:
        return Finished(self.services, self.world, tuple(each.result for each in self._actors), self.schedule)

    def story(self) -> str:
        """Returns the turns in words, for people."""
        made = [iter(actor.requests) for actor in self._actors]
        return ", ".join(f"{number}:{next(made[number])}" for number in self.schedule)

    def abandon(self) -> None:
        """Ends the actors that still run."""
        for actor in self._actors:
            if not actor.is_over:
                actor.abandoned = True
                self._wake(actor)
            actor.thread.join(_TURN_SECONDS)
        self.world.on_request = lambda _request: None

    def _wake(self, actor: _Actor) -> None:
        self._turn = actor
        actor.go.release()
        assert actor.parked.acquire(timeout=_TURN_SECONDS), f"actor {actor.number} waits for something else"

    def _pause(self, request: str) -> None:
        if threading.current_thread() is self._turn.thread:  # a check asks too, and it has no turns
            self._turn.pause(request)


class _Actor:
    """A use case that stops before each of its requests. `seen` stands for all answers that it has had."""

    def __init__(self, number: int, act: Act, services: Services, world: MemoryWorld) -> None:
        self.number = number
        self.seen = b""
        self.request = "start"
        self.requests: list[str] = []
        self.world_then = b""  # the world that the last request found
        self.is_over = False
        self.abandoned = False
        self.result: object = None
        self.go = threading.Semaphore(0)
        self.parked = threading.Semaphore(0)
        self.in_call = 0  # requests of the call under way
        ports: dict[str, Any] = {name: _Watched(getattr(services, name), self) for name in PORTS}
        self._services = replace(services, entropy=SeededEntropy(number), **ports)
        self._act = act
        self.thread = threading.Thread(target=self._live, name=f"actor-{number}", daemon=True)
        self.thread.start()

    def pause(self, request: str) -> None:
        """Waits for a turn. Called before a request takes effect."""
        if self.in_call > 0:
            # Between two requests of one call, the actor knows the answer to the first, which follows from the state it
            # found.
            self.seen = digest_of((self.seen, self.world_then))
        self.in_call += 1
        self.request = request
        self.parked.release()
        self.go.acquire()
        if self.abandoned:
            raise Abandoned

    def _live(self) -> None:
        self.go.acquire()
        try:
            self.result = self._act(self._services)
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - the checks see every error
            self.result = error
        self.seen = digest_of((self.seen, repr(self.result)))
        self.is_over = True
        self.parked.release()


class _Watched:
    """A port that adds its answers to those that its actor has seen."""

    def __init__(self, port: object, actor: _Actor) -> None:
        self._port = port
        self._actor = actor

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)
        if not callable(method):
            return method
        actor = self._actor

        def call(*arguments: Any, **named: Any) -> Any:
            before, actor.in_call = actor.seen, 0
            try:
                answer = method(*arguments, **named)
            except Exception as error:
                actor.seen = digest_of((before, repr(error)))
                raise
            actor.seen = digest_of((before, repr(answer)))
            return answer

        return call
