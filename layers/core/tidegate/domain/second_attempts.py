"""The second attempt of a straggler: another run of the same attempt, on another worker, beside the first.

The job's item holds it beside the first attempt, whose fields and fence it leaves alone. It stands and falls with that
attempt: every write of its worker requires that the job is RUNNING under that attempt. So each end of the first
attempt ends the second one too, and no write of the first attempt needs to know of a second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tidegate.domain.logs import LogPlace


class SecondEnd(StrEnum):
    """The end of a second attempt by itself. One that ended with the attempt beside it has none."""

    WON = "won"  # it succeeded first, so its result is the job's
    FAILED = "failed"  # its code failed or timed out, and the first attempt goes on
    STOPPED = "stopped"  # its worker stopped it: a cancellation, a drain, or a fault of the worker
    LOST = "lost"  # its lease ran out
    LAPSED = "lapsed"  # no worker claimed it in time


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondAttempt:
    """The latest second attempt of a job. Times are in milliseconds since the epoch, None while they have not come.

    `beside` is the number of the attempt that it runs beside, and `life` is the job's `reopened` then. `worker_id` is
    None until a worker claims it. `ended_at_ms` is when it ended by itself without success, None otherwise, and where
    an earlier version ended it. `logs` is where its lines go, None where no place is known.
    """

    beside: int
    life: int
    offered_at_ms: int
    worker_id: str | None = None
    worker_name: str = ""
    worker_host: str = ""
    claimed_at_ms: int | None = None
    lease_expires_at_ms: int | None = None
    end: SecondEnd | None = None
    ended_at_ms: int | None = None
    logs: LogPlace | None = None


MAX_PERCENT: Final = 50
"""The largest part of a pool's slots, in percent, that second attempts may have."""

OFFER_MS: Final = 5 * 60_000
"""How long a second attempt may wait for a worker. The dispatcher then takes it back by a conditional write."""


def most_second_attempts(slots: int, percent: int) -> int:
    """Returns how many second attempts a pool may have at once.

    That is `percent` (0-50) of its `slots` (0 or more), at least one where there are two slots or more. It is 0 where
    `percent` is 0.
    """
    if percent == 0 or slots < 2:  # the first attempt has the only slot
        return 0
    return max(1, slots * percent // 100)


def second_permit(pool: str) -> str:
    """Returns the name of the permit whose holders are the second attempts of a pool."""
    return f"second:{pool}"


def second_holder(job_id: str, beside: int) -> str:
    """Returns the name under which the second attempt beside an attempt of a job holds its pool's permit."""
    return f"{job_id}@{beside}"
