"""Counts the units of one job from its own item: its size, its dependencies, and every transition of its history.

Some writes leave no trace in the item, and are therefore not counted: refused writes, lanes of held jobs, permits of a
type's limit, the lives that a history dropped. Releases that shared a write count as one each. docs/reference/cost.md
says what that amounts to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tidegate.domain.costs.beside import UNITS_OF_PERMIT, Sizes, beside_of, place_of_first
from tidegate.domain.costs.replay import replayed
from tidegate.domain.costs.units import NO_UNITS, Units, reads_of, write
from tidegate.domain.dependency import Dependency
from tidegate.domain.job import HistoryEntry, Job, submission_of
from tidegate.domain.pools import PoolKind
from tidegate.domain.states import TERMINAL, State
from tidegate.domain.stored import Stored, units_of

StoredOf = Callable[[Job], Stored]
"""Says how a job is stored."""

SQS_REQUESTS_OF_DISPATCH: Final = 3
"""A message is sent, received and deleted. Up to ten share a request, so a busy job costs less."""

UNITS_OF_EDGE: Final = 1
"""An edge to a job of an earlier submission is an item of its own; its upstream is noted with a further write."""

UNITS_OF_KEPT_END: Final = 1
"""An end that a later transition leaves is kept for counting, in an item of less than 1 KB."""


@dataclass(frozen=True, slots=True)
class CostBasis:
    """The values that the costs of a job depend on beside its item.

    `heartbeat_ms` is the time between two heartbeats, `lease_ms` how long a claim stands without one, both in
    milliseconds. `kinds` are the pools' kinds by name; a pool that is gone counts as one of processes. `now_ms` ends
    the run time of a job that still runs.
    """

    heartbeat_ms: int
    lease_ms: int
    kinds: Mapping[str, PoolKind]
    now_ms: int


@dataclass(frozen=True, slots=True)
class JobCost:
    """The units of one job.

    `useful` are those of its submission and of the attempt that counts, the latest. `wasted` are those of everything
    between its first dispatch and that attempt. `failed`, `handed_back`, `lost` and `reopened` count the wasted
    attempts by how they ended, `taken_back` the dispatches that no worker claimed. `beside` is 1 where the latest
    second attempt was claimed: that one is wasted, or the attempt beside it where the second one won.
    """

    useful: Units = NO_UNITS
    wasted: Units = NO_UNITS
    failed: int = 0
    handed_back: int = 0
    lost: int = 0
    reopened: int = 0
    taken_back: int = 0
    beside: int = 0

    @property
    def total(self) -> Units:
        """Returns all units of the job."""
        return self.useful + self.wasted


@dataclass(slots=True)
class _Sum:
    """Units as they are added up; `counts` are those of wasted attempts."""

    useful: Units = NO_UNITS
    wasted: Units = NO_UNITS
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, units: Units, *, is_wasted: bool) -> None:
        if is_wasted:
            self.wasted += units
        else:
            self.useful += units


def cost_of(
    job: Job, now: Stored, stored_of: StoredOf, basis: CostBasis, depends_on: Sequence[Dependency] = ()
) -> JobCost:
    """Returns the units of a job.

    `now` is how the job is stored, with the sizes of its overflow where they were read. `stored_of` says how it would
    be stored at an earlier time. `depends_on` are its dependencies; empty where its input has passed its retention.
    """
    total = _Sum()
    steps = _steps(job, now, stored_of)
    wasted = _wasted_places(job.history)
    # Where the second attempt won, the one beside it ran for nothing.
    for_nothing = wasted | ({place_of_first(job)} if job.won_by_second else frozenset())
    for place, (entry, after) in enumerate(zip(job.history, steps, strict=True)):
        units = Units(write_units=write(steps[place - 1] if place else None, after))
        units += _of_entry(job, place, after, now, basis)
        total.add(units, is_wasted=place in for_nothing)
        _count_end(total, job.history, place, wasted)
        total.wasted += _dropped_rounds(job, place, steps, basis)
        if entry.state is State.PENDING:
            releases = Units(write_units=float(_releases(job, place) * after.item_units))
            total.add(releases, is_wasted=place in wasted)
    total.useful += _of_whole_job(job, now, depends_on)
    is_first_wasted = place_of_first(job) in for_nothing
    _add_second(total, job, steps, stored_of, basis, is_first_wasted=is_first_wasted)
    return JobCost(total.useful, total.wasted, **total.counts)


def _steps(job: Job, now: Stored, stored_of: StoredOf) -> Sequence[Stored]:
    """Returns how the job was stored after each transition of its history; the last is `now`."""
    steps: list[Stored] = []
    earlier_bytes = 0
    for each in replayed(job):
        alone = stored_of(each)
        steps.append(replace(alone, item_bytes=alone.item_bytes + earlier_bytes))
        earlier_bytes += alone.item_bytes - stored_of(replace(each, history=())).item_bytes
    return (*steps, now) if job.history else ()


def _releases(job: Job, place: int) -> int:
    """Returns how many dependencies were taken off the PENDING at `place` by writes that are no transitions.

    The transition that begins the job's turn takes off the last one. Of a job that left its waiting in another way the
    item does not tell how many were satisfied until then; they count as none.
    """
    if place + 1 == len(job.history):
        return job.dependency_count - len(job.waiting_on)
    following = job.history[place + 1].state
    return max(0, job.dependency_count - 1) if following in (State.READY, State.SCHEDULED) else 0


def _wasted_places(history: Sequence[HistoryEntry]) -> frozenset[int]:
    """Returns the places between the first dispatch and the latest one, and claims that a later one followed."""
    dispatches = [place for place, entry in enumerate(history) if entry.state is State.QUEUED]
    if not dispatches:
        return frozenset()
    claims = [place for place in range(dispatches[-1], len(history)) if history[place].state is State.RUNNING]
    return frozenset([*range(dispatches[0], dispatches[-1]), *claims[:-1]])


def _of_entry(job: Job, place: int, after: Stored, now: Stored, basis: CostBasis) -> Units:
    """Returns what a transition costs beside its own write: messages, permits, heartbeats, a kept end."""
    entry = job.history[place]
    if entry.state in TERMINAL and place + 1 < len(job.history):
        return Units(write_units=float(UNITS_OF_KEPT_END))
    if entry.state is State.QUEUED:
        permit = UNITS_OF_PERMIT if job.concurrency_key is not None else 0
        return Units(write_units=float(permit), sqs_requests=SQS_REQUESTS_OF_DISPATCH)
    if entry.state is not State.RUNNING:
        return NO_UNITS
    following = job.history[place + 1] if place + 1 < len(job.history) else None
    run_ms = max(0, (basis.now_ms if following is None else following.at_ms) - entry.at_ms)
    outside = job.outside if job.outside is not None and job.outside.attempt == entry.attempt else None
    if outside is not None:
        run_ms = min(run_ms, max(0, outside.since_ms - entry.at_ms))
    # A lost worker sent no heartbeat in the time of the lease that ran out.
    is_lost = following is not None and _end_of(entry, following) == "lost"
    beats = max(0, run_ms - (basis.lease_ms if is_lost else 0)) // basis.heartbeat_ms
    beats += _notes_its_start(job, place)
    writes = beats * after.item_units
    # The hand-over moves the entry of the index. Heartbeats from outside are not counted.
    writes += after.item_units + 2 * units_of(after.entry_bytes) if outside is not None else 0
    return Units(write_units=float(writes)) + _of_run(job, now, run_ms, basis)


def _notes_its_start(job: Job, place: int) -> bool:
    """Tells whether the claim at `place` was followed by a write that notes the start of the code.

    A reopened job is watched from its first reopening on, whether anything waits for its start or not.
    """
    is_first_life = all(entry.state is not State.PENDING for entry in job.history[1:place])
    return job.watch_start and (job.reopened == 0 or not is_first_life)


def _count_end(total: _Sum, history: Sequence[HistoryEntry], place: int, wasted: frozenset[int]) -> None:
    """Counts how a wasted attempt or a wasted dispatch ended."""
    if place not in wasted or place + 1 >= len(history):
        return
    entry, following = history[place], history[place + 1]
    if entry.state is State.RUNNING:
        _add(total, _end_of(entry, following))
    elif entry.state is State.QUEUED and following.state is State.READY:
        _add(total, "taken_back")


def _end_of(claim: HistoryEntry, following: HistoryEntry) -> str:
    if following.state is State.SCHEDULED:
        return "failed"
    if following.state is State.READY:
        return "handed_back" if following.actor == claim.actor else "lost"
    return "lost" if following.state is State.RUNNING else "reopened"


def _add(total: _Sum, name: str, number: int = 1) -> None:
    total.counts[name] = total.counts.get(name, 0) + number


def _dropped_rounds(job: Job, place: int, steps: Sequence[Stored], basis: CostBasis) -> Units:
    """Returns the units of the interrupted rounds that the history dropped before the claim at `place`.

    A round is a hand-back, a dispatch and a claim. Its run time is not known.
    """
    entry = job.history[place]
    if entry.state is not State.RUNNING:
        return NO_UNITS
    earlier = [each.attempt for each in job.history[:place] if each.state is State.RUNNING]
    rounds = entry.attempt - (earlier[-1] if earlier else 0) - 1
    if rounds <= 0:
        return NO_UNITS
    after = steps[place]
    one = 3 * after.item_units + 4 * units_of(after.entry_bytes)
    is_function = basis.kinds.get(job.pool) is PoolKind.FUNCTION
    return Units(
        write_units=float(rounds * one),
        sqs_requests=rounds * SQS_REQUESTS_OF_DISPATCH,
        invocations=rounds if is_function else 0,
    )


def _add_second(
    total: _Sum,
    job: Job,
    steps: Sequence[Stored],
    stored_of: StoredOf,
    basis: CostBasis,
    *,
    is_first_wasted: bool,
) -> None:
    """Adds the units of the latest second attempt. They are useful where it won this life."""
    second = job.second
    if second is None or not steps:
        return
    sizes = _sizes_beside(job, steps, stored_of)
    found = beside_of(job, second, sizes, basis.heartbeat_ms, basis.lease_ms, basis.now_ms)
    total.add(found.of_first, is_wasted=is_first_wasted)
    total.wasted += found.refused
    units = found.own + Units(sqs_requests=SQS_REQUESTS_OF_DISPATCH)
    if found.ran_ms is not None:
        units += _of_run(job, steps[-1], found.ran_ms, basis)
        _add(total, "beside")
    total.add(units, is_wasted=not job.won_by_second)


def _sizes_beside(job: Job, steps: Sequence[Stored], stored_of: StoredOf) -> Sizes:
    """Returns the units of writes to the item around a second attempt; the present ones where its claim is the last."""
    now, second = steps[-1].item_units, job.second
    place = place_of_first(job)
    if second is None or place is None or place + 1 >= len(steps):
        return Sizes(now, now, now, now)
    claim = replace(replayed(job)[place], second=None)
    offer = replace(second, worker_id=None, worker_name="", worker_host="", claimed_at_ms=None, logs=None)
    offer = replace(offer, lease_expires_at_ms=None, end=None, ended_at_ms=None)
    claimed = replace(second, end=None, ended_at_ms=None)
    # The history of an earlier step is left out of its job, but not of its size.
    other_bytes = steps[place].item_bytes - stored_of(replayed(job)[place]).item_bytes
    sizes = [stored_of(replace(claim, second=each)).item_bytes for each in (None, offer, claimed)]
    alone, offered, held = [units_of(size + other_bytes) for size in sizes]
    return Sizes(alone, offered, held, now)


def _of_run(job: Job, now: Stored, run_ms: int, basis: CostBasis) -> Units:
    """Returns what a run of the job's code costs: the read of an input that overflowed, and the time."""
    reads = reads_of(now.part_bytes[0]) if job.input is None and now.part_bytes else 0.0
    if basis.kinds.get(job.pool) is PoolKind.FUNCTION:
        return Units(read_units=reads, invocations=1, function_seconds=run_ms / 1_000)
    return Units(read_units=reads, task_seconds=run_ms / 1_000)


def _of_whole_job(job: Job, now: Stored, depends_on: Sequence[Dependency]) -> Units:
    """Returns the units that belong to no transition: the call, overflow, edges, amendments, and a cancellation."""
    writes = sum(units_of(size) for size in now.part_bytes)
    writes += job.amended * (now.item_units + 2 * units_of(now.entry_bytes))
    writes += now.item_units if job.cancel_requested_at_ms is not None else 0
    resent = job.sent_at_ms is not None and job.sent_at_ms != job.queued_at_ms
    writes += now.item_units if resent else 0
    own = submission_of(job.job_id)
    external = [each.upstream_id for each in depends_on if submission_of(each.upstream_id) != own]
    writes += UNITS_OF_EDGE * (len(external) + len(set(external)))
    single = 1 if job.workflow_id is None else 0
    return Units(
        write_units=float(writes),
        sqs_requests=SQS_REQUESTS_OF_DISPATCH if resent else 0,
        api_calls=single,
        invocations=single,
    )
