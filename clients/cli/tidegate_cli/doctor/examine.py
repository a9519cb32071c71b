"""The list of checks, and the loop that makes them one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.usecases.read.sample import JobSample, counted_until, sample_jobs, stuck_submissions
from tidegate.usecases.services import Services
from tidegate_cli.api_answers import objects_of
from tidegate_cli.doctor import judge
from tidegate_cli.doctor.findings import (
    GUIDE,
    Denied,
    Finding,
    NotMade,
    NotMeasured,
    Once,
    Outcome,
    Result,
    Severity,
    warning,
)
from tidegate_cli.doctor.queue_policies import judge_queue_policies
from tidegate_cli.doctor.reads import Deployment, not_made_by_services
from tidegate_cli.errors import CliError

T = TypeVar("T")
_READS_JOBS = "dynamodb:Query and dynamodb:BatchGetItem on the table Jobs"
_READS_COUNTS = "dynamodb:BatchGetItem on the table Progress"
_READS_SUBMISSIONS = "dynamodb:Query on the table Submissions"


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that the checks look at.

    `ask_status` asks the API for its status, `ask_pools` for its pools. `clock_ahead_seconds` asks how far this
    machine's clock is ahead of the API's. `make_services` connects to the stores that an environment names. `now_ms` is
    the time in milliseconds since the epoch, `own_version` that of this command line.
    """

    deployment: Deployment
    ask_status: Callable[[], Mapping[str, Any]]
    ask_pools: Callable[[], Sequence[Mapping[str, Any]]]
    clock_ahead_seconds: Callable[[], float]
    make_services: Callable[[Mapping[str, str]], Services]
    now_ms: int
    own_version: str


