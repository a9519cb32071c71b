"""Counts the units of a job's latest second attempt.

The item tells its offer, its claim and its end. Second attempts of earlier lives have left no trace in the item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.domain.costs.units import NO_UNITS, Units
from tidegate.domain.job import Job, second_ran_ms
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd
from tidegate.domain.states import State

UNITS_OF_PERMIT: Final = 2
"""A permit is taken and given back."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The write units of one write to a job's item: before the offer, after it, after the second claim, and now."""

    alone: int
    offered: int
    claimed: int
    now: int


@dataclass(frozen=True, slots=True)
class Beside:
    """The write units, the requests and the run time of a second attempt.

    `own` are those of the second attempt itself. `of_first` are write units that it added to the heartbeats of the
    attempt beside it, because the item was larger. `refused` are those of the write by which one worker learned that
    the attempt of the other one had ended the job. `ran_ms` is None where no worker claimed the second attempt.
    """

    own: Units = NO_UNITS
    of_first: Units = NO_UNITS
    refused: Units = NO_UNITS
    ran_ms: int | None = None


def place_of_first(job: Job) -> int | None:
    """Returns the place, in the history, of the claim beside which the latest second attempt was offered.

    Returns None where there is none, and where the history has dropped it.
    """
    second = job.second
    if second is None:
        return None
    claims = [
        place
        for place, entry in enumerate(job.history)
        if entry.state is State.RUNNING and entry.attempt == second.beside
    ]
    return claims[-1] if claims else None


def beside_of(
    job: Job, second: SecondAttempt, sizes: Sizes, heartbeat_ms: int, lease_ms: int, now_ms: int
) -> Beside:
    """Returns what the second attempt of a job cost until `now_ms`, in milliseconds, without its run time.

    `heartbeat_ms` is the time between two heartbeats, `lease_ms` how long a claim stands without one.
    """
    ends = second.end not in (None, SecondEnd.WON)  # by a write of its own
    if second.claimed_at_ms is None:
        return Beside(_units((1 + ends) * sizes.offered))
    ran_ms = second_ran_ms(second, job.history, now_ms)
    # A lost worker sent no heartbeat in the time of the lease that ran out.
    beats = max(0, ran_ms - (lease_ms if second.end is SecondEnd.LOST else 0)) // heartbeat_ms
    was_overtaken = second.end is SecondEnd.WON or (second.end is None and job.live_second is None)
    refused = Units(write_units=float(sizes.now)) if was_overtaken else NO_UNITS
    own = _units(sizes.offered + (1 + beats + ends) * sizes.claimed)
    return Beside(
        own, _added_to_first(job, second.claimed_at_ms, sizes, heartbeat_ms, now_ms), refused, ran_ms
    )


def _units(writes: int) -> Units:
    return Units(write_units=float(UNITS_OF_PERMIT + writes))


def _added_to_first(job: Job, since_ms: int, sizes: Sizes, heartbeat_ms: int, now_ms: int) -> Units:
    place = place_of_first(job)
    if place is None or sizes.claimed == sizes.alone:
        return NO_UNITS
    following: Sequence[int] = [entry.at_ms for entry in job.history[place + 1 : place + 2]]
    claimed_at_ms = job.history[place].at_ms
    end_ms = following[0] if following else now_ms
    beats = (end_ms - claimed_at_ms) // heartbeat_ms - (since_ms - claimed_at_ms) // heartbeat_ms
    return Units(write_units=float(max(0, beats) * (sizes.claimed - sizes.alone)))
