"""The cases of transitions of a second attempt. See transition_cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.harness.domain.job_samples import ASKED, NOW_MS, ORPHANED, RUNNING, ended
from tests.harness.domain.worker_cases import ATTEMPT_BROKEN, NONE, STAMP, WorkerCase
from tidegate.domain.job import Job
from tidegate.domain.logs import LogPlace
from tidegate.domain.seats import Seat
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd
from tidegate.domain.states import State
from tidegate.domain.transitions import (
    ClaimSecondIfOffered,
    Ending,
    EndSecondIfHolds,
    FinishSecondIfHolds,
    HeartbeatSecondIfHolds,
    OfferSecondIfFirst,
    Stamp,
)

OFFER = SecondAttempt(beside=2, life=0, offered_at_ms=NOW_MS)
HELD = replace(
    OFFER,
    offered_at_ms=NOW_MS - 5_000,
    worker_id="v",
    worker_name="two",
    worker_host="host-2",
    claimed_at_ms=NOW_MS - 4_000,
    lease_expires_at_ms=NOW_MS - 1,
    logs=LogPlace("group", "stream"),
)
OFFERED = replace(RUNNING, second=OFFER)
BESIDE = replace(RUNNING, second=HELD)
ENDS = {end: replace(RUNNING, second=replace(HELD, end=end, ended_at_ms=NOW_MS)) for end in SecondEnd}
EARLIER = replace(RUNNING, reopened=1, second=replace(HELD, end=SecondEnd.FAILED))


def _with(second: SecondAttempt, jobs: Mapping[str, Job]) -> dict[str, Job]:
    return {why: replace(job, second=second) for why, job in jobs.items()}


def _offers() -> list[WorkerCase]:
    offer = OfferSecondIfFirst(RUNNING, 2, STAMP)
    again = replace(offer, job=EARLIER)
    return [
        (
            offer,
            RUNNING,
            OFFERED,
            {**ATTEMPT_BROKEN, "has cancellation asked for": ASKED, "has had one": ENDS[SecondEnd.LOST]},
        ),
        (
            again,
            EARLIER,
            replace(EARLIER, second=replace(OFFER, life=1)),
            {"has one in this life": replace(EARLIER, second=replace(HELD, life=1))},
        ),
        # It was lost, and the reaper has not seen that yet.
        (replace(offer, job=ORPHANED), ORPHANED, replace(ORPHANED, second=OFFER), NONE),
    ]


def _claims() -> list[WorkerCase]:
    stamp = Stamp(NOW_MS - 4_000, "v", logs=HELD.logs)
    offered = replace(RUNNING, second=replace(OFFER, offered_at_ms=NOW_MS - 5_000))
    claim = ClaimSecondIfOffered("S.1", 2, "v", NOW_MS - 1, stamp, Seat("two", "host-2"))
    refused = {
        **_with(OFFER, ATTEMPT_BROKEN),
        "has cancellation asked for": replace(ASKED, second=OFFER),
        "has no second attempt": RUNNING,
        "has one beside an earlier attempt": replace(RUNNING, second=replace(OFFER, beside=1)),
        "has one that is claimed": BESIDE,
        "has one that lapsed": replace(RUNNING, second=replace(OFFER, end=SecondEnd.LAPSED)),
        "is this worker's": replace(OFFERED, worker_id="v"),
    }
    bare = ClaimSecondIfOffered("S.1", 2, "v", NOW_MS + 1, Stamp(NOW_MS, "v"))
    plain = replace(OFFER, worker_id="v", claimed_at_ms=NOW_MS, lease_expires_at_ms=NOW_MS + 1)
    return [(claim, offered, BESIDE, refused), (bare, OFFERED, replace(RUNNING, second=plain), NONE)]


def _holds() -> list[WorkerCase]:
    broken = {
        **_with(HELD, ATTEMPT_BROKEN),
        "has no second attempt": RUNNING,
        "has one that nobody claimed": OFFERED,
        "has one of another worker": replace(RUNNING, second=replace(HELD, worker_id="u")),
        "has one beside an earlier attempt": replace(RUNNING, second=replace(HELD, beside=1)),
        **{f"has one that ended: {end}": job for end, job in ENDS.items()},
    }
    beat = HeartbeatSecondIfHolds(BESIDE, 2, "v", NOW_MS + 60_000)
    waited = Ending(State.SUCCEEDED, result={"rows": 1}, expires_at_s=7, began_at_ms=NOW_MS - 3_000)
    finish = FinishSecondIfHolds(BESIDE, 2, "v", waited, STAMP)
    won = replace(
        ended(BESIDE, State.SUCCEEDED),
        result={"rows": 1},
        worker_id="v",
        worker_name="two",
        worker_host="host-2",
        started_at_ms=NOW_MS - 3_000,
        began_at_ms=NOW_MS - 3_000,
        second=replace(HELD, end=SecondEnd.WON),
    )
    end = EndSecondIfHolds(BESIDE, 2, "v", SecondEnd.FAILED, NOW_MS)
    lost = EndSecondIfHolds(BESIDE, 2, "v", SecondEnd.LOST, NOW_MS, NOW_MS)
    lapsed = EndSecondIfHolds(OFFERED, 2, None, SecondEnd.LAPSED, NOW_MS)
    longer = replace(RUNNING, second=replace(HELD, lease_expires_at_ms=NOW_MS))
    return [
        (beat, BESIDE, replace(RUNNING, second=replace(HELD, lease_expires_at_ms=NOW_MS + 60_000)), broken),
        (finish, BESIDE, won, broken),
        (end, BESIDE, ENDS[SecondEnd.FAILED], broken),
        (lost, BESIDE, ENDS[SecondEnd.LOST], {"has a lease that holds": longer}),
        (
            lapsed,
            OFFERED,
            replace(RUNNING, second=replace(OFFER, end=SecondEnd.LAPSED, ended_at_ms=NOW_MS)),
            {"was claimed": BESIDE},
        ),
    ]


SECOND_CASES = [*_offers(), *_claims(), *_holds()]
