"""The figures of ended jobs: how many ended how, how long they waited and ran, and what was lost on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain.states import State
from tidegate.domain.statistics.ended import EndedJob
from tidegate.domain.statistics.histogram import EMPTY, Histogram, histogram_of, summed

OVERRUN_UNIT = 1_000
"""The overrun of a job is its run time in thousandths of its estimate."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a set of ended jobs. A job that was reopened and ended again counts once for each end.

    `measured` counts the ends that carry figures; the fields behind it are about those alone. `started` counts the
    ends whose job's code began in that life. `busy_ms` is the time that job code of the last attempt ran, with
    `wasted_ms`: the time of earlier attempts from their claims on, for a lost worker until the reaper found the loss.
    The losses of earlier workers stand under the last one. `wait` holds how long each job waited for its turn and
    `run` how long its last attempt ran, in milliseconds. `overrun` holds run times in thousandths of their estimates.
    """

    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    skipped: int = 0
    measured: int = 0
    started: int = 0
    tries: int = 0
    hand_backs: int = 0
    losses: int = 0
    busy_ms: int = 0
    wasted_ms: int = 0
    wait: Histogram = EMPTY
    run: Histogram = EMPTY
    overrun: Histogram = EMPTY

    @property
    def ended(self) -> int:
        """Returns how many jobs ended, whatever the end."""
        return self.succeeded + self.failed + self.timed_out + self.cancelled + self.skipped

    def __add__(self, other: Figures) -> Figures:
        """Returns the figures of both sets together."""
        return together((self, other))


NONE = Figures()


def figures_of(ends: Sequence[EndedJob]) -> Figures:
    """Returns the figures of these ends."""
    states = Counter(each.state for each in ends)
    told = [(each, each.figures) for each in ends if each.figures is not None]
    ran = [(each, figures.ran_ms) for each, figures in told if figures.ran_ms is not None]
    wasted_ms = sum(figures.wasted_ms for _, figures in told)
    return Figures(
        succeeded=states[State.SUCCEEDED],
        failed=states[State.FAILED],
        timed_out=states[State.TIMED_OUT],
        cancelled=states[State.CANCELLED],
        skipped=states[State.SKIPPED],
        measured=len(told),
        started=sum(figures.ran_ms is not None or figures.wasted_ms > 0 for _, figures in told),
        tries=sum(figures.tries for _, figures in told),
        hand_backs=sum(figures.hand_backs for _, figures in told),
        losses=sum(figures.losses for _, figures in told),
        busy_ms=wasted_ms + sum(ran_ms for _, ran_ms in ran),
        wasted_ms=wasted_ms,
        wait=histogram_of(figures.waited_ms for _, figures in told if figures.waited_ms is not None),
        run=histogram_of(ran_ms for _, ran_ms in ran),
        overrun=histogram_of(
            round(ran_ms * OVERRUN_UNIT / (each.estimated_seconds * 1_000))
            for each, ran_ms in ran
            if each.estimated_seconds
        ),
    )


def together(sets: Sequence[Figures]) -> Figures:
    """Returns the figures of all these sets together."""
    if len(sets) == 1:
        return sets[0]
    return Figures(
        succeeded=sum(each.succeeded for each in sets),
        failed=sum(each.failed for each in sets),
        timed_out=sum(each.timed_out for each in sets),
        cancelled=sum(each.cancelled for each in sets),
        skipped=sum(each.skipped for each in sets),
        measured=sum(each.measured for each in sets),
        started=sum(each.started for each in sets),
        tries=sum(each.tries for each in sets),
        hand_backs=sum(each.hand_backs for each in sets),
        losses=sum(each.losses for each in sets),
        busy_ms=sum(each.busy_ms for each in sets),
        wasted_ms=sum(each.wasted_ms for each in sets),
        wait=summed(each.wait for each in sets),
        run=summed(each.run for each in sets),
        overrun=summed(each.overrun for each in sets),
    )
