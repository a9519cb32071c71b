"""Proves one answer: its changes start the job, and without any one of them it does not start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from dev.simulator.why.drawn import Drawing
from dev.simulator.why.trial import Trial
from tidegate.domain.job import Job
from tidegate.domain.states import State
from tidegate.domain.why.facts import Action, Fact
from tidegate.usecases.read.why import explain


@dataclass(slots=True)
class Proven:
    """Counts of the proven answers: of states of jobs, of facts, and of facts in one answer."""

    states: Counter[State] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)

    @property
    def answers(self) -> int:
        """The number of answers."""
        return self.states.total()


def prove(seed: int, proven: Proven) -> bool:
    """Proves the answer about the job that a seed draws; returns False where the seed draws no waiting job."""
    drawing = Drawing(seed)
    job_id = drawing.draw()
    if job_id is None:
        return False
    trial = drawing.trial
    explained = explain(trial.services, job_id, now_ms=trial.now_ms)
    job, why = explained.job, explained.why
    assert why.is_whole, f"the answer is not whole: {why}"
    assert why.facts, f"no fact holds {job}"
    trial.leave_out_other_waits(job, {job_id for fact in why.facts for job_id in fact.change.job_ids})
    assert _starts(trial.copy(), job, why.facts), f"the changes do not start {job.state} {job_id}: {why}"
    for fact in why.facts:
        others = [each for each in why.facts if each is not fact]
        assert not _starts(trial.copy(), job, others, without=fact.change.action), (
            f"{job.state} {job_id} starts although {fact.code} still holds: {why}"
        )
    proven.states[job.state] += 1
    proven.codes.update(fact.code for fact in why.facts)
    proven.sizes[len(why.facts)] += 1
    return True


def _starts(trial: Trial, job: Job, facts: Sequence[Fact], without: Action | None = None) -> bool:
    """Makes the changes of the facts, and tells whether the job runs after one tick.

    `without` is the action of a fact that is left out: a part of the system that it waits for does not act.
    """
    for fact in facts:
        trial.make(fact, job)
    if without is not Action.WAIT_FOR_DISPATCHER:
        trial.tick()
    if without is not Action.WAIT_FOR_WORKER:
        trial.claim()
    return trial.world.jobs[job.job_id].state is State.RUNNING
