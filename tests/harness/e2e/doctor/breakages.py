"""The ways in which a living stack is broken, and what the doctor must find then, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from tests.harness.e2e.doctor import items, parts
from tests.harness.e2e.doctor.deployed import Deployed
from tidegate.domain.pulses import Part
from tidegate.domain.version import VERSION


@dataclass(frozen=True, slots=True)
class Breakage:
    """A way of breaking a stack. `broken` breaks it during a block and mends it afterwards.

    `found` has for each check the patterns of its findings, in which * stands for an id. `not_made` are the reasons of
    the checks that can't be made. The doctor gets `options`. With `is_raced`, a run that was under way when its
    schedule was switched off may still mend it.
    """

    broken: Callable[[Deployed], AbstractContextManager[None]]
    found: dict[str, list[str]]
    options: tuple[str, ...] = ()
    not_made: Mapping[str, str] = field(default_factory=dict)
    is_raced: bool = False


NO_REAPER = {"schedules": ["error: the schedule reaper is DISABLED"]}


def _without_reaper(
    broken: Callable[[Deployed], AbstractContextManager[None]],
) -> Callable[[Deployed], AbstractContextManager[None]]:
    """Breaks what the reaper would mend, while its schedule is off: so it stays, and both are found."""

    @contextmanager
    def both(on: Deployed) -> Iterator[None]:
        with parts.schedule_off(on, "reaper"), broken(on):
            yield

    return both


def _with_old_pulse(on: Deployed) -> AbstractContextManager[None]:
    return _both(parts.schedule_off(on, "dispatcher"), items.old_pulse(on, Part.DISPATCHER))


def _unread(on: Deployed) -> AbstractContextManager[None]:
    return _both(parts.source_off(on, "dispatcher", "Jobs"), items.ended_unread(on, Part.RELEASE))


@contextmanager
def _both(first: AbstractContextManager[None], second: AbstractContextManager[None]) -> Iterator[None]:
    with first, second:
        yield


BREAKAGES: dict[str, Breakage] = {
    "schedule disabled": Breakage(
        lambda on: parts.schedule_off(on, "reaper"),
        NO_REAPER,
    ),
    "schedule deleted": Breakage(
        lambda on: parts.schedule_gone(on, "dispatcher"),
        {"schedules": ["error: the schedule dispatcher is MISSING"]},
    ),
    "schedule slowed": Breakage(
        lambda on: parts.schedule_slow(on, "reaper"),
        {"schedules": ["warning: the schedule reaper is rate(1 hour) instead of rate(1 minute)"]},
    ),
    "schedule without a pulse for an hour": Breakage(
        _with_old_pulse,
        {
            "pulses": ["error: the schedule dispatcher is dead: its last pulse was 2*"],
            "schedules": ["error: the schedule dispatcher is DISABLED"],
        },
        is_raced=True,
    ),
    "stream not read": Breakage(
        _unread,
        {
            "pulses": ["error: the reader of the stream release is dead: its last pulse was 2*"],
            "sources": ["error: the event source * of the dispatcher is Disabled"],
        },
    ),
    "event source deleted": Breakage(
        lambda on: parts.source_gone(on, "recorder", "Jobs"),
        {"sources": ["error: the recorder has 2 event sources instead of 3"]},
    ),
    "stream off": Breakage(
        lambda on: parts.stream_off(on, "dispatcher", "Control"),
        {"streams": ["error: the table Control has no stream"]},
    ),
    "stream made anew": Breakage(
        lambda on: parts.stream_anew(on, "dispatcher", "Control"),
        {"streams": ["error: the dispatcher reads an earlier stream of the table Control"]},
    ),
    "worker bounded otherwise": Breakage(
        lambda on: parts.worker_bounded(on, 2),
        {"sources": ["warning: the worker runs at most 2 jobs at once, and WorkerConcurrency is 4"]},
    ),
    "function deleted": Breakage(
        lambda on: parts.function_gone(on, "worker"),
        {"functions": ["error: the function worker is MISSING"]},
    ),
    "worker fails": Breakage(
        parts.worker_failing,
        {
            "configuration": [
                "warning: the function worker was changed by hand: TIDEGATE_LEASE_SECONDS is soon and not 60"
            ],
            "sources": ["error: the event source * of the worker fails: FAILED"],
        },
    ),
    "other table named": Breakage(
        lambda on: parts.variable(on, "recorder", "TIDEGATE_TABLE_PROGRESS", "elsewhere"),
        {
            "configuration": [
                "warning: the function recorder was changed by hand: "
                "TIDEGATE_TABLE_PROGRESS names another table than the stack's"
            ]
        },
    ),
    "memory changed": Breakage(
        lambda on: parts.memory(on, "worker", 256),
        {
            "configuration": [
                "warning: the function worker was changed by hand: WorkerMemoryMegabytes is 256 and not 1024"
            ]
        },
    ),
    "deployed by half": Breakage(
        lambda on: parts.half_deployed(on, "recorder"),
        {
            "configuration": [
                "error: the functions run different versions of tidegate: "
                "api *:1, dispatcher *:1, recorder *:[2-9], reaper *:1, worker *:1, webhooks *:1"
            ]
        },
    ),
    "function stopped": Breakage(
        lambda on: parts.reserved(on, "recorder", 0),
        {"concurrency": ["error: the function recorder may not run"]},
    ),
    "executions reserved by hand": Breakage(
        lambda on: parts.reserved(on, "dispatcher", 1),
        {
            "concurrency": [
                "warning: 1 executions are reserved for the dispatcher, and DispatcherConcurrency is 0"
            ]
        },
    ),
    "too few executions": Breakage(
        lambda on: parts.reserved(on, "worker", 11),
        {
            "concurrency": [
                "warning: 5 of the account's 16 executions are not reserved; "
                "4 workers leave 1 to the other functions, which need 6"
            ]
        },
    ),
    "dead letter": Breakage(
        lambda on: parts.letter(on, "EventDeadLetters"),
        {"dead-letters": ["error: EventDeadLetters holds 1 messages"]},
    ),
    "queue deleted": Breakage(
        lambda on: parts.queue_gone(on, "EventDeadLetters"),
        {"dead-letters": ["error: the queue EventDeadLetters is MISSING"]},
    ),
    "dead letter of webhooks": Breakage(
        lambda on: parts.letter(on, "WebhooksDeadLetters"),
        {"dead-letters": ["error: WebhooksDeadLetters holds 1 messages"]},
    ),
    "sender deleted": Breakage(
        lambda on: parts.function_gone(on, "webhooks"),
        {"functions": ["error: the function webhooks is MISSING"]},
    ),
    "queue without its policy": Breakage(
        lambda on: parts.policy_gone(on, "EcsPoolQueue"),
        {"queues": ["warning: the queue EcsPoolQueue has no policy, and accepts calls without TLS"]},
    ),
    "items kept for ever": Breakage(
        lambda on: parts.expiry(on, "Audit", Enabled=False),
        {"expiry": ["warning: items of the table Audit never expire: its time to live is DISABLED"]},
    ),
    "items expire by another attribute": Breakage(
        lambda on: parts.expiry(on, "Progress", AttributeName="ttl"),
        {"expiry": ["warning: items of the table Progress expire by ttl and not by expires_at"]},
    ),
    "lease over, reaper off": Breakage(
        _without_reaper(items.lease_over),
        {
            **NO_REAPER,
            "leases": [
                f"error: 1 sampled jobs run under leases that ended over five minutes ago: {items.JOB_ID}"
            ],
        },
        is_raced=True,
    ),
    "index entry elsewhere, reaper off": Breakage(
        _without_reaper(items.entry_elsewhere),
        {
            **NO_REAPER,
            "index": [f"error: 1 of 1 sampled entries of the index differ from their jobs: {items.JOB_ID}"],
        },
        is_raced=True,
    ),
    "counts late, reaper off": Breakage(
        _without_reaper(items.counts_late),
        {
            **NO_REAPER,
            "counts": [f"warning: the ended jobs of the pool {items.POOL} are counted up to 2* only"],
        },
        is_raced=True,
    ),
    "submission open, reaper off": Breakage(
        _without_reaper(items.submission_open),
        {
            **NO_REAPER,
            "submissions": [
                f"error: 1 submissions are open for over a quarter of an hour: {items.SUBMISSION_ID}"
            ],
        },
        is_raced=True,
    ),
    "another stack's API": Breakage(
        lambda on: parts.twin(on, outputs={"ApiId": "elsewhere"}),
        {"address": [f"error: the address leads to the API *, and stack {parts.TWIN} has elsewhere and *"]},
        ("--stack", parts.TWIN),
    ),
    "output missing": Breakage(
        lambda on: parts.twin(on, without="WorkersTable"),
        {"stack": [f"error: stack {parts.TWIN} lacks outputs: WorkersTable"]},
        ("--stack", parts.TWIN),
        dict.fromkeys(("streams", "expiry"), "the stack has no output WorkersTable"),
    ),
    "deployment rolled back": Breakage(
        lambda on: parts.twin(on, rolled_back=True),
        {"stack": [f"warning: the last deployment of stack {parts.TWIN} failed and was rolled back"]},
        ("--stack", parts.TWIN),
    ),
    "command line of another version": Breakage(
        lambda on: items.own_version(on, "0.0.9"),
        {"version": [f"warning: the deployment is version {VERSION}, this command line 0.0.9"]},
    ),
    "clock ahead": Breakage(
        lambda on: items.clock_ahead(on, 250),
        {"clock": ["error: this machine's clock is 2[45]? s ahead of the API's"]},
    ),
    "clock behind": Breakage(
        lambda on: items.clock_ahead(on, -30),
        {"clock": ["warning: this machine's clock is [23]? s behind the API's"]},
    ),
}
