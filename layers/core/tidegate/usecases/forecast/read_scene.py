"""Reads the scene of a forecast: the jobs of a workflow that have not ended, and what competes with them for slots.

The workflow is read whole: its graph, its progress, and its jobs that have not ended. In each of their pools the READY
jobs of the first lanes and the dispatched jobs are read from the index, as the dispatcher would. Other workflows to
which many of those belong are read whole too, because their waiting jobs become READY meanwhile. Each of these is
bounded, and the scene says whether something was left out. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tidegate.domain import limits
from tidegate.domain.dispatch_plan import window_slots
from tidegate.domain.errors import InvalidRequest, NotFound
from tidegate.domain.forecast.run_times import Ended
from tidegate.domain.forecast.scene import Scene, SceneJob, ScenePool, Wait, scene_job
from tidegate.domain.forecast.waiting import waiting
from tidegate.domain.job import Job, submission_of, workflow_job_id
from tidegate.domain.lanes import MAIN, share_of
from tidegate.domain.rules import DispatchRules
from tidegate.domain.states import TERMINAL, Group, State
from tidegate.domain.workflow_graph import WorkflowGraph
from tidegate.ports import IndexEntry, IndexPage
from tidegate.usecases.bounds.deadline import NEVER, Deadline, while_time
from tidegate.usecases.bounds.portions import read_lean
from tidegate.usecases.pools.capacity import pool_ability
from tidegate.usecases.pools.lanes import LANES_AT_MOST
from tidegate.usecases.read.progress import load_segments
from tidegate.usecases.services import Services

MAX_JOBS = limits.MAX_JOBS_PER_WORKFLOW
"""Jobs of the workflow and of other workflows together that are read."""
MAX_ENTRIES = 1_000  # further jobs, of which the index alone is read
MAX_OTHER_WORKFLOWS = 4  # read whole, beside the one that is asked about
MAX_WORKFLOWS_COMPARED = 20  # read whole, beside those that a what-if names
MAX_JOBS_LISTED = 4_000  # of the workflows of a list and of other workflows together
MAX_UPSTREAMS = 100  # jobs of earlier submissions that jobs wait for; one request
MAX_READY = 500  # READY jobs of each shard of a lane
MAX_ACTIVE = 1_000  # dispatched jobs of each shard
MAX_LANES = 32  # of a pool, whose READY jobs are read


@dataclass(frozen=True, slots=True)
class SceneRead:
    """A scene, the jobs in it that were asked about, and the jobs that have ended in the workflows that were read.

    `skipped` are the jobs asked about that are going to be skipped. `workflows` were read whole. `is_whole` is False
    where something that competes for slots was left out.
    """

    scene: Scene
    wanted: tuple[Job, ...]
    ended: tuple[Ended, ...]
    skipped: frozenset[str]
    workflows: tuple[str, ...]
    is_whole: bool


def read_workflow_scene(services: Services, workflow_id: str, job_count: int, now_ms: int) -> SceneRead:
    """Reads the scene of a workflow with `job_count` jobs.

    Takes two queries and a request for each 100 jobs that have not ended; as much again for each of the other
    workflows, of which there are at most `MAX_OTHER_WORKFLOWS`; and for each pool the requests of one dispatch. Raises
    NotFound where the workflow was submitted before graphs were stored; ServiceUnavailable.
    """
    look = _Look(services, now_ms)
    jobs = look.add_workflow(workflow_id, job_count)
    if jobs is None:
        raise NotFound("graph of workflow", workflow_id)
    look.add_upstreams()
    look.add_pools()
    return look.read(jobs)


def read_job_scene(services: Services, job: Job, now_ms: int) -> SceneRead:
    """Reads the scene of a job that was submitted alone and has not ended.

    Takes a request for its upstreams, and otherwise what `read_workflow_scene` takes. Raises ServiceUnavailable.
    """
    look = _Look(services, now_ms)
    look.jobs[job.job_id] = job
    if job.state is State.PENDING:
        look.edges[job.job_id] = look.edges_of([job])[job.job_id]
    look.add_upstreams()
    look.add_pools()
    return look.read([job])


@dataclass(frozen=True, slots=True)
class NamedWorkflow:
    """A workflow that a request names at the path `field`, with the number of its jobs."""

    field: str
    job_count: int


def read_compared_scene(
    services: Services,
    workflows: Mapping[str, NamedWorkflow],
    alone: Sequence[Job],
    added: Sequence[Job],
    now_ms: int,
    until: Deadline = NEVER,
) -> SceneRead:
    """Reads the scene of all deployed pools, for a comparison. All jobs that were read are `wanted`.

    `workflows` are those that have to be in it, by id, `alone` other such jobs that have not ended, `added` jobs that
    no store has. Takes for each workflow, and for `MAX_WORKFLOWS_COMPARED` others, what `read_workflow_scene` takes for
    one. No further of those others is read after `until`. Raises InvalidRequest at the field of a workflow that was
    submitted before graphs were stored, or with which there are more than `MAX_JOBS` jobs that have not ended;
    ServiceUnavailable.
    """
    look = _Look(services, now_ms, max_others=MAX_WORKFLOWS_COMPARED, until=until)
    look.jobs |= {job.job_id: job for job in (*added, *alone)}
    look.edges |= look.edges_of([job for job in look.jobs.values() if job.state is State.PENDING])
    for workflow_id, named in workflows.items():
        if look.add_workflow(workflow_id, named.job_count) is None:
            raise InvalidRequest.of(named.field, str(NotFound("graph of workflow", workflow_id)))
        if len(look.jobs) > MAX_JOBS:
            raise InvalidRequest.of(
                named.field,
                f"the workflows that are named have, with `submit`, more than {MAX_JOBS:,} jobs that have not ended; "
                "name fewer",
            )
    look.add_upstreams()
    look.add_pools(tuple(services.settings.pools))
    return look.read(list(look.jobs.values()))


def read_listed_scene(
    services: Services, job_counts: Mapping[str, int], now_ms: int, until: Deadline = NEVER
) -> SceneRead:
    """Reads the scene of several workflows, given by their ids with the numbers of their jobs.

    All jobs that were read are `wanted`. Takes for each workflow what `read_workflow_scene` takes for one, and once for
    all what competes with them. The first workflow is read always, no further one after `until`, and none that was
    submitted before graphs were stored. Raises ServiceUnavailable.
    """
    look = _Look(services, now_ms, until=until, max_jobs=MAX_JOBS_LISTED)
    for workflow_id, job_count in while_time(job_counts.items(), until):
        look.add_workflow(workflow_id, job_count)
    look.is_whole = len(look.workflows) == len(job_counts)
    look.add_upstreams()
    look.add_pools()
    return look.read(list(look.jobs.values()))


@dataclass(slots=True)
class _Look:
    """The reads of one answer. `jobs` and `entries` are what has not ended, the latter known from the index alone."""

    services: Services
    now_ms: int
    max_others: int = MAX_OTHER_WORKFLOWS
    until: Deadline = NEVER
    max_jobs: int = MAX_JOBS
    is_whole: bool = True
    workflows: list[str] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    entries: dict[str, SceneJob] = field(default_factory=dict)
    edges: dict[str, Sequence[Wait]] = field(default_factory=dict)
    ends: dict[str, State] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)
    pools: dict[str, ScenePool] = field(default_factory=dict)
    rules: DispatchRules = field(default_factory=DispatchRules)

    # --- workflows --------------------------------------------------------------------------------
    def add_workflow(self, workflow_id: str, job_count: int | None = None) -> list[Job] | None:
        """Reads a workflow; returns its jobs that have not ended. None where its graph is not stored, or too large."""
        graph = self.services.progress.load_graph(workflow_id)
        if graph is None:
            return None
        count = len(graph.keys) if job_count is None else job_count
        segments = load_segments(self.services, workflow_id, count)
        ids = [workflow_job_id(workflow_id, index) for index in range(count)]
        states = dict(zip(ids, (state for each in segments for state in each.states), strict=True))
        ran = dict(zip(ids, (seconds for each in segments for seconds in each.ran_seconds), strict=True))
        open_ids = [job_id for job_id in ids if states[job_id] not in TERMINAL]
        if job_count is None and len(self.jobs) + len(open_ids) > self.max_jobs:
            return None
        found = read_lean(self.services, open_ids, consistent=False)
        # The progress may lag behind the jobs.
        states |= {job.job_id: job.state for job in found.values()}
        ran |= {job.job_id: job.actual_duration_seconds for job in found.values() if job.is_terminal}
        self.ends |= {job_id: state for job_id, state in states.items() if state in TERMINAL}
        self.ended += [
            Ended(graph.types[index], graph.estimates[index], seconds)
            for index, job_id in enumerate(ids)
            if states[job_id] is State.SUCCEEDED and (seconds := ran[job_id]) is not None
        ]
        jobs = [found[job_id] for job_id in open_ids if job_id in found and not found[job_id].is_terminal]
        self.workflows.append(workflow_id)
        self.jobs |= {job.job_id: job for job in jobs}
        self.edges |= self.edges_of([job for job in jobs if job.state is State.PENDING], graph)
        return jobs

    def edges_of(
        self, pending: Sequence[Job], graph: WorkflowGraph | None = None
    ) -> dict[str, Sequence[Wait]]:
        """Returns the unmet dependencies of PENDING jobs. Those of an input that overflowed are in the graph."""
        found: dict[str, Sequence[Wait]] = {}
        inputs = [] if graph is not None else [job for job in pending if job.input is None]
        loaded = self.services.jobs.load_inputs(inputs) if inputs else {}
        for job in pending:
            given = job.input or loaded.get(job.job_id)
            if given is not None:
                needed = [given.depends_on[ordinal] for ordinal in sorted(job.waiting_on)]
                found[job.job_id] = [Wait(each.upstream_id, each.type) for each in needed]
            elif graph is not None:
                found[job.job_id] = _edges_in(graph, job)
        return found

    def add_upstreams(self) -> None:
        """Reads the jobs of earlier submissions that jobs wait for."""
        needed = dict.fromkeys(
            wait.upstream_id
            for needed in self.edges.values()
            for wait in needed
            if wait.upstream_id not in self.jobs and wait.upstream_id not in self.ends
        )
        self.is_whole &= len(needed) <= MAX_UPSTREAMS
        found = self.services.jobs.get_many(list(needed)[:MAX_UPSTREAMS]) if needed else {}
        for job in found.values():
            if job.is_terminal:
                self.ends[job.job_id] = job.state
            else:
                self.jobs[job.job_id] = job
                # The upstreams of an upstream are not followed.
                self.is_whole &= job.state is not State.PENDING

    # --- pools ------------------------------------------------------------------------------------
    def add_pools(self, more: Sequence[str] = ()) -> None:
        """Reads the pools of the jobs that were read, and `more`, with what competes for their slots."""
        services = self.services
        self.rules = services.rules.load()
        competing: dict[str, SceneJob] = {}
        for name in sorted({*more, *(job.pool for job in self.jobs.values())}):
            pool = services.settings.pools.get(name)
            if pool is None:
                continue
            ability = pool_ability(services, pool, self.now_ms)
            lanes = services.lanes.list_lanes(name, limit=LANES_AT_MOST)
            weights = {share_of(each.lane) or "": each.weight for each in lanes if share_of(each.lane)}
            window = window_slots(ability.slots, services.settings.window)
            self.pools[name] = ScenePool(
                slots=ability.slots,
                window=window,
                limited=ability.limited,
                weights=weights,
                highest={
                    share_of(each.lane) or "": each.rule.max_priority
                    for each in lanes
                    if each.rule is not None and each.rule.max_priority is not None
                },
            )
            awake = [MAIN, *(each.lane for each in lanes if not each.resting)]
            self.is_whole &= len(awake) <= MAX_LANES
            competing |= self._active(name, ability.slots) | self._ready(name, awake[:MAX_LANES])
        self._add_competing({job_id: each for job_id, each in competing.items() if job_id not in self.jobs})

    def _add_competing(self, competing: Mapping[str, SceneJob]) -> None:
        """Adds jobs that the index shows, and the workflows that most of them belong to."""
        counts = Counter(submission_of(job_id) for job_id in competing if submission_of(job_id) != job_id)
        others = counts.keys() - set(self.workflows)
        largest = sorted(others, key=lambda each: (-counts[each], each))
        self.is_whole &= len(largest) <= self.max_others
        for workflow_id in largest[: self.max_others]:
            if self.until.is_over():
                self.is_whole = False
                break
            jobs = self.add_workflow(workflow_id)
            # Their upstreams in other pools are not followed.
            self.is_whole &= jobs is not None and all(job.pool in self.pools for job in jobs)
        # The index may still show jobs that have ended.
        left = [
            each for job_id, each in competing.items() if job_id not in self.jobs and job_id not in self.ends
        ]
        self.is_whole &= len(left) <= MAX_ENTRIES
        self.entries |= {each.job_id: each for each in left[:MAX_ENTRIES]}

    def _active(self, pool: str, slots: int) -> dict[str, SceneJob]:
        """Returns the dispatched jobs. The index does not say which of them run; the first are taken to."""
        entries = self._entries(
            self.services.index.first_pages(pool, Group.ACTIVE, limit=MAX_ACTIVE).values()
        )
        first = sorted(entries, key=lambda entry: (entry.sort, entry.job_id))
        return {
            entry.job_id: self._from_index(
                entry, pool, State.RUNNING if place < slots else State.QUEUED, MAIN
            )
            for place, entry in enumerate(first)
        }

    def _ready(self, pool: str, lanes: Sequence[str]) -> dict[str, SceneJob]:
        pages = self.services.index.first_pages(
            pool, Group.READY, limit=MAX_READY, descending=True, lanes=lanes
        )
        return {
            entry.job_id: self._from_index(entry, pool, State.READY, lane)
            for (lane, _), page in pages.items()
            for entry in self._entries([page])
        }

    def _entries(self, pages: Iterable[IndexPage]) -> list[IndexEntry]:
        read = list(pages)
        self.is_whole &= all(page.next is None for page in read)
        return [entry for page in read for entry in page.entries]

    def _from_index(self, entry: IndexEntry, pool: str, state: State, lane: str) -> SceneJob:
        carried = None if entry.read_indexed is None else entry.read_indexed()
        is_ready = state is State.READY
        return SceneJob(
            job_id=entry.job_id,
            state=state,
            pool=pool,
            priority=limits.DEFAULT_PRIORITY if carried is None else carried.priority,
            traits=entry.traits,
            since_ms=0 if is_ready else entry.sort,
            rank=entry.sort if is_ready else 0,
            lane=lane,
            estimate_seconds=None if carried is None else carried.estimated_duration_seconds,
        )

    # --- the scene --------------------------------------------------------------------------------
    def read(self, wanted: Sequence[Job]) -> SceneRead:
        """Puts together what was read."""
        held = waiting(self.edges, self.ends)
        policy = self.services.settings.rank_policy
        jobs = [
            scene_job(job, policy, held.waits.get(job.job_id, ()))
            for job in self.jobs.values()
            if job.job_id not in held.skipped
        ]
        scene = Scene(
            now_ms=self.now_ms,
            jobs=(*jobs, *self.entries.values()),
            pools=self.pools,
            rules=self.rules,
            policy=policy,
        )
        ids = {job.job_id for job in wanted}
        return SceneRead(
            scene,
            tuple(wanted),
            tuple(self.ended),
            held.skipped & ids,
            tuple(self.workflows),
            self.is_whole,
        )


def _edges_in(graph: WorkflowGraph, job: Job) -> list[Wait]:
    """Returns all dependencies of a job by its workflow's graph, also those that are satisfied already."""
    workflow_id, _, index = job.job_id.partition(".")
    within = [
        Wait(workflow_job_id(workflow_id, edge.parent), edge.type) for edge in graph.parents[int(index)]
    ]
    return within + [Wait(edge.job_id, edge.type) for edge in graph.outside if edge.downstream == int(index)]
