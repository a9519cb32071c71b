"""The units of a job's history, and their price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.harness.domain.job_samples import SAMPLES
from tidegate.domain.costs import count
from tidegate.domain.costs.count import CostBasis, JobCost, cost_of
from tidegate.domain.costs.prices import LIST_PRICES, dollars, prices_from
from tidegate.domain.costs.replay import replayed
from tidegate.domain.costs.units import NO_UNITS, Units, reads_of, write
from tidegate.domain.errors import InvalidRequest
from tidegate.domain.job import HistoryEntry, Job
from tidegate.domain.pools import PoolKind
from tidegate.domain.second_attempts import SecondAttempt, SecondEnd
from tidegate.domain.states import State, group_of
from tidegate.domain.stored import Stored

S = State
SMALL = Stored(900, 200, "a", "x")


def stored(job: Job) -> Stored:
    """Stores every job in less than 1 KB; the entry changes its place with the group."""
    return Stored(900, 200, group_of(job.state), "")


def ended(*steps: tuple[State, int, str]) -> Job:
    """Returns a job that has these transitions, a second apart: state, attempt and actor."""
    history = tuple(
        HistoryEntry(n * 1_000, state, attempt, actor) for n, (state, attempt, actor) in enumerate(steps)
    )
    last = history[-1]
    return replace(
        SAMPLES[last.state], history=history, job_id="J", state=last.state, attempt=last.attempt, pool="p"
    )


def basis(kind: PoolKind = PoolKind.FUNCTION) -> CostBasis:
    return CostBasis(heartbeat_ms=15_000, lease_ms=60_000, kinds={"p": kind}, now_ms=100_000)


def _cost(job: Job, by: CostBasis) -> JobCost:
    return cost_of(job, stored(job), stored, by)


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, SMALL, 2),
        (SMALL, SMALL, 1),
        (SMALL, replace(SMALL, entry_content="y"), 2),
        (SMALL, replace(SMALL, entry_key="b"), 3),
        (replace(SMALL, item_bytes=2_049), SMALL, 3),
        (replace(SMALL, entry_bytes=1_025), replace(SMALL, entry_key="b"), 4),
    ],
)
def test_a_write_bills_the_item_and_what_changes_in_the_index(
    before: Stored | None, after: Stored, units: int
) -> None:
    assert write(before, after) == units


def test_a_read_bills_half_a_unit_for_each_four_kb() -> None:
    assert [reads_of(size) for size in (0, 4_096, 4_097)] == [0.5, 0.5, 1.0]


STRAIGHT = ((S.READY, 0, "alice"), (S.QUEUED, 0, "d"), (S.RUNNING, 1, "w"))


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        (((S.SCHEDULED, 1, "w"), (S.READY, 1, "d"), (S.QUEUED, 1, "d"), (S.RUNNING, 2, "w")), "failed"),
        (((S.READY, 1, "w"), (S.QUEUED, 1, "d"), (S.RUNNING, 2, "w")), "handed_back"),
        (((S.READY, 1, "reaper"), (S.QUEUED, 1, "d"), (S.RUNNING, 2, "w")), "lost"),
        (((S.RUNNING, 2, "v"),), "lost"),
        (
            (
                (S.FAILED, 1, "w"),
                (S.PENDING, 1, "alice"),
                (S.READY, 1, "d"),
                (S.QUEUED, 1, "d"),
                (S.RUNNING, 2, "w"),
            ),
            "reopened",
        ),
    ],
)
def test_what_lies_between_the_first_dispatch_and_the_last_attempt_is_wasted(
    steps: tuple[tuple[State, int, str], ...], count: str
) -> None:
    plain = _cost(ended(*STRAIGHT, (S.SUCCEEDED, 1, "w")), basis())
    assert plain.wasted == Units()
    assert (plain.useful.write_units, plain.useful.function_seconds, plain.useful.invocations) == (9, 1.0, 2)
    again = _cost(ended(*STRAIGHT, *steps, (S.SUCCEEDED, 2, "w")), basis())
    # The second claim of one message needs no dispatch of its own, so the only dispatch is the useful one.
    assert again.useful == plain.useful
    assert getattr(again, count) == 1
    assert again.wasted.function_seconds == 1.0
    assert again.wasted.write_units > 0


def test_a_dispatch_that_nobody_claimed_is_wasted() -> None:
    taken_back = ((S.READY, 0, "alice"), (S.QUEUED, 0, "d"), (S.READY, 0, "d"))
    found = _cost(ended(*taken_back, *STRAIGHT[1:], (S.SUCCEEDED, 1, "w")), basis())
    assert (found.taken_back, found.wasted.write_units, found.wasted.sqs_requests) == (1, 6, 3)


def test_a_running_job_pays_for_its_heartbeats_until_now_in_its_kind_of_pool() -> None:
    running = ended(*STRAIGHT)
    found = _cost(running, basis(PoolKind.PROCESS)).useful
    assert (found.task_seconds, found.function_seconds) == (98.0, 0.0)
    assert found.write_units == 6 + 98 // 15


HELD = SecondAttempt(beside=1, life=0, offered_at_ms=20_000, worker_id="v", claimed_at_ms=22_000)


@pytest.mark.parametrize(
    ("second", "wasted", "useful"),
    [
        # Of write units: a permit (2), the offer, the claim, heartbeats, and an end by itself or a refused write.
        (replace(HELD, claimed_at_ms=None), Units(3, sqs_requests=3), NO_UNITS),
        (replace(HELD, claimed_at_ms=None, end=SecondEnd.LAPSED), Units(4, sqs_requests=3), NO_UNITS),
        (HELD, Units(5 + 5, sqs_requests=3, invocations=1, function_seconds=78.0), NO_UNITS),
        (
            replace(HELD, end=SecondEnd.FAILED, ended_at_ms=40_000),
            Units(5 + 1, sqs_requests=3, invocations=1, function_seconds=18.0),
            NO_UNITS,
        ),
        (
            replace(HELD, end=SecondEnd.LOST, ended_at_ms=98_000),  # it sent no heartbeat in its last lease
            Units(5 + 1, sqs_requests=3, invocations=1, function_seconds=76.0),
            NO_UNITS,
        ),
        (
            replace(HELD, end=SecondEnd.STOPPED),  # by an earlier version, at a time that is not known
            Units(5, sqs_requests=3, invocations=1),
            NO_UNITS,
        ),
        (
            replace(
                HELD, end=SecondEnd.WON
            ),  # the claim of the first attempt, with its heartbeats, is wasted
            Units(2 + 6, invocations=1, function_seconds=98.0),
            Units(4 + 5, sqs_requests=3, invocations=1, function_seconds=78.0),
        ),
    ],
    ids=lambda value: str(value.end) if isinstance(value, SecondAttempt) else "",
)
def test_the_attempt_beside_the_one_that_counts_is_wasted(
    second: SecondAttempt, wasted: Units, useful: Units
) -> None:
    job = ended(*STRAIGHT, (S.SUCCEEDED, 1, "w"))
    end = replace(job.history[-1], at_ms=100_000)
    job = replace(job, history=(*job.history[:-1], end), reopened=0)
    alone = _cost(job, basis())
    found = _cost(replace(job, second=second), basis())
    assert found.wasted == wasted
    assert found.beside == (second.claimed_at_ms is not None)
    own = (
        replace(wasted, write_units=7) if second.end is SecondEnd.WON else NO_UNITS
    )  # without the refused write
    assert found.useful + own == alone.useful + useful


def test_a_write_before_the_offer_is_sized_without_the_second_attempt() -> None:
    job = replace(ended(*STRAIGHT, (S.SUCCEEDED, 1, "w")), second=HELD)
    late = replace(job, second=replace(HELD, offered_at_ms=1_500))
    assert [each.second is None for each in replayed(job)] == [True] * 3
    assert [each.second is None for each in replayed(late)] == [True, True, False]


@pytest.mark.parametrize(("waiting_on", "units"), [({0, 1, 2}, 2), ({0, 2}, 3), ({1}, 4)])
def test_a_job_that_waits_pays_for_the_dependencies_that_were_satisfied(
    waiting_on: set[int], units: int
) -> None:
    waiting = replace(
        ended((S.PENDING, 0, "alice")), dependency_count=3, waiting_on=frozenset(waiting_on), job_id="W.1"
    )
    assert _cost(waiting, basis()).total.write_units == units


@pytest.mark.parametrize(
    ("following", "units"), [(S.SKIPPED, 5), (S.CANCELLED, 5), (S.READY, 5 + 999), (S.SCHEDULED, 5 + 999)]
)
def test_a_job_that_ended_while_it_waited_pays_for_no_release(following: State, units: int) -> None:
    job = replace(ended((S.PENDING, 0, "alice"), (following, 0, "d")), dependency_count=1_000, job_id="W.1")
    assert _cost(job, basis()).total.write_units == units


def test_each_end_that_a_job_left_costs_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    marked = ended(*STRAIGHT, (S.FAILED, 1, "w"), (S.SUCCEEDED, 1, "alice"))
    found = _cost(marked, basis()).total.write_units
    monkeypatch.setattr(count, "UNITS_OF_KEPT_END", 0)
    assert found - _cost(marked, basis()).total.write_units == 1


def test_dollars_follow_the_prices() -> None:
    units = Units(write_units=1_000_000, function_seconds=1_000_000, task_seconds=3_600)
    task = (LIST_PRICES.task_vcpu_hours + 2 * LIST_PRICES.task_gb_hours) / 4
    assert dollars(units, LIST_PRICES) == pytest.approx(0.625 + 13.3334 + task)
    assert (
        dollars(units, prices_from({"write_units": 1, "gb_seconds": 0, "task_gb": 0, "task_vcpus": 0})) == 1.0
    )


@pytest.mark.parametrize(
    "given",
    [
        {"x": 1},
        {"write_units": -1},
        {"read_units": True},
        {"task_slots": 0},
        {"task_slots": 0.5},
        {"as_of": 1},
        {"api_calls": "1"},
    ],
)
def test_wrong_prices_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        prices_from(given)
