"""Several steps in a row that chance alone would seldom combine.

Without them a run would miss most of the rare cases.
"""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.harness.stateful.machine import OUTCOMES
from tests.harness.stateful.model_jobs import MOST_LOSSES
from tests.harness.stateful.outside import ENDS, LEASE_SECONDS, TIMEOUT_SECONDS, OutsideMachine
from tests.harness.stateful.surroundings import PLACES, PLANS, JobPlan
from tidegate.domain.outside import APPROVAL_TYPE
from tidegate.domain.states import State
from tidegate.ports import Message

LONGER_THAN_A_LEASE_MS = 61_007
MOST_OF_A_LEASE_MS = 40_009


class CoursesMachine(OutsideMachine):
    """The rules of the machine, and these."""

    @initialize(plans=PLANS)
    def begin(self, plans: list[JobPlan]) -> None:
        self.submit(plans)
        self._tick()

    @precondition(lambda self: self.queue.waiting)
    @rule(outcome=st.none() | st.sampled_from(sorted(OUTCOMES)))
    def workers_take_all(self, outcome: State | None) -> None:
        """The workers end the jobs they run in one drawn way, or leave them running."""
        while self.queue.waiting:
            self.deliver(0, False)
        while outcome is not None and self.running:
            self.finish(0, outcome, False)

    @precondition(lambda self: self.running)
    @rule(place=PLACES, lost=st.booleans())
    def message_comes_again(self, place: int, lost: bool) -> None:
        """The message was never acknowledged. If its worker was lost, it comes before the reaper does."""
        job = self.running[place % len(self.running)].job
        self.now += LONGER_THAN_A_LEASE_MS if lost else 1
        self._claim(Message(job.job_id, job.attempt - 1))

    @precondition(lambda self: self.running)
    @rule(place=PLACES)
    def a_job_ends_its_workers(self, place: int) -> None:
        """It ends one worker after the other, and its message comes again each time. Finally the reaper comes."""
        job_id = self.running[place % len(self.running)].job.job_id
        for _ in range(MOST_LOSSES):
            self.now += LONGER_THAN_A_LEASE_MS
            self._claim(Message(job_id, self.world.jobs[job_id].attempt - 1))
        self.reaper_runs()

    @precondition(lambda self: self.running)
    @rule(place=PLACES, times=st.integers(1, 6))
    def a_job_is_interrupted(self, place: int, times: int) -> None:
        """Workers that come and go interrupt it again and again."""
        job_id = self.running[place % len(self.running)].job.job_id
        for _ in range(times):
            mine = [place for place, held in enumerate(self.running) if held.job.job_id == job_id]
            if not mine:
                return
            self.finish(mine[-1], State.READY, False)
            self._tick()
            sent = [place for place, message in enumerate(self.queue.waiting) if message.job_id == job_id]
            for at in reversed(sent):
                self.deliver(at, False)

    @precondition(lambda self: self.queue.waiting)
    @rule(place=PLACES)
    def queue_gives_up(self, place: int) -> None:
        self.message_is_lost(place, True)
        self.reaper_runs()

    @precondition(lambda self: self.running)
    @rule(place=PLACES)
    def works_for_long(self, place: int) -> None:
        """It works longer than a lease, and its heartbeat comes in the middle."""
        self.now += MOST_OF_A_LEASE_MS
        self.heartbeat(place)
        self.now += MOST_OF_A_LEASE_MS
        self.reaper_runs()

    @precondition(lambda self: self.running)
    @rule(then_claimed=st.booleans())
    def leases_end(self, then_claimed: bool) -> None:
        """All workers fall silent, and come back when other workers may have their jobs."""
        silent = len(self.running)
        self.now += LONGER_THAN_A_LEASE_MS
        self.reaper_runs()
        self._tick()
        while then_claimed and self.queue.waiting:
            self.deliver(0, False)
        for place in range(silent):
            self.heartbeat(place)

    @precondition(lambda self: self.running)
    @rule(place=PLACES, lease_seconds=LEASE_SECONDS, beats=st.booleans())
    def outside_is_silent(self, place: int, lease_seconds: int, beats: bool) -> None:
        """An attempt is handed over, and nothing more is heard of it, perhaps after a heartbeat late in its time."""
        self.hands_over(place, lease_seconds, False)
        self.now += lease_seconds * 1_000
        if beats:
            self.outside_beats(-1, False)
        self.now += TIMEOUT_SECONDS * 1_000
        self.reaper_runs()

    @precondition(lambda self: self.running)
    @rule(place=PLACES, state=st.sampled_from(sorted(ENDS)))
    def outside_tells_after_a_cancellation(self, place: int, state: State) -> None:
        job_id = self.running[place % len(self.running)].job.job_id
        self.hands_over(place, TIMEOUT_SECONDS, False)
        self.cancel(list(self.world.jobs).index(job_id))
        self.outside_ends(-1, state, True, False)

    @precondition(lambda self: self.running)
    @rule(place=PLACES, state=st.sampled_from(sorted(ENDS)), twice=st.booleans())
    def goes_on_outside(self, place: int, state: State, twice: bool) -> None:
        """Its worker hands it over, the outside beats until the time is nearly over, and then tells the end."""
        self.hands_over(place, 120, False)
        for _ in range(5):
            self.now += MOST_OF_A_LEASE_MS
            self.outside_beats(-1, False)
        self.outside_ends(-1, state, False, twice)

    @precondition(lambda self: any(held.job.type == APPROVAL_TYPE for held in self.running))
    @rule(place=PLACES, approved=st.booleans(), again=st.booleans())
    def approval_is_decided(self, place: int, approved: bool, again: bool) -> None:
        """An approval is handed over, and a caller decides, perhaps twice."""
        held = [at for at, held in enumerate(self.running) if held.job.type == APPROVAL_TYPE]
        self.hands_over(held[place % len(held)], TIMEOUT_SECONDS, False)
        self.decides(place, approved)
        if again:
            self.decides(place, not approved)

    @precondition(lambda self: self.running)
    @rule(place=PLACES, outcome=st.sampled_from(sorted(OUTCOMES)))
    def ends_before_it_hears_to_stop(self, place: int, outcome: State) -> None:
        job_id = self.running[place % len(self.running)].job.job_id
        self.cancel(list(self.world.jobs).index(job_id))
        self.finish(place, outcome, False)

    @precondition(lambda self: any(job.state is State.READY for job in self.model.jobs.values()))
    @rule(place=PLACES, waits_ms=st.sampled_from((0, 1, LONGER_THAN_A_LEASE_MS)))
    def is_on_hold_for_a_while(self, place: int, waits_ms: int) -> None:
        """A READY job is put on hold, the dispatcher passes it over, and it is taken off hold."""
        ready = [job_id for job_id, job in self.model.jobs.items() if job.state is State.READY]
        job_id = ready[place % len(ready)]
        self.put_on_hold(job_id)
        self.now += waits_ms
        self._tick()
        self.take_off_hold(job_id)
