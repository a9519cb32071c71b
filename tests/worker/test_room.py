from __future__ import annotations

from contextlib import ExitStack

import pytest

from tidegate_worker.room import MOST_WAITING_PER_SLOT, WORKED_OFF_WITHIN_SECONDS, Room

SLOTS = 4


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Fixture:
    def __init__(self) -> None:
        self.watch = Watch()
        self.room = Room(SLOTS, self.watch)

    def receive(self, available: int = 10) -> int:
        """What a receive asks for when the queue holds `available`."""
        asked = self.room.ask(0)
        if asked:
            self.room.got(asked, min(asked, available))
        return asked

    def run(self, jobs: int, seconds: float) -> None:
        """Takes on as many jobs, each after the other, and runs them."""
        for _ in range(jobs):
            self.receive(available=1)
            with self.room.slot_taken():
                self.watch.now += seconds

    def end_of_one(self) -> None:
        """One of the jobs that are held runs."""
        with self.room.slot_taken():
            self.watch.now += 0.0001

    def held(self) -> int:
        """How many jobs it takes on in all when the queue holds more than enough."""
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
    fixture.room.drop(SLOTS)
    fixture.run(1, 0.001)
    assert fixture.held() > SLOTS


def test_slots_with_a_long_job_do_not_count_for_those_that_wait(fixture: Fixture) -> None:
    fixture.run(30, 0.0001)
    fixture.receive(SLOTS)
    with fixture.room.slot_taken(), fixture.room.slot_taken(), fixture.room.slot_taken():
        fixture.watch.now += WORKED_OFF_WITHIN_SECONDS * 2
        with fixture.room.slot_taken():
            assert 0 < fixture.held() <= MOST_WAITING_PER_SLOT


def test_while_every_slot_has_a_long_job_nothing_is_asked_for(fixture: Fixture) -> None:
    fixture.run(30, 0.0001)
    fixture.receive(SLOTS)
    with ExitStack() as slots:
        for _ in range(SLOTS):
            slots.enter_context(fixture.room.slot_taken())
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
    room = Room(30, fixture.watch)
    assert room.ask(0) == 10
    assert room.ask(0) == 0
    room.got(10, 3)
    assert room.ask(0) == 10
    assert room.ask(0) == 0


def test_more_receives_go_out_while_they_bring_all_that_they_ask_for(fixture: Fixture) -> None:
    room = Room(100, fixture.watch)
    room.got(room.ask(0), 10)
    assert [room.ask(0) for _ in range(5)] == [10, 10, 10, 10, 0]
    room.got(10, 0)
    assert room.ask(0) == 0


def test_it_is_idle_when_no_job_is_held_whatever_was_asked_for(fixture: Fixture) -> None:
    room = fixture.room
    asked = room.ask(0)
    assert room.wait_until_idle(0)
    room.got(asked, 2)
    assert not room.wait_until_idle(0)
    assert not room.wait_until_idle(3_600, or_if=lambda: True)
    room.drop(1)
    with room.slot_taken():
        assert not room.wait_until_idle(0)
        assert room.running == 1
    assert room.wait_until_idle(0)
