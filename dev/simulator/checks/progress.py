"""Runs the recorder beside a simulated system, as unkindly as a stream can be, and checks what it keeps.

The recorder of a run has a world of its own, so that it neither costs the system a request nor changes what chance
brings. It sees the system's submissions. Its stream has several shards, and its batches come late, doubled, torn and
after failures. A stream may also give batches up. They never come again, and the reaper has to make that good.

The recorder also publishes events on a bus of its own world, whose calls fail too.
"""

from __future__ import annotations

import random
import zlib
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from dev.simulator.memory.cursors import MemoryCursors
from dev.simulator.memory.event_bus import MemoryEventBus
from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.progress import MemoryProgressStore
from dev.simulator.memory.workflows import MemoryWorkflowStore
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.system.simulator import Simulator
from tidegate.domain.changes import Changes, JobChange
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.events import Event, JobFacts, WorkerFacts, WorkflowFacts, worker_lost, workflow_ended
from tidegate.domain.job import workflow_job_id
from tidegate.domain.progress import WorkflowState, summary_of
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.reap.reap_progress import reap_progress
from tidegate.usecases.record.publish import event_of_job, publish
from tidegate.usecases.record.record import record
from tidegate.usecases.services import Services

_SHARDS = 3
_BATCH = 40
_FAILS = 0.05  # of the requests of the recorder
_CALLED = 0.2  # of the moments at which a shard has changes
_A_DAY_MS = 86_400_000
_REAPER_RUNS = 1_000  # for one round over all workflows


