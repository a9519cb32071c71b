from __future__ import annotations

import math
from contextlib import AbstractContextManager, ExitStack

import pytest

from tidegate_worker.durations import EVIDENCE, Durations
from tidegate_worker.look_ahead import MOST_WAITING_PER_SLOT, WORKED_OFF_WITHIN_SECONDS, LookAhead

SLOTS = 4
TYPE = "a.b"


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Fixture:
    def __init__(self) -> None:
        self.watch = Watch()
        self.look_ahead = LookAhead(SLOTS, self.watch)

        self.waiting: list[float] = []

    def receive(self, available: int = 10, estimate: float | None = None) -> int:
        """Receives from a queue of `available` messages and admits jobs that can begin soon.

        Returns how many it asked for.
        """
        asked = self.look_ahead.ask(0)
        if asked:
            self.look_ahead.got(asked, self.admit(*[estimate] * min(asked, available)))
        return asked

    def admit(self, *estimates: float | None) -> int:
        """Returns how many of these are admitted."""
        expected = [self.look_ahead.expected_seconds(TYPE, estimate) for estimate in estimates]
        admitted = self.look_ahead.admit(expected)
        self.waiting += expected[:admitted]
        return admitted

    def slot(self) -> AbstractContextManager[None]:
        """Runs the next of them."""
        return self.look_ahead.slot_taken(TYPE, self.waiting.pop(0))

    def run(self, jobs: int, seconds: float) -> None:
        """Admits and runs `jobs` jobs, one after the other."""
        for _ in range(jobs):
            self.receive(available=1)
            with self.slot():
                self.watch.now += seconds

    def end_of_one(self) -> None:
        """Runs one of the held jobs."""
        with self.slot():
            self.watch.now += 0.0001

    def held(self) -> int:
        """Returns how many jobs it admits when the queue has more than enough."""
        total = 0
        while asked := self.receive():
            total += asked
        return total


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_before_anything_was_measured_it_asks_for_free_slots_only(fixture: Fixture) -> None:
    assert fixture.held() == SLOTS
    fixture.end_of_one()
    assert fixture.receive() == 1
    assert fixture.receive() == 0


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.2])
def test_short_jobs_may_wait_as_many_as_are_worked_off_in_time(fixture: Fixture, seconds: float) -> None:
    fixture.run(8, seconds)
    held = fixture.held()
    assert SLOTS < held <= SLOTS + SLOTS * WORKED_OFF_WITHIN_SECONDS / seconds


def test_the_number_that_may_wait_is_bounded_however_short_they_are(fixture: Fixture) -> None:
    fixture.run(8, 0.0001)
    most = SLOTS * (1 + MOST_WAITING_PER_SLOT)
    assert most - 10 < fixture.held() <= most


@pytest.mark.parametrize("seconds", [0.3, 5.0, 3_600.0])
def test_long_jobs_wait_in_the_queue(fixture: Fixture, seconds: float) -> None:
    fixture.run(20, seconds)
    assert fixture.held() == SLOTS


def test_one_long_job_among_short_ones_ends_the_waiting_until_it_is_forgotten(fixture: Fixture) -> None:
    fixture.run(30, 0.001)
    fixture.run(1, 2.0)
    fixture.run(31, 0.001)
    assert fixture.held() == SLOTS
    fixture.look_ahead.drop(fixture.waiting)
    fixture.waiting.clear()
    fixture.run(1, 0.001)
    assert fixture.held() > SLOTS


def test_slots_with_a_long_job_do_not_count_for_those_that_wait(fixture: Fixture) -> None:
    fixture.run(30, 0.0001)
    fixture.receive(SLOTS)
    with fixture.slot(), fixture.slot(), fixture.slot():
        fixture.watch.now += WORKED_OFF_WITHIN_SECONDS * 2
        with fixture.slot():
            assert 0 < fixture.held() <= MOST_WAITING_PER_SLOT


def test_while_every_slot_has_a_long_job_nothing_is_asked_for(fixture: Fixture) -> None:
    fixture.run(30, 0.0001)
    fixture.receive(SLOTS)
    with ExitStack() as slots:
        for _ in range(SLOTS):
            slots.enter_context(fixture.slot())
        fixture.watch.now += WORKED_OFF_WITHIN_SECONDS * 2
        assert fixture.receive() == 0


def test_while_all_slots_have_work_many_are_asked_for_together(fixture: Fixture) -> None:
    fixture.run(8, 0.0001)
    fixture.held()
    asked = []
    for _ in range(30):
        fixture.end_of_one()
        asked.append(fixture.receive())
    assert {count for count in asked if count} == {10}
    assert 20 <= sum(asked) <= 40


