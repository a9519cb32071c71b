"""The job store in memory: it applies each transition by the transition's own `apply`."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from dev.simulator.memory.world import MemoryWorld, is_large_result
from tidegate.adapters.aws.calls import chunks
from tidegate.adapters.dynamodb.codec import JobCodec
from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.errors import NotFound, ServiceRefused, ServiceUnavailable
from tidegate.domain.job import Job, JobInput, Json
from tidegate.domain.states import State
from tidegate.domain.stored import Stored
from tidegate.domain.submission import ExternalEdge
from tidegate.domain.transitions import KeepIfEnded, Transition, TransitionRefused
from tidegate.ports import DependentsPage, TransitionOutcome

READ_BATCH = 100
WRITE_BATCH = 25
DEPENDENCIES_BATCH = 25
RESULT_KEPT_LONGER_SECONDS = 86_400  # longer than its job, so that no job outlives its result


class MemoryJobStore:
    """Keeps jobs in a `MemoryWorld`; see ports.JobStore. `retention_seconds` says how long an ended job is kept."""

    def __init__(self, world: MemoryWorld, retention_seconds: int = 30 * 86_400) -> None:
        self._world = world
        self._retention_seconds = retention_seconds

    def get(self, job_id: str, *, consistent: bool = False) -> Job | None:
        """Returns the job, or None; always up to date."""
        self._world.charge("get_consistent" if consistent else "get")
        return self._world.jobs.get(job_id)

    def get_many(self, job_ids: Sequence[str], *, consistent: bool = False) -> dict[str, Job]:
        """Returns the jobs that exist, by id; always up to date."""
        jobs = self._world.jobs
        found: dict[str, Job] = {}
        for batch in chunks(list(dict.fromkeys(job_ids)), READ_BATCH):
            self._world.charge("get_many_consistent" if consistent else "get_many")
            found.update((job_id, jobs[job_id]) for job_id in batch if job_id in jobs)
        return found

    def load_input(self, job: Job) -> JobInput:
        """Returns the input that the caller submitted; raises NotFound if it is gone."""
        if job.input is not None:
            return job.input
        self._world.charge("load_input")
        return self._input(job)

    def load_inputs(self, jobs: Sequence[Job]) -> dict[str, JobInput]:
        """Returns the inputs of many jobs by job id; raises NotFound if one is gone."""
        inputs = {job.job_id: job.input for job in jobs if job.input is not None}
        overflowed = [job for job in jobs if job.input is None]
        for batch in chunks(overflowed, READ_BATCH):
            self._world.charge("load_inputs")
            inputs.update((job.job_id, self._input(job)) for job in batch)
        return inputs

    def stored(self, job: Job, given: JobInput | None = None, result: Json = None) -> Stored:
        """Returns how DynamoDB would store a job."""
        return JobCodec(self._world.shards, self._world.rank_policy).stored(job, given, result)

    def load_dependencies(self, wanted: Sequence[tuple[Job, int]]) -> dict[tuple[str, int], Dependency]:
        """Returns single dependencies by job id and ordinal in `depends_on`; raises NotFound if an input is gone."""
        overflowed = {job.job_id: job for job, _ in wanted if job.input is None}
        for _ in chunks(list(overflowed), DEPENDENCIES_BATCH):
            self._world.charge("load_dependencies")
        return {
            (job.job_id, place): (job.input or self._input(job)).depends_on[place] for job, place in wanted
        }

    def _input(self, job: Job) -> JobInput:
        given = self._world.inputs.get(
            job.job_id if job.input_part is None else f"{job.job_id}#{job.input_part}"
        )
        if given is None:
            raise NotFound("input of job", job.job_id)
        return given

    def load_result(self, job: Job) -> Json:
        """Returns the job's result, or None while there is none; raises NotFound if it has passed its retention."""
        if not job.result_overflow:
            return job.result
        self._world.charge("load_result")
        key = (job.job_id, job.result_name)
        if key not in self._world.results:
            raise NotFound("result of job", job.job_id)
        return self._world.results[key]

    def store_result_overflow(self, job: Job, result: Json) -> bool:
        """Stores a large result under the job's attempt; returns False where the result fits the job itself."""
        if not is_large_result(result):
            return False
        self._world.charge("store_result_overflow")
        key = (job.job_id, job.result_name)
        self._world.results[key] = result
        self._world.results_expire_at_s[key] = (
            self._world.now_ms // 1_000 + self._retention_seconds + RESULT_KEPT_LONGER_SECONDS
        )
        return True

    def store_input(self, job: Job, given: JobInput) -> str:
        """Stores the input of a rerun beside the job's other inputs; returns the name of its part."""
        self._world.charge("store_input")
        part = f"rerun#{zlib.crc32(repr(given).encode())}"
        self._world.inputs[f"{job.job_id}#{part}"] = given
        return part

    def keep_parts(self, kept: Sequence[KeepIfEnded]) -> None:
        """Extends the expiry of results so that they live as long as their jobs."""
        expire_at_s = self._world.results_expire_at_s
        for transition in kept:
            if transition.job.result_overflow:
                self._world.charge("keep_parts")
            key = (transition.job_id, transition.job.result_name)
            until_s = transition.until_s + RESULT_KEPT_LONGER_SECONDS
            if key in expire_at_s:
                expire_at_s[key] = max(expire_at_s[key], until_s)

    def insert_if_absent(self, jobs: Sequence[Job]) -> tuple[str, ...]:
        """Writes new jobs; returns the ids that already existed, whose jobs stay as they were.

        Raises ServiceRefused where a job is named twice.
        """
        existing: list[str] = []
        _check_named_once([job.job_id for job in jobs])
        for batch in chunks(jobs, WRITE_BATCH):
            self._world.charge("insert_if_absent")
            with self._world.lock:
                for job in batch:
                    if job.job_id in self._world.jobs:
                        existing.append(job.job_id)
                    else:
                        self._world.put_new(job)
        return tuple(existing)

    def stage(self, jobs: Sequence[Job]) -> None:
        """Writes jobs over those of an earlier request, never over a job that has had a transition."""
        _check_named_once([job.job_id for job in jobs])
        for batch in chunks(jobs, WRITE_BATCH):
            self._world.charge("stage")
            with self._world.lock:
                for job in batch:
                    if not _has_had_a_transition(self._world.jobs.get(job.job_id)):
                        self._world.put_new(job)

    def unstage(self, job_ids: Sequence[str]) -> None:
        """Removes jobs with their overflow."""
        _check_named_once(job_ids)
        for batch in chunks(job_ids, WRITE_BATCH):
            self._world.charge("unstage")
            with self._world.lock:
                for job_id in batch:
                    self._world.remove(job_id)

    def apply(self, transition: Transition) -> Job:
        """Carries out one transition; returns the job after it. Raises TransitionRefused or NotFound."""
        self._world.charge("apply")
        return self._carry_out(transition)

    def apply_all(self, transitions: Sequence[Transition]) -> list[TransitionOutcome]:
        """Carries out many transitions; returns the outcomes in the same order.

        If `on_request` refuses a batch of 25, every transition in it has that error as its outcome.
        """
        outcomes: list[TransitionOutcome] = []
        for batch in chunks(transitions, WRITE_BATCH):
            try:
                self._world.charge("apply_all")
            except ServiceUnavailable as error:
                outcomes.extend([error] * len(batch))
            else:
                outcomes.extend(self._outcomes(batch))
        return outcomes

    def _outcomes(self, batch: Sequence[Transition]) -> list[TransitionOutcome]:
        """Carries out a batch. As on AWS, refusals return no jobs, so the refused jobs are read together afterwards.

        Other actors may have changed them by then, so a refused transition is applied once more after that read.
        """
        outcomes = [self._outcome(transition) for transition in batch]
        refused = [place for place, outcome in enumerate(outcomes) if not isinstance(outcome, Job)]
        named_once = len({transition.job_id for transition in batch}) == len(batch)
        if len(batch) == 1 or not refused or not named_once:
            return outcomes
        try:
            self._world.charge("get_many_consistent")
        except ServiceUnavailable as error:
            for place in refused:
                outcomes[place] = error
        else:
            for place in refused:
                outcomes[place] = self._outcome(batch[place])
        return outcomes

    def _outcome(self, transition: Transition) -> TransitionOutcome:
        try:
            return self._carry_out(transition)
        except (TransitionRefused, NotFound) as refused:
            return refused

    def _carry_out(self, transition: Transition) -> Job:
        with self._world.lock:
            job = self._world.jobs.get(transition.job_id)
            if job is None:
                raise NotFound("job", transition.job_id)
            after = transition.apply(job)
            self._world.write(after)
            return after

    def add_edges(self, edges: Sequence[ExternalEdge]) -> None:
        """Writes edges under their upstreams; writing an edge twice changes nothing."""
        for batch in chunks(edges, WRITE_BATCH):
            self._world.charge("add_edges")
            with self._world.lock:
                for edge in batch:
                    held = self._world.edges.setdefault(edge.upstream_id, {})
                    dependent = Dependent(edge.downstream_id, edge.ordinal, edge.type)
                    held[(edge.downstream_id, edge.ordinal)] = dependent

    def list_dependents(self, job: Job) -> Sequence[Dependent]:
        """Returns all edges that leave the job."""
        if not job.dependents_overflow:
            return job.dependents
        self._world.charge("list_dependents")
        with self._world.lock:
            pages = self._world.pages.get(job.job_id, ())
            return (*job.dependents, *pages, *self._world.edges.get(job.job_id, {}).values())

    def page_dependents(
        self, job: Job, *, limit: int, after: tuple[str, int] | None = None
    ) -> DependentsPage:
        """Returns at most `limit` of the edges that leave `job`, behind the place `after`."""
        entry, passed = after or ("", 0)
        stored = {"": job.dependents}
        if job.dependents_overflow:
            self._world.charge("page_dependents")
            edges = self._world.edges.get(job.job_id, {}).values()
            stored |= {f"{edge.job_id}#{edge.ordinal}": (edge,) for edge in edges}
            stored["page#"] = self._world.pages.get(job.job_id, ())
        found = [
            (edge, (name, place))
            for name in sorted(stored)
            for place, edge in enumerate(stored[name], 1)
            if (name, place) > (entry, passed)
        ]
        more = len(found) > limit
        return DependentsPage(tuple(edge for edge, _ in found[:limit]), found[limit - 1][1] if more else None)

    def list_dependents_of(self, jobs: Sequence[Job]) -> list[Sequence[Dependent]]:
        """Returns the edges that leave each of `jobs`, in the order of the jobs."""
        return [self.list_dependents(job) for job in jobs]


def _has_had_a_transition(job: Job | None) -> bool:
    return job is not None and (
        job.state is not State.PENDING
        or len(job.waiting_on) < job.dependency_count
        or job.reopened > 0
        or job.dependents_overflow  # a later submission may have noted a dependent
    )


def _check_named_once(job_ids: Sequence[str]) -> None:
    """Raises ServiceRefused if a call names a job twice, as DynamoDB refuses a batch that names an item twice."""
    if len(set(job_ids)) < len(job_ids):
        raise ServiceRefused("a job was named twice in one call to the store; name each job once")
