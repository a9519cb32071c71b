"""Runs the recorder beside a simulated system, as unkindly as a stream can be, and checks what it keeps.

The recorder of a run has a world of its own, so that it neither costs the system a request nor changes what chance
brings. It sees the system's submissions. Its stream has several shards, and its batches come late, doubled, torn and
after failures. A stream may also give batches up. They never come again, and the reaper has to make that good.
"""

from __future__ import annotations

import random
import zlib
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dev.simulator.memory.cursors import MemoryCursors
from dev.simulator.memory.jobs import MemoryJobStore
from dev.simulator.memory.progress import MemoryProgressStore
from dev.simulator.memory.workflows import MemoryWorkflowStore
from dev.simulator.memory.world import MemoryWorld
from dev.simulator.system.simulator import Simulator
from tidegate.domain.changes import JobChange
from tidegate.domain.errors import ServiceUnavailable
from tidegate.domain.job import Job, workflow_job_id
from tidegate.domain.progress import WorkflowState, summary_of
from tidegate.usecases.read.visible import is_accepted
from tidegate.usecases.reap.reap_progress import reap_progress
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
    _stream: dict[int, deque[Job]] = field(default_factory=lambda: defaultdict(deque))

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def __call__(self, simulator: Simulator, changes: Sequence[JobChange]) -> None:
        """Takes in the changes of one event, and perhaps records a batch."""
        for change in changes:
            if change.concerns_recorder:
                job = change.new
                self._stream[zlib.crc32(job.job_id.encode()) % _SHARDS].append(job)
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
        return replace(simulator.services, progress=progress, workflows=workflows)

    def _record(self, services: Services, shard: int) -> None:
        stream, draw = self._stream[shard], self._draw
        batch = [stream[place] for place in range(min(len(stream), draw.randrange(1, _BATCH)))]
        if self.gives_up and draw.random() < self.gives_up:
            self.given_up += 1
            for _ in batch:
                stream.popleft()
            return
        if draw.random() < 0.2:
            record(
                services, batch[: draw.randrange(len(batch) + 1)]
            )  # torn: the batch comes again as a whole
        self.world.on_request = self._fail
        try:
            record(services, batch)
        except ServiceUnavailable:
            return  # the stream sends the same changes again
        finally:
            self.world.on_request = _answer
        if draw.random() < 0.8:  # otherwise the stream forgets that they were recorded
            for _ in batch:
                stream.popleft()

    def _fail(self, _request: str) -> None:
        if self._draw.random() < _FAILS:
            raise ServiceUnavailable("x")


def _answer(_request: str) -> None:
    return None