def test_one_receive_at_a_time_waits_for_messages(fixture: Fixture) -> None:
    ahead = LookAhead(30, fixture.watch)
    assert ahead.ask(0) == 10
    assert ahead.ask(0) == 0
    ahead.got(10, 3)
    assert ahead.ask(0) == 10
    assert ahead.ask(0) == 0


def test_more_receives_go_out_while_they_bring_all_that_they_ask_for(fixture: Fixture) -> None:
    ahead = LookAhead(100, fixture.watch)
    ahead.got(ahead.ask(0), 10)
    assert [ahead.ask(0) for _ in range(5)] == [10, 10, 10, 10, 0]
    ahead.got(10, 0)
    assert ahead.ask(0) == 0


def test_it_is_idle_when_no_job_is_held_whatever_was_asked_for(fixture: Fixture) -> None:
    ahead = fixture.look_ahead
    asked = ahead.ask(0)
    assert ahead.wait_until_idle(0)
    ahead.got(asked, fixture.admit(1.0, 2.0))
    assert not ahead.wait_until_idle(0)
    assert not ahead.wait_until_idle(3_600, or_if=lambda: True)
    ahead.drop([fixture.waiting.pop()])
    with fixture.slot():
        assert not ahead.wait_until_idle(0)
        assert ahead.running == 1
    assert ahead.wait_until_idle(0)


def test_nothing_is_taken_on_behind_jobs_that_are_known_to_be_long(fixture: Fixture) -> None:
    """The recent jobs were short by chance, and the estimates of the new ones are long."""
    fixture.run(30, 0.001)
    assert fixture.admit(60.0, 60.0, 60.0, 60.0, 0.001, 60.0) == SLOTS
    assert fixture.receive() == 0, "nothing is asked for either"


def test_jobs_wait_behind_those_that_are_short_by_their_estimate(fixture: Fixture) -> None:
    fixture.run(30, 0.001)
    assert fixture.admit(60.0, 60.0, 60.0, 0.1, 0.1, 0.1, 0.1, 0.1) == SLOTS + 2, "one slot goes on"


def test_a_running_job_of_which_nothing_is_known_counts_as_a_long_one(fixture: Fixture) -> None:
    fixture.run(30, 0.001)
    expected = fixture.look_ahead.expected_seconds("never.seen", None)
    fixture.look_ahead.force([expected] * SLOTS)
    with ExitStack() as slots:
        for _ in range(SLOTS):
            slots.enter_context(fixture.look_ahead.slot_taken("never.seen", expected))
        assert fixture.admit(0.001) == 0
    assert fixture.admit(0.001) == 1


def test_types_are_known_apart_and_the_oldest_are_forgotten() -> None:
    durations = Durations()
    for number in range(300):
        for _ in range(EVIDENCE):
            durations.note(f"t{number}", number)
    assert durations.expected_seconds("t299", None) == 299
    assert durations.expected_seconds("t299", 2.0) == 2.0
    assert durations.expected_seconds("t0", None) == math.inf
    durations.note("once", 0.001)
    assert durations.expected_seconds("once", None) == math.inf


def test_a_job_whose_type_no_message_names_takes_as_long_as_the_slowest_of_all(fixture: Fixture) -> None:
    assert fixture.look_ahead.expected_seconds("", None) == math.inf
    fixture.run(EVIDENCE, 0.02)
    assert fixture.look_ahead.expected_seconds("", None) == pytest.approx(0.02)
    assert fixture.look_ahead.expected_seconds("", 3.0) == 3.0


def test_after_mostly_stale_messages_many_are_asked_for_at_once(fixture: Fixture) -> None:
    ahead = fixture.look_ahead
    asked = ahead.ask(0)
    ahead.note_stale(stale=6, messages=10)
    ahead.got(asked, 0, received=asked)
    assert [ahead.ask(0) for _ in range(5)] == [10, 10, 10, 10, 0]
    ahead.note_stale(stale=0, messages=10)
    assert not ahead.mostly_stale
    for _ in range(4):
        ahead.got(10, 0)
    assert ahead.ask(0) == SLOTS


def test_a_few_stale_messages_are_no_reason_to_ask_for_many(fixture: Fixture) -> None:
    """A worker that takes the whole queue for a stale message or two hides it from the others if it is killed."""
    ahead = fixture.look_ahead
    for _ in range(5):
        ahead.note_stale(stale=1, messages=1)
    assert not ahead.mostly_stale
    assert ahead.ask(0) == SLOTS
    ahead.note_stale(stale=0, messages=5)
    ahead.note_stale(stale=5, messages=5)
    assert not ahead.mostly_stale, "only the latest ten count"
    ahead.note_stale(stale=1, messages=1)
    assert ahead.mostly_stale


def test_while_every_slot_is_busy_nothing_is_asked_for_whatever_was_stale(fixture: Fixture) -> None:
    fixture.receive()
    fixture.look_ahead.note_stale(stale=10, messages=10)
    assert fixture.receive() == 0
