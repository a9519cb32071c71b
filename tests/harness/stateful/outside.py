"""Hand-overs in the state machine: attempts that go on outside, what is told of them, and approvals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from dev.simulator.people.callers import caller_named
from tests.harness.stateful.machine import ACTOR, TidegateMachine
from tests.harness.stateful.surroundings import PLACES
from tidegate.domain.errors import NotOutside
from tidegate.domain.job import Job
from tidegate.domain.outside import APPROVAL_TYPE, FinishToken, HandedOver
from tidegate.domain.outside_ends import Decision, FailedOutside, SucceededOutside
from tidegate.domain.states import State
from tidegate.ports import Outcome, OutcomeKind
from tidegate.usecases.work.approve import decide_approval
from tidegate.usecases.work.outside import beat_outside, finish_outside

BEN = "ben"
LEASE_SECONDS = st.sampled_from([30, 120, 600])  # up to the timeout: then no heartbeat is asked for
TIMEOUT_SECONDS = 600  # short, so that silent jobs end within the rounds of `teardown`
ENDS: Mapping[State, SucceededOutside | FailedOutside] = {
    State.SUCCEEDED: SucceededOutside("done"),
    State.FAILED: FailedOutside("broken", "outside"),
}


class OutsideMachine(TidegateMachine):
    """The rules of the machine, and those of attempts that are handed over. `tokens` are kept for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[FinishToken] = []

    @precondition(lambda self: self.running)
    @rule(place=PLACES, lease_seconds=LEASE_SECONDS, again=st.booleans())
    def hands_over(self, place: int, lease_seconds: int, again: bool) -> None:
        """Job code hands its attempt over. With `again`, its worker does not learn of the write, and repeats it."""
        at = place % len(self.running)
        held = self.running[at] if again else self.running.pop(at)
        if not held.has_begun:
            self._begin(held)
        token = held.claimed.assignment.token
        assert token is not None
        if token not in self.tokens:
            self.tokens.append(token)
        handed = HandedOver(timeout_seconds=TIMEOUT_SECONDS, lease_seconds=lease_seconds)
        ran = replace(held.claimed, began_at_ms=held.run.began_at_ms)
        concluded = self._concluded(ran, Outcome(OutcomeKind.HANDED_OVER, handed_over=handed))
        job = held.job
        lease_ms, timeout_ms = lease_seconds * 1_000, TIMEOUT_SECONDS * 1_000
        accepted = self.model.hand_over(job.job_id, job.attempt, lease_ms, timeout_ms, self.now)
        assert (concluded is not None) is accepted

    @precondition(lambda self: self.tokens)
    @rule(place=PLACES, state=st.sampled_from(sorted(ENDS)), late=st.booleans(), twice=st.booleans())
    def outside_ends(self, place: int, state: State, late: bool, twice: bool) -> None:
        """The outside tells the end of an attempt, perhaps too late, and perhaps twice: it never got the answer."""
        token = self._any_token(place, late=late)
        accepted = self.model.end_outside(token.job_id, token.attempt, state, self.now)
        job = self._ends(token, state, is_new=accepted)
        if accepted and twice:
            self.now += 1
            assert self._ends(token, state, is_new=False) == job

    def _ends(self, token: FinishToken, state: State, *, is_new: bool) -> Job | None:
        """Tells an end. One that changes nothing is refused, or answered as the same end was before."""
        before = self.world.jobs[token.job_id]
        try:
            job = finish_outside(
                self.services,
                token.job_id,
                token.text,
                ENDS[state],
                caller=caller_named(BEN),
                now_ms=self.now,
            )
        except NotOutside:
            assert not is_new
            return None
        assert is_new or (job == before and job.attempt == token.attempt)
        return job

    @precondition(lambda self: self.tokens)
    @rule(place=PLACES, late=st.booleans())
    def outside_beats(self, place: int, late: bool) -> None:
        token = self._any_token(place, late=late)
        try:
            beat_outside(self.services, token.job_id, token.text, None, now_ms=self.now)
            accepted = True
        except NotOutside:
            accepted = False
        assert self.model.beat_outside(token.job_id, token.attempt, self.now) is accepted

    @precondition(lambda self: any(job.type == APPROVAL_TYPE for job in self.world.jobs.values()))
    @rule(place=PLACES, approved=st.booleans())
    def decides(self, place: int, approved: bool) -> None:
        """A caller decides about an approval, rather one that waits for it."""
        approvals = [job for job in self.world.jobs.values() if job.type == APPROVAL_TYPE]
        waiting = [job for job in approvals if job.is_outside] or approvals
        before = waiting[place % len(waiting)]
        is_new = self.model.decide(before.job_id, approved, self.now)
        try:
            job = decide_approval(
                self.services,
                before.job_id,
                Decision(approved),
                caller=caller_named(ACTOR),
                now_ms=self.now,
            )
        except NotOutside:
            assert not is_new
        else:
            assert is_new or job == before

    def _any_token(self, place: int, *, late: bool) -> FinishToken:
        """Returns a token, rather one of an attempt that is outside now unless it is to come late."""
        outside = [
            token
            for token in self.tokens
            if self.world.jobs[token.job_id].is_outside
            and self.world.jobs[token.job_id].attempt == token.attempt
        ]
        tokens = self.tokens if late else outside or self.tokens
        return tokens[place % len(tokens)]