class _Looked:
    """Facts that several checks share: the API's status, the stores and the sample of jobs, each read once."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.deployment = sight.deployment
        self._status = Once(self._read_status)
        self._services = Once(self._connect)
        self._sample = Once(
            lambda: _from_stores(_READS_JOBS, lambda: sample_jobs(self._services.get(), now_ms=sight.now_ms))
        )

    @property
    def status(self) -> Mapping[str, Any]:
        return self._status.get()

    @property
    def schedule_ages(self) -> Mapping[str, float]:
        """How many seconds ago each schedule was made; empty where they can't be read, which a check of its own says.

        The stack's own age says less: CloudFormation counts it from the first change set, before anything is made.
        """
        try:
            schedules = self.deployment.schedules
        except NotMade:
            return {}
        now_s = self.sight.now_ms / 1_000
        return {each.name: now_s - each.created_at_s for each in schedules if each.created_at_s is not None}

    @property
    def sample(self) -> JobSample:
        return self._sample.get()

    @property
    def is_reaper_alive(self) -> bool:
        """True if the API calls the reaper's schedule alive."""
        schedules = objects_of(self.status, "schedules")
        return any(each.get("name") == "reaper" and each.get("alive") is True for each in schedules)

    def counted(self) -> Mapping[str, int | None]:
        """Returns before which time the ended jobs of each pool are counted."""
        return _from_stores(_READS_COUNTS, lambda: counted_until(self._services.get()))

    def stuck(self) -> list[str]:
        services, now_ms = self._services.get(), self.sight.now_ms
        found = _from_stores(_READS_SUBMISSIONS, lambda: stuck_submissions(services, now_ms=now_ms))
        return [each.submission_id for each in found]

    def _read_status(self) -> Mapping[str, Any]:
        try:
            return self.sight.ask_status()
        except CliError as error:
            raise NotMade(str(error)) from error

    def _connect(self) -> Services:
        environment = self.deployment.environment
        try:
            return self.sight.make_services(environment)
        except (KeyError, ValueError) as error:
            raise NotMade(f"the reaper's environment can't be read: {error}") from error


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, what it is about, and how it finds what is wrong."""

    name: str
    about: str
    find: Callable[[_Looked], Iterable[Finding]]


CHECKS = (
    Check("stack", "the stack is deployed whole", lambda it: judge.judge_stack(it.deployment.stack)),
    Check(
        "address",
        "the address leads to this stack's API",
        lambda it: judge.judge_address(it.deployment.stack, it.deployment.api_id),
    ),
    Check(
        "version",
        "this command line fits the deployment",
        lambda it: judge.judge_version(str(it.status.get("version")), it.sight.own_version),
    ),
    Check(
        "pulses",
        "schedules and readers of the stream are alive",
        lambda it: judge.judge_pulses(it.status, schedule_ages=it.schedule_ages),
    ),
    Check(
        "schedules",
        "dispatcher and reaper are started once a minute",
        lambda it: judge.judge_schedules(it.deployment.schedules),
    ),
    Check("functions", "the functions can run", lambda it: judge.judge_functions(it.deployment.functions)),
    Check(
        "configuration",
        "the functions are as they were deployed",
        lambda it: judge.judge_configuration(it.deployment.stack, it.deployment.functions),
    ),
    Check(
        "sources",
        "streams and queues reach their functions",
        lambda it: judge.judge_sources(
            it.deployment.stack, it.deployment.sources, is_local=it.deployment.is_local
        ),
    ),
    Check(
        "streams",
        "tables have the streams that functions read",
        lambda it: judge.judge_streams(it.deployment.stack, it.deployment.streams(), it.deployment.sources),
    ),
    Check(
        "lag",
        "changes are read within a minute",
        lambda it: judge.judge_lag(it.deployment.lags(now_s=it.sight.now_ms / 1_000)),
    ),
    Check(
        "concurrency",
        "there are executions for every function",
        lambda it: judge.judge_concurrency(it.deployment.stack, it.deployment.concurrency()),
    ),
    Check("dead-letters", "no message was given up", lambda it: judge.judge_letters(it.deployment.letters())),
    Check(
        "queues",
        "queues refuse calls without TLS",
        lambda it: judge_queue_policies(it.deployment.queue_policies()),
    ),
    Check("pools", "no jobs wait in a paused pool", lambda it: judge.judge_pauses(it.sight.ask_pools())),
    Check("leases", "jobs of lost workers are taken back", lambda it: judge.judge_overdue(it.sample.overdue)),
    Check(
        "index",
        "the index says what the jobs say",
        lambda it: judge.judge_misplaced(it.sample.entries, it.sample.misplaced),
    ),
    Check("submissions", "no submission stays half done", lambda it: judge.judge_submissions(it.stuck())),
    Check(
        "counts",
        "ended jobs are counted",
        lambda it: judge.judge_counts(
            it.counted(),
            is_reaper_alive=it.is_reaper_alive,
            reaper_age_seconds=it.schedule_ages.get("reaper"),
            now_ms=it.sight.now_ms,
        ),
    ),
    Check("expiry", "what ended is removed in time", lambda it: judge.judge_expiry(it.deployment.expiries())),
    Check(
        "clock",
        "this machine's clock is the API's",
        lambda it: judge.judge_clock(it.sight.clock_ahead_seconds()),
    ),
)
PERMISSIONS = Check("permissions", "the doctor may look at everything", lambda _: ())


def examine(sight: Sight, tell: Callable[[str], None]) -> tuple[Result, ...]:
    """Makes every check, and calls `tell` with a line before each. The last result says which calls were denied."""
    looked = _Looked(sight)
    denied: dict[str, None] = {}
    results = []
    for check in CHECKS:
        tell(f"checking {check.name}: {check.about}")
        results.append(_made(check, looked, denied))
    findings = tuple(
        warning(
            f"{action} was denied",
            "run the doctor with credentials that allow it; the guide has a policy",
            f"{GUIDE}#permissions",
        )
        for action in denied
    )
    outcome = Outcome.FINDINGS if findings else Outcome.HEALTHY
    return (*results, Result(PERMISSIONS.name, PERMISSIONS.about, outcome, findings))


def is_healthy(results: Iterable[Result]) -> bool:
    """Tells whether every check was made and found nothing wrong. One that is not measured does not count."""
    return all(each.outcome in (Outcome.HEALTHY, Outcome.NOT_MEASURED) for each in results)


def _made(check: Check, looked: _Looked, denied: dict[str, None]) -> Result:
    try:
        findings = tuple(check.find(looked))
    except NotMeasured as error:
        return Result(check.name, check.about, Outcome.NOT_MEASURED, why=str(error))
    except (NotMade, CliError) as error:  # the latter for an answer that this API can't have given
        if isinstance(error, Denied):
            denied[error.action] = None
        return Result(check.name, check.about, Outcome.NOT_MADE, why=str(error))
    is_wrong = any(each.severity is not Severity.HINT for each in findings)
    return Result(check.name, check.about, Outcome.FINDINGS if is_wrong else Outcome.HEALTHY, findings)


def _from_stores(action: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ServiceRefused, ServiceUnavailable) as error:
        raise not_made_by_services(error, action) from error
