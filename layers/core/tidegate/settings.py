"""The settings of a deployment, read once from the environment and frozen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tidegate.domain.addresses import Reach
from tidegate.domain.pools import Pool, PoolKind
from tidegate.domain.rank import RankPolicy
from tidegate.domain.second_attempts import MAX_PERCENT

# A pool waits at most this long for a dispatcher that was killed, however long jobs' leases are.
_LONGEST_TURN_SECONDS = 60
# About half of the range of priorities, so that a priority still counts beside the longest path.
DEFAULT_CRITICAL_PATH_MAX_POINTS = 500


@dataclass(frozen=True, slots=True)
class Tables:
    """The names of the tables."""

    jobs: str
    payloads: str
    dependents: str
    submissions: str
    submission_plans: str
    workers: str
    lanes: str
    control: str
    audit: str
    progress: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator can set. Names end in their unit.

    `dispatch_lease_seconds` is 0 where the platform runs one dispatcher at a time; otherwise dispatchers take turns by
    leases. `job_environment` names variables that a worker process passes on to job code, beside the documented list.
    `process_log_group` gets the lines of jobs in worker processes, empty where they are not kept. `pool_metrics` wants
    the metrics of the pools' loads, `all_metrics` every metric. `event_bus` is the bus that gets the events, empty
    where none are published.
    """

    pools: Mapping[str, Pool]
    default_pool: str
    shards: int = 1
    window: float = 2.0
    rank_policy: RankPolicy = RankPolicy()
    critical_path_weight: float = 0.0  # points per second of remaining path; 0 is off
    critical_path_max_points: int = DEFAULT_CRITICAL_PATH_MAX_POINTS  # the highest boost
    lease_seconds: int = 60
    heartbeat_seconds: int = 15
    cancel_grace_seconds: int = 30
    retention_days: float = 30
    audit_retention_days: int = 400
    resend_after_seconds: int = 300
    dispatch_lease_seconds: int = 0
    stack: str = "tidegate"
    pool_metrics: bool = False
    all_metrics: bool = False
    worker_silence_seconds: int = 60
    job_environment: tuple[str, ...] = ()
    reuse_job_processes: bool = True
    process_log_group: str = ""
    event_bus: str = ""
    second_attempt_percent: int = 0  # of a pool's slots; 0 allows no second attempt
    webhook_reach: Reach | None = None  # how far deliveries to webhooks may go; None where there are none

    @property
    def lease_ms(self) -> int:
        """Returns how long a claim is valid without a heartbeat, in milliseconds."""
        return self.lease_seconds * 1_000

    def worker_silent_since_ms(self, now_ms: int) -> int:
        """Returns the time before which a worker's last heartbeat makes it silent at `now_ms`.

        Both are in milliseconds since the epoch.
        """
        return now_ms - self.worker_silence_seconds * 1_000

    @property
    def retention_seconds(self) -> int:
        """Returns how long a job that has ended is kept, in seconds."""
        return int(self.retention_days * 86_400)

    @property
    def expiry_lead_seconds(self) -> int:
        """Returns how many seconds before the end of a job's retention the reaper checks whether other jobs need it."""
        return self.retention_seconds // 10

    @property
    def expiry_pause_seconds(self) -> int:
        """Returns the time between the starts of two such rounds of the reaper, in seconds.

        Each job is in at least two rounds.
        """
        return self.expiry_lead_seconds // 3

    def expires_at_s(self, now_ms: int) -> int:
        """Returns when a job that ends at `now_ms` may be removed, in seconds since the epoch."""
        return now_ms // 1_000 + self.retention_seconds


