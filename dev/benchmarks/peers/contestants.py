"""The contestants, each with the settings that its own documentation advises for short jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Store(StrEnum):
    """The places where a contestant keeps its jobs."""

    AWS = "local AWS"
    REDIS_MEMORY = "memory"  # as in redis_server.PERSISTENCE
    REDIS_EVERYSEC = "everysec"


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer. `module` is its code in `jobs/`. `worker` gives its worker's command for a number of slots."""

    name: str
    module: str
    store: Store
    worker: Callable[[int, str], Sequence[str]]
    settings: str
    means: str  # its nearest feature to a chain and to a join, which need dependencies


TIDEGATE = "tidegate"
TIDEGATE_SETTINGS = (
    "`tidegate worker --pool ecs --slots N`, one process, jobs in N child processes; Window 10, as recommended for "
    "jobs of milliseconds; everything else as deployed by the template's local configuration"
)


def _celery(pool: str) -> Callable[[int, str], Sequence[str]]:
    def command(slots: int, _url: str) -> Sequence[str]:
        program = ("-m", "celery", "-A", "celery_jobs", "worker", "--pool", pool, "--concurrency", str(slots))
        return (
            *program,
            "--loglevel",
            "ERROR",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        )

    return command


def _dramatiq(slots: int, _url: str) -> Sequence[str]:
    processes = 2 if slots % 2 == 0 else 1
    shape = ("--processes", str(processes), "--threads", str(slots // processes))
    return ("-m", "dramatiq", "dramatiq_jobs", *shape, "--skip-logging")


def _rq(slots: int, url: str) -> Sequence[str]:
    simple = ("--worker-class", "rq.worker.SimpleWorker", "--quiet")
    return ("-m", "rq.cli", "worker-pool", "bench", "--num-workers", str(slots), "--url", url, *simple)


def _huey(slots: int, _url: str) -> Sequence[str]:
    return ("-m", "huey.bin.huey_consumer", "huey_jobs.huey", "-w", str(slots), "-k", "thread", "-q")


_CELERY = (
    "late acks, reject when a worker is lost, 20 or more messages prefetched, results stored, no events, no remote "
    "control, no gossip, errors only in the log"
)
_SQS = f"{_CELERY}; predefined queue, long polls of 20 s, visibility 3,600 s, result table on DynamoDB"
_CANVAS = "chain, and chord"
_DRAMATIQ = "results stored, no log; two processes that share N threads"
_RQ = "worker pool of N SimpleWorkers, which do not fork for every job; results kept; errors only in the log"
_HUEY = "N threads, blocking pops, results stored; no acknowledgement: a job that a dead worker held is lost"

PEERS = (
    Peer("celery-sqs-threads", "celery_jobs", Store.AWS, _celery("threads"), f"N threads; {_SQS}", _CANVAS),
    Peer("celery-sqs-prefork", "celery_jobs", Store.AWS, _celery("prefork"), f"N processes; {_SQS}", _CANVAS),
    *(
        Peer(f"{name}-redis-{store}", module, store, worker, settings, means)
        for store in (Store.REDIS_MEMORY, Store.REDIS_EVERYSEC)
        for name, module, worker, settings, means in (
            ("celery-threads", "celery_jobs", _celery("threads"), f"N threads; {_CELERY}", _CANVAS),
            ("celery-prefork", "celery_jobs", _celery("prefork"), f"N processes; {_CELERY}", _CANVAS),
            (
                "dramatiq",
                "dramatiq_jobs",
                _dramatiq,
                _DRAMATIQ,
                "pipeline, and a group with a completion callback",
            ),
            ("rq", "rq_jobs", _rq, _RQ, "depends_on"),
            ("huey", "huey_jobs", _huey, _HUEY, "then, and chord"),
        )
    ),
)


def chosen(names: Sequence[str]) -> tuple[Peer, ...]:
    """Returns the peers whose names begin with one of `names`, or all peers when there are no names.

    Raises ValueError for a name that matches no peer.
    """
    for name in names:
        if name != TIDEGATE and not any(peer.name.startswith(name) for peer in PEERS):
            raise ValueError(
                f"no peer is called {name!r}; there are {', '.join(peer.name for peer in PEERS)}"
            )
    return tuple(peer for peer in PEERS if not names or any(peer.name.startswith(name) for name in names))
