"""Records what a worker process can't run because of a fault of its own, never a fault of the job."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.backoff import doubled
from tidegate.ports import UNKNOWN_TYPE, Outcome, OutcomeKind, SlotExecutor

FAULTS_ALLOWED = 3
"""Consecutive times that a worker may find that it can begin no job, before it leaves."""

PROBES = 5
"""Failed probes of a fault, before a worker leaves."""

PASSES_ALLOWED = 100
"""Consecutive messages that a worker may pass on, before it leaves."""

_FIRST_PROBE_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 60.0  # interval of the search for types that were there when this worker started
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_NAMED = 5  # the most types that a message names

_LOGGER = logging.getLogger("tidegate.worker")
_BEGAN = frozenset({OutcomeKind.SUCCEEDED, OutcomeKind.FAILED, OutcomeKind.TIMED_OUT, OutcomeKind.CANCELLED})


def _why_unable(executor: SlotExecutor) -> str:
    try:
        return executor.probe()
    except Exception as error:  # noqa: BLE001 - without probes, a worker with a fault would neither recover nor leave
        return f"{type(error).__name__}: {error}"


@dataclass(frozen=True, slots=True)
class Standing:
    """The things that a worker can't run now: types that it lacks, and the reason why it can begin no job at all.

    Both are empty while it can run everything.
    """

    lacking: tuple[str, ...] = ()
    fault: str = ""


ABLE = Standing()


def probe_after_seconds(number: int) -> float:
    """Returns the seconds to wait before the `number`th probe (from 1); they double each time."""
    return doubled(_FIRST_PROBE_SECONDS, number, math.inf)


class Faults:
    """Records what the worker can't run, and decides when it has to leave. Threads may share it.

    `types` are the job types that its job code had when it started.
    """

    def __init__(self, types: Sequence[str]) -> None:
        self._types = frozenset(types)
        self._changed = threading.Condition()
        self._standing = Standing()
        self._faults = 0
        self._passes = 0
        self._why_leave = ""
        self._closed = False
        self._prober: threading.Thread | None = None

    @property
    def standing(self) -> Standing:
        """The things that the worker can't run now."""
        return self._standing

    @property
    def why_leave(self) -> str:
        """The reason why this worker has to leave; empty while it may stay."""
        return self._why_leave

    def lacks(self, job_type: str) -> bool:
        """Returns True if the worker lacks the type; False for an empty type, which an older message has."""
        return bool(job_type) and (job_type in self._standing.lacking or job_type not in self._types)

    def note_passed_on(self, job_type: str) -> None:
        """Notes that a message of a type that the worker lacks was passed on."""
        with self._changed:
            self._note_lacking(job_type, "deploy the job code to this worker too")
            self._passes += 1
            if self._passes >= PASSES_ALLOWED:
                self._leave(f"{self._passes} consecutive messages were of job types that it lacks")

    def note(self, job_type: str, outcome: Outcome) -> None:
        """Notes the outcome of an attempt."""
        with self._changed:
            if outcome.kind in _BEGAN:
                self._faults = self._passes = 0
            elif outcome.kind is OutcomeKind.UNABLE and outcome.code == UNKNOWN_TYPE:
                self._note_lacking(job_type, outcome.message)
            elif outcome.kind is OutcomeKind.UNABLE:
                self._note_fault(f"{outcome.code}: {outcome.message}")

    def pause_seconds(self) -> float:
        """Returns the seconds to wait after a receive that brought nothing the worker can run.

        The pause gives other workers a chance to receive these messages.
        """
        return doubled(_FIRST_PAUSE_SECONDS, self._passes + 1, _LONGEST_PAUSE_SECONDS)

    def start(self, executor: SlotExecutor) -> None:
        """Starts to probe the executor, until `close`, whenever it can't begin what it could begin at the start."""
        self._prober = threading.Thread(target=self._probe, args=(executor,), name="prober")
        self._prober.start()

    def close(self) -> None:
        """Ends the probing; close the executor first, because a probe may be running."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._prober is not None:
            self._prober.join()

    def probed(self, number: int, why: str) -> None:
        """Notes the result of the `number`th probe (from 1) of a fault.

        `why` is the reason why no job can begin, empty if one can.
        """
        with self._changed:
            if not why:
                _LOGGER.info("jobs can begin here again")
                self._standing = Standing(self._standing.lacking)
                self._changed.notify_all()
                return
            _LOGGER.error("probe %d of %d: no job can begin here: %s", number, PROBES, why)
            if number >= PROBES:
                self._leave(f"no job can begin here: {why}")

    def _probe(self, executor: SlotExecutor) -> None:
        while self._waits_for(lambda: bool(self._standing.fault or self._lost()), None):
            if not self._standing.fault:
                if not self._waits_for(lambda: bool(self._standing.fault), _LOOK_AGAIN_SECONDS):
                    return
                self._look_for_lost(executor)
                continue
            for number in range(1, PROBES + 1):
                if not self._sleeps(probe_after_seconds(number)):
                    return
                self.probed(number, _why_unable(executor))
                if not self._standing.fault:
                    break
            else:
                return

    def _lost(self) -> frozenset[str]:
        """Returns the types that are lacking now, but were there when the worker started."""
        return self._types.intersection(self._standing.lacking)

    def _look_for_lost(self, executor: SlotExecutor) -> None:
        try:
            found = self._lost().intersection(executor.types_now())
        except Exception as error:  # noqa: BLE001 - a lasting fault shows with the next job, and another look follows
            _LOGGER.warning("no process could list its job types: %s", error)
            return
        with self._changed:
            for job_type in sorted(found):
                _LOGGER.info("job type %s is there again", job_type)
            lacking = tuple(each for each in self._standing.lacking if each not in found)
            self._standing = Standing(lacking, self._standing.fault)

    def _waits_for(self, holds: Callable[[], bool], seconds: float | None) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or holds(), seconds)
            return not self._closed

    def _sleeps(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        return self._waits_for(lambda: time.monotonic() >= until, seconds)

    def _note_lacking(self, job_type: str, why: str) -> None:
        lacking = self._standing.lacking
        if not job_type or job_type in lacking:
            return
        if len(lacking) >= limits.MAX_LACKING_TYPES:
            self._leave(f"more than {limits.MAX_LACKING_TYPES} job types are lacking")
            return
        _LOGGER.error(
            "this worker lacks job type %s: its jobs are left to others; %s",
            job_type,
            why or "deploy the job code to this worker too",
        )
        self._standing = Standing(tuple(sorted((*lacking, job_type))), self._standing.fault)
        self._changed.notify_all()

    def _note_fault(self, why: str) -> None:
        if self._standing.fault:
            return  # it belongs to the fault that is known already
        bounded = why[: limits.MAX_FAULT_CHARACTERS]
        _LOGGER.error("no job can begin here, so this worker takes none for now: %s", bounded)
        self._faults += 1
        self._standing = Standing(self._standing.lacking, bounded)
        if self._faults >= FAULTS_ALLOWED:
            self._leave(f"no job could begin here {self._faults} times in a row: {bounded}")
        self._changed.notify_all()

    def _leave(self, why: str) -> None:
        lacking = self._standing.lacking
        named = ", ".join(lacking[:_NAMED]) + (" and others" if len(lacking) > _NAMED else "")
        self._why_leave = self._why_leave or why + (f"; it lacks {named}" if lacking else "")