def _whole(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    """Returns a whole number, which CloudFormation may also hand on as `30.0`. Raises KeyError or ValueError."""
    text = environment[name] if default is None else environment.get(name, str(default))
    number = float(text)
    if not number.is_integer():
        raise ValueError(f"{name} is {text}; deploy with a whole number for its parameter")
    return int(number)


def _millis(points: str) -> int:
    return int(Decimal(points) * 1_000)


def _names(given: Sequence[str]) -> frozenset[str]:
    """Returns the names of a list, or of a text with commas between them, the form of a template's parameter."""
    names = given.split(",") if isinstance(given, str) else given
    return frozenset(name.strip() for name in names if name.strip())


def _reach(text: str) -> Reach | None:
    return None if text == "off" else Reach(text)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the settings from TIDEGATE_* variables.

    Raises KeyError that names a missing variable, ValueError for a number that it can't read.
    """
    pools = {
        name: Pool(
            name=name,
            queue_url=spec["queue_url"],
            kind=PoolKind(spec["kind"]),
            max_timeout_seconds=int(spec["max_timeout_seconds"]),
            capacity=int(spec.get("capacity", 0)),
            capabilities=_names(spec.get("capabilities", ())),
            tags=dict(spec.get("tags", {})),
            dead_letters_url=spec.get("dead_letters_url", ""),
        )
        for name, spec in json.loads(environment["TIDEGATE_POOLS"]).items()
    }
    if not pools:
        raise ValueError("TIDEGATE_POOLS names no pool")
    stack = environment.get("TIDEGATE_STACK", "")
    lease_seconds = _whole(environment, "TIDEGATE_LEASE_SECONDS")
    # Three heartbeats fit in a lease, so that one or two lost ones do not cost a healthy worker its job.
    heartbeat_seconds = min(_whole(environment, "TIDEGATE_HEARTBEAT_SECONDS"), max(1, lease_seconds // 3))
    return Settings(
        pools=pools,
        # The first pool, if none is named. The environment of a function has room for 4 KB only.
        default_pool=environment.get("TIDEGATE_DEFAULT_POOL") or next(iter(pools)),
        shards=_whole(environment, "TIDEGATE_SHARDS"),
        window=float(environment["TIDEGATE_WINDOW"]),
        rank_policy=RankPolicy(
            aging_millipoints_per_minute=_millis(environment["TIDEGATE_AGING_POINTS_PER_MINUTE"]),
            retry_penalty_millipoints=_millis(environment["TIDEGATE_RETRY_PENALTY_POINTS"]),
            head_start_ms=_whole(environment, "TIDEGATE_HEAD_START_MINUTES", 0) * 60_000,
        ),
        critical_path_weight=float(environment["TIDEGATE_CRITICAL_PATH_WEIGHT"]),
        critical_path_max_points=_whole(
            environment, "TIDEGATE_CRITICAL_PATH_MAX_POINTS", DEFAULT_CRITICAL_PATH_MAX_POINTS
        ),
        lease_seconds=lease_seconds,
        heartbeat_seconds=heartbeat_seconds,
        cancel_grace_seconds=_whole(environment, "TIDEGATE_CANCEL_GRACE_SECONDS"),
        retention_days=_whole(environment, "TIDEGATE_RETENTION_DAYS"),
        audit_retention_days=_whole(environment, "TIDEGATE_AUDIT_RETENTION_DAYS", 400),
        resend_after_seconds=_whole(environment, "TIDEGATE_RESEND_AFTER_SECONDS", 300),
        second_attempt_percent=min(MAX_PERCENT, _whole(environment, "TIDEGATE_SECOND_ATTEMPT_PERCENT", 0)),
        dispatch_lease_seconds=min(
            _whole(environment, "TIDEGATE_DISPATCH_LEASE_SECONDS", 0), _LONGEST_TURN_SECONDS
        ),
        worker_silence_seconds=_whole(environment, "TIDEGATE_WORKER_SILENCE_SECONDS", lease_seconds),
        stack=stack or "tidegate",
        pool_metrics=environment.get("TIDEGATE_POOL_METRICS", "false") == "true",
        all_metrics=environment.get("TIDEGATE_ALL_METRICS", "false") == "true",
        job_environment=tuple(sorted(_names(environment.get("TIDEGATE_JOB_ENVIRONMENT", "")))),
        reuse_job_processes=environment.get("TIDEGATE_REUSE_JOB_PROCESSES", "true") == "true",
        # The template gives the bus the same name.
        event_bus=f"{stack}-events" if environment.get("TIDEGATE_PUBLISH_EVENTS") == "true" else "",
        process_log_group=f"/tidegate/{stack}/jobs" if stack else "",
        webhook_reach=_reach(environment.get("TIDEGATE_WEBHOOKS", "off")),
    )


def read_tables(environment: Mapping[str, str]) -> Tables:
    """Reads the names of the tables from TIDEGATE_TABLE_* variables. Raises KeyError that names a missing variable."""
    return Tables(
        jobs=environment["TIDEGATE_TABLE_JOBS"],
        payloads=environment["TIDEGATE_TABLE_PAYLOADS"],
        dependents=environment["TIDEGATE_TABLE_DEPENDENTS"],
        submissions=environment["TIDEGATE_TABLE_SUBMISSIONS"],
        submission_plans=environment["TIDEGATE_TABLE_SUBMISSION_PLANS"],
        workers=environment["TIDEGATE_TABLE_WORKERS"],
        lanes=environment["TIDEGATE_TABLE_LANES"],
        control=environment["TIDEGATE_TABLE_CONTROL"],
        # Only the functions that use these tables know their names, because an environment has room for 4 KB.
        audit=environment.get("TIDEGATE_TABLE_AUDIT", ""),
        progress=environment.get("TIDEGATE_TABLE_PROGRESS", ""),
    )