@dataclass(slots=True)
class SimulatedRecorder:
    """An observer of a run that records its changes. `check` compares once the run is over."""

    seed: int = 1
    gives_up: float = 0.0  # of the batches
    given_up: int = 0
    world: MemoryWorld = field(default_factory=MemoryWorld)
    _draw: random.Random = field(init=False)
    _stream: dict[int, deque[JobChange]] = field(default_factory=lambda: defaultdict(deque))
    _due: set[str] = field(default_factory=set)
    _published: tuple[int, int, int] = (0, 0, 0)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def __call__(self, simulator: Simulator, changes: Sequence[JobChange]) -> None:
        """Takes in the changes of one event, and perhaps records a batch."""
        for change in changes:
            event = event_of_job(change)
            if change.concerns_recorder or event is not None:
                self._stream[zlib.crc32(change.new.job_id.encode()) % _SHARDS].append(change)
            if event is not None:
                self._due.add(event.id)
        if self._draw.random() < _CALLED:
            self._publish(self._services(simulator), simulator)
        for shard in sorted(self._stream):
            if self._stream[shard] and self._draw.random() < _CALLED:
                self._record(self._services(simulator), shard)

    def check(self, simulator: Simulator) -> None:
        """Records what is left of the stream, and checks that the progress of every workflow is the truth."""
        services = self._services(simulator)
        while any(self._stream.values()):
            for shard in sorted(self._stream):
                self._record(services, shard)
        simulator.happened["batch given up by the recorder's stream"] += self.given_up
        if self.given_up:
            self._repair(
                replace(services, jobs=MemoryJobStore(self.world), cursors=MemoryCursors(self.world)),
                simulator,
            )
        while self._publish(services, simulator):
            pass
        self._check_events(simulator)
        for submission in simulator.world.submissions.values():
            if not is_accepted(submission):
                continue
            workflow_id, count = submission.submission_id, submission.job_count
            segments = MemoryProgressStore(self.world).load_all(workflow_id)
            states = [state for segment in segments for state in segment.states]
            jobs = [simulator.world.jobs[workflow_job_id(workflow_id, index)] for index in range(count)]
            assert states == [job.state for job in jobs], f"the progress of {workflow_id} is not the truth"
            summary = summary_of(segments, count)
            noted = self.world.summaries.get(workflow_id)
            assert summary.state is (WorkflowState.RUNNING if noted is None else noted.state), workflow_id
            assert noted is None or noted.counts == summary.counts, workflow_id

    def _check_events(self, simulator: Simulator) -> None:
        """Checks that each fact was told, and that no two facts have one id.

        An end is lost with the batch that the stream gave up. The end of a workflow is not, because whatever notes it
        makes a change.
        """
        told: dict[str, Event] = {}
        for event in self.world.events:
            first = told.setdefault(event.id, event)
            assert _fact_of(event) == _fact_of(first), f"two facts have the id {event.id}"
        missing = self._due - told.keys()
        assert self.given_up or not missing, f"{len(missing)} ends or verdicts were not told"
        facts = {_fact_of(event) for event in told.values()}
        ends = {
            (each.job_id, each.state)
            for event in told.values()
            if isinstance(each := event.subject, JobFacts)
        }
        if not self.given_up:
            assert ends >= {
                (job.job_id, job.state) for job in simulator.world.jobs.values() if job.is_terminal
            }
        for workflow_id, summary in self.world.summaries.items():
            if summary.state is not WorkflowState.RUNNING:
                end = workflow_ended(simulator.world.submissions[workflow_id], summary)
                assert _fact_of(end) in facts, f"the end of {workflow_id} was not told"
        for worker in simulator.world.lost_workers:
            assert worker_lost(worker).id in told, f"the loss of {worker.worker_id} was not told"

    def _publish(self, services: Services, simulator: Simulator) -> bool:
        """Publishes the new changes of workflows and the newly lost workers. Returns False where there are none."""
        own, others = self.world.workflow_changes, simulator.world.workflow_changes
        lost = simulator.world.lost_workers
        ends = (len(own), len(others), len(lost))
        if ends == self._published:
            return False
        begins = self._published
        changes = Changes(
            workflows=(*islice(own, begins[0], None), *islice(others, begins[1], None)),
            lost=tuple(islice(lost, begins[2], None)),
        )
        self.world.on_request = self._fail
        try:
            publish(services, changes)
        except ServiceUnavailable:
            return True
        finally:
            self.world.on_request = _answer
        if self._draw.random() < 0.8:  # otherwise the streams forget that they were published
            self._published = ends
        return True

    def _repair(self, services: Services, simulator: Simulator) -> None:
        """Lets the reaper look at all workflows, in one whole round."""
        self.world.jobs = simulator.world.jobs
        now_ms = simulator.world.now_ms + _A_DAY_MS  # later than any clock of the run that was ahead
        for _ in range(_REAPER_RUNS):
            before = self.world.cursors.copy()
            reap_progress(services, now_ms)
            if self.world.cursors == before:
                return  # the round is over, and the reaper pauses
        raise AssertionError(f"a round of the reaper does not end within {_REAPER_RUNS} runs")

    def _services(self, simulator: Simulator) -> Services:
        self.world.submissions = simulator.world.submissions
        progress, workflows = MemoryProgressStore(self.world), MemoryWorkflowStore(self.world)
        return replace(
            simulator.services,
            settings=replace(simulator.services.settings, event_bus="bus"),
            progress=progress,
            workflows=workflows,
            events=MemoryEventBus(self.world),
        )

    def _record(self, services: Services, shard: int) -> None:
        stream, draw = self._stream[shard], self._draw
        batch = [stream[place] for place in range(min(len(stream), draw.randrange(1, _BATCH)))]
        if self.gives_up and draw.random() < self.gives_up:
            self.given_up += 1
            for _ in batch:
                stream.popleft()
            return
        if draw.random() < 0.2:  # torn: the batch comes again as a whole
            self._take(services, batch[: draw.randrange(len(batch) + 1)])
        self.world.on_request = self._fail
        try:
            self._take(services, batch)
        except ServiceUnavailable:
            return  # the stream sends the same changes again
        finally:
            self.world.on_request = _answer
        if draw.random() < 0.8:  # otherwise the stream forgets that they were recorded
            for _ in batch:
                stream.popleft()

    def _take(self, services: Services, batch: Sequence[JobChange]) -> None:
        """Records and publishes a batch. The system itself leaves the reminders of jobs that were freed."""
        record(services, [change.new for change in batch if not change.keeps_its_state])
        publish(services, Changes(tuple(batch)))

    def _fail(self, _request: str) -> None:
        if self._draw.random() < _FAILS:
            raise ServiceUnavailable("x")


def _answer(_request: str) -> None:
    return None


def _fact_of(event: Event) -> tuple[object, ...]:
    subject = event.subject
    name = subject.job_id if isinstance(subject, JobFacts) else _name_of(subject)
    return event.type, name, subject.state, event.at_ms, event.deadline


def _name_of(subject: WorkflowFacts | WorkerFacts) -> str:
    return subject.workflow_id if isinstance(subject, WorkflowFacts) else subject.worker_id
