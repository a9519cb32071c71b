"""Shows the jobs that a job depends on, those that depend on it, and the chain of them up and down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from tidegate.domain import limits
from tidegate.domain.dependency import Dependency, Dependent
from tidegate.domain.edges import is_satisfied, satisfied_at_ms
from tidegate.domain.job import Job
from tidegate.usecases.bounds.portions import read_lean
from tidegate.usecases.read import cursors
from tidegate.usecases.read.visible import find_job, visible_jobs
from tidegate.usecases.services import Services


class Direction(StrEnum):
    """The direction of a chain: to the upstreams, to the downstream jobs, or both."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Upstream:
    """A dependency of a job with its upstream, None where that has passed its retention.

    `satisfied` is None where it can't be told. `satisfied_at_ms` is in milliseconds since the epoch.
    """

    dependency: Dependency
    job: Job | None
    satisfied: bool | None
    satisfied_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Downstream:
    """An edge to a job that depends on another; None where that job has passed its retention."""

    dependent: Dependent
    job: Job | None


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """Some dependencies of a job in their order, and the cursor of the next page; None at the end."""

    upstreams: tuple[Upstream, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class DownstreamPage:
    """Some edges to the jobs that depend on a job, and the cursor of the next page; None at the end."""

    downstreams: tuple[Downstream, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """An edge of a chain: the ids of its upstream and its downstream job, and the type of the dependency."""

    upstream_id: str
    downstream_id: str
    type: str


@dataclass(frozen=True, slots=True)
class Chain:
    """The jobs around a job, nearest first, and the edges between them. `more` says that a bound cut some off."""

    job_id: str
    jobs: tuple[Job, ...]
    links: tuple[Link, ...]
    more: bool


def dependencies(services: Services, job_id: str, *, cursor: str | None, limit: int) -> UpstreamPage:
    """Returns a page of at most `limit` (1-200) dependencies of a job.

    Takes at most five requests, and one more for a job whose input overflowed. Raises NotFound; InvalidRequest for a
    malformed cursor; ServiceUnavailable.
    """
    job = find_job(services, job_id)
    start = 0
    if cursor is not None:
        with cursors.checked():
            of, start = cursors.read_short(cursor)
            if of != job_id or type(start) is not int or not 0 <= start < max(1, job.dependency_count):
                raise ValueError("of another listing")
    end = min(start + limit, job.dependency_count)
    wanted = [(job, ordinal) for ordinal in range(start, end)]
    found = services.jobs.load_dependencies(wanted) if wanted else {}
    upstreams = _read_once(services, [each.upstream_id for each in found.values()])
    page = []
    for _, ordinal in wanted:
        dependency = found[job_id, ordinal]
        upstream = upstreams.get(dependency.upstream_id)
        satisfied = is_satisfied(job, ordinal, dependency.type, upstream)
        at_ms = satisfied_at_ms(dependency.type, upstream) if satisfied else None
        page.append(Upstream(dependency, upstream, satisfied, at_ms))
    return UpstreamPage(tuple(page), cursors.short([job_id, end]) if end < job.dependency_count else None)


def dependents(services: Services, job_id: str, *, cursor: str | None, limit: int) -> DownstreamPage:
    """Returns a page of at most `limit` (1-200) edges to the jobs that depend on a job.

    Takes at most five requests, and one more for each workflow on the page that is just being submitted. Raises as
    `dependencies` does.
    """
    job = find_job(services, job_id)
    after = None
    if cursor is not None:
        with cursors.checked():
            of, entry, place = cursors.read_short(cursor)
            if of != job_id or not isinstance(entry, str) or type(place) is not int or place < 0:
                raise ValueError("of another listing")
            entry.encode()  # raises for a lone surrogate
            after = (entry, place)
    page = services.jobs.page_dependents(job, limit=limit, after=after)
    read = _read_once(services, [each.job_id for each in page.edges])
    shown = {each.job_id: each for each in visible_jobs(services, read.values())}
    edges = [
        Downstream(each, shown.get(each.job_id))
        for each in page.edges
        if each.job_id in shown or each.job_id not in read
    ]
    return DownstreamPage(tuple(edges), cursors.short([job_id, *page.next]) if page.next else None)


def chain(services: Services, job_id: str, direction: Direction, *, depth: int, limit: int) -> Chain:
    """Returns the jobs that are at most `depth` (1-50) edges away from a job, nearest first, at most `limit` (1-500).

    Between them it shows at most `MAX_CHAIN_EDGES` edges. The upstreams come before the downstream jobs. Takes at most
    three requests for each level up and, down, one more for each job with many dependents. Raises NotFound,
    ServiceUnavailable.
    """
    job = find_job(services, job_id)
    walk = _Walk(services, limit, {job_id: job})
    if direction is not Direction.DOWN:
        walk.go_up(job, depth)
    if direction is not Direction.UP:
        walk.go_down(job, depth)
    jobs = tuple(walk.found.values())
    links = tuple(link for link in walk.links if {link.upstream_id, link.downstream_id} <= walk.found.keys())
    is_cut = len(links) > limits.MAX_CHAIN_EDGES
    return Chain(job_id, jobs, links[: limits.MAX_CHAIN_EDGES], walk.more or is_cut)


def _read_once(services: Services, job_ids: Sequence[str]) -> dict[str, Job]:
    """Reads jobs, each once, without their parameters and results."""
    return read_lean(services, list(dict.fromkeys(job_ids)), consistent=False)


@dataclass(slots=True)
class _Walk:
    """A walk along edges, one level after the other. `more` is True once something was left out."""

    services: Services
    limit: int
    found: dict[str, Job]
    links: dict[Link, None] = field(default_factory=dict)  # a set that keeps its order
    more: bool = False

    def go_up(self, job: Job, depth: int) -> None:
        """Adds the upstreams of a job, and theirs."""
        level: Sequence[Job] = [job]
        for _ in range(depth):
            # A job may have 2,000 dependencies, so a level asks for no more than the answer may hold.
            every = ((each, ordinal) for each in level for ordinal in range(each.dependency_count))
            wanted = list(islice(every, self._most_links))
            self.more |= next(every, None) is not None
            loaded = self.services.jobs.load_dependencies(wanted) if wanted else {}
            links = [Link(edge.upstream_id, of, edge.type) for (of, _), edge in loaded.items()]
            level = self._add(links, [link.upstream_id for link in links])
            if not level:
                return
        self.more |= any(each.dependency_count for each in level)

    def go_down(self, job: Job, depth: int) -> None:
        """Adds the jobs that depend on a job, and those that depend on them."""
        level: Sequence[Job] = [job]
        for _ in range(depth):
            links: list[Link] = []
            for each in level:
                if len(links) >= self._most_links:
                    self.more = True
                    break
                page = self.services.jobs.page_dependents(each, limit=self.limit)
                self.more |= page.next is not None
                links += [Link(each.job_id, edge.job_id, edge.type) for edge in page.edges]
            level = self._add(links, [link.downstream_id for link in links])
            if not level:
                return
        self.more |= any(each.dependents or each.dependents_overflow for each in level)

    @property
    def _most_links(self) -> int:
        return 4 * self.limit

    def _add(self, links: Iterable[Link], ends: Sequence[str]) -> Sequence[Job]:
        """Adds edges and the jobs at their other ends; returns the jobs that are new, as many as there is room for."""
        self.links |= dict.fromkeys(links)
        wanted = [job_id for job_id in dict.fromkeys(ends) if job_id not in self.found]
        room = self.limit - len(self.found)
        self.more |= len(wanted) > room
        read = _read_once(self.services, wanted[:room]) if room > 0 else {}
        new = list(visible_jobs(self.services, read.values()))
        self.found |= {job.job_id: job for job in new}
        return new
