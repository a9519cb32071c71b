"""Judges facts about a deployment. Every function here is pure: it gets facts and returns findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidegate.domain.statistics.spans import LATE_COUNT_MS
from tidegate.usecases.read.sample import SHOWN_SUBMISSIONS
from tidegate_cli.api_answers import number_of, object_of, objects_of, text_of
from tidegate_cli.doctor.facts import (
    EXPIRY,
    MISSING,
    TABLES,
    WEBHOOKS,
    WEBHOOKS_DEAD_LETTERS,
    Concurrency,
    Expiry,
    Function,
    Lag,
    Letters,
    Schedule,
    Source,
    Stack,
    Stream,
)
from tidegate_cli.doctor.findings import GUIDE, RUNBOOK, Finding, error, hint, named, warning
from tidegate_cli.views import format_time

LATE_MS = 60_000
"""A reader of a stream that is later than this is late, as the alarm on its lag has it."""
CLOCK_WARNING_SECONDS = 5.0
CLOCK_ERROR_SECONDS = 240.0  # AWS refuses signatures that are 5 minutes off
OTHER_EXECUTIONS = 6
"""The executions that functions other than the worker need at once (docs/explanation/concurrency.md)."""
EVERY_MINUTE = "rate(1 minute)"
FIRST_RUN_SECONDS = 300.0  # a schedule that was made longer ago and left no pulse is dead
_DEPLOY = "deploy the stack again with `sam deploy`"
_SET_BACK = "set it back by hand or with a drift-aware change set: `sam deploy` alone may leave it as it is"
_MAKE_AGAIN = "make it again: `sam deploy` alone does not see that it is gone"
_SEE_MISSING = f"{GUIDE}#missing-parts"

PARAMETER_OF = {
    "TIDEGATE_SHARDS": "Shards",
    "TIDEGATE_WINDOW": "Window",
    "TIDEGATE_AGING_POINTS_PER_MINUTE": "AgingPointsPerMinute",
    "TIDEGATE_RETRY_PENALTY_POINTS": "RetryPenaltyPoints",
    "TIDEGATE_CRITICAL_PATH_WEIGHT": "CriticalPathWeight",
    "TIDEGATE_CRITICAL_PATH_MAX_POINTS": "CriticalPathMaxPoints",
    "TIDEGATE_HEAD_START_MINUTES": "FinishByHeadStartMinutes",
    "TIDEGATE_LEASE_SECONDS": "LeaseSeconds",
    "TIDEGATE_HEARTBEAT_SECONDS": "HeartbeatSeconds",
    "TIDEGATE_CANCEL_GRACE_SECONDS": "CancelGraceSeconds",
    "TIDEGATE_RETENTION_DAYS": "RetentionDays",
    "POWERTOOLS_LOG_LEVEL": "LogLevel",
}
"""The variables that every function has, with the parameters that they come from. A test compares the template."""


def judge_stack(stack: Stack) -> Iterator[Finding]:
    """Finds a stack whose last deployment failed or still runs, and outputs that are missing."""
    see = f"{GUIDE}#stack"
    if stack.status.endswith("_IN_PROGRESS"):
        yield warning(
            f"stack {stack.name} is {stack.status}", "wait for its end, and run the doctor again", see
        )
    elif stack.status == "UPDATE_ROLLBACK_COMPLETE":
        do = "read the events of that deployment in CloudFormation, mend what they name, and deploy again"
        yield warning(f"the last deployment of stack {stack.name} failed and was rolled back", do, see)
    elif stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        do = "read its events in CloudFormation, mend what they name, and deploy again"
        yield error(f"stack {stack.name} is {stack.status}", do, see)
    missing = [name for name in stack.needed_outputs if name not in stack.outputs]
    if missing:
        what = f"stack {stack.name} lacks outputs: {named(missing)}"
        yield error(
            what, "deploy it with the template of this version, or name another stack with --stack", see
        )


def judge_address(stack: Stack, api_id: str) -> Iterator[Finding]:
    """Finds an address that leads to the API of another stack; `api_id` is the one in the address."""
    own = [stack.outputs[name] for name in ("ApiId", "OAuthApiId") if name in stack.outputs]
    if own and api_id not in own:
        what = f"the address leads to the API {api_id}, and stack {stack.name} has {' and '.join(own)}"
        do = "leave --stack out, or name the stack of this API: now the checks look at two deployments"
        yield error(what, do, f"{GUIDE}#address")


def judge_version(deployed: str, own: str) -> Iterator[Finding]:
    """Finds a command line of another version than the deployment."""
    if deployed != own:
        do = "install the command line of the deployment's version, or deploy this one"
        what = f"the deployment is version {deployed}, this command line {own}"
        yield warning(what, do, f"{GUIDE}#version")


def judge_pulses(status: Mapping[str, Any], *, schedule_ages: Mapping[str, float]) -> Iterator[Finding]:
    """Finds schedules and readers of the stream that the API's answer about its status calls dead.

    `schedule_ages` says how many seconds ago a schedule was made, by its name, where that is known. One that was just
    made and has left no pulse may only wait for its first run.
    """
    entries = {"dispatcher": "dispatcher-not-running", "reaper": "reaper-not-running"}
    for part in ("schedules", "streams"):
        for each in objects_of(status, part):
            if each.get("alive") is not True:
                name, last_at = str(each.get("name")), each.get("last_at") or "never"
                see = f"{RUNBOOK}#{entries.get(name, 'late-streams')}"
                age = schedule_ages.get(name, FIRST_RUN_SECONDS)
                if part == "schedules" and last_at == "never" and age < FIRST_RUN_SECONDS:
                    what = f"the schedule {name} has not run yet: it was made {age:,.0f} s ago"
                    yield warning(what, "run the doctor again in two minutes", see)
                    continue
                kind = "schedule" if part == "schedules" else "reader of the stream"
                what = f"the {kind} {name} is dead: its last pulse was {last_at}"
                do = "look at its schedule, its event source and its errors, which are checked below"
                yield error(what, do, see)


def judge_schedules(schedules: Sequence[Schedule]) -> Iterator[Finding]:
    """Finds schedules that are missing or disabled, or that come at other times than once a minute."""
    for each in schedules:
        see = f"{RUNBOOK}#{each.name}-not-running"
        if each.state == MISSING:
            yield error(f"the schedule {each.name} is {MISSING}", _MAKE_AGAIN, _SEE_MISSING)
        elif each.state != "ENABLED":
            yield error(
                f"the schedule {each.name} is {each.state}", "enable it in EventBridge Scheduler", see
            )
        elif each.expression != EVERY_MINUTE:
            what = f"the schedule {each.name} is {each.expression} instead of {EVERY_MINUTE}"
            yield warning(what, _SET_BACK, see)


def judge_functions(functions: Sequence[Function]) -> Iterator[Finding]:
    """Finds functions that are missing or can't run, or whose last update failed."""
    see = f"{RUNBOOK}#function-errors"
    for each in functions:
        why = f" ({each.state_reason})" if each.state_reason else ""
        if each.state == MISSING:
            yield error(f"the function {each.name} is {MISSING}{why}", _MAKE_AGAIN, _SEE_MISSING)
        elif each.state not in ("Active", ""):
            yield error(f"the function {each.name} is {each.state}{why}", _DEPLOY, see)
        if each.last_update == "Failed":
            yield error(f"the last update of the function {each.name} failed", _DEPLOY, see)


def judge_configuration(stack: Stack, functions: Sequence[Function]) -> Iterator[Finding]:
    """Finds functions that differ from the stack's parameters and outputs, or from each other's version."""
    see = f"{GUIDE}#configuration"
    there = [each for each in functions if each.state != MISSING]
    for each in there:
        changed = [
            f"{variable} is {each.environment.get(variable, 'absent')} and not {stack.parameters[parameter]}"
            for variable, parameter in PARAMETER_OF.items()
            if parameter in stack.parameters and each.environment.get(variable) != stack.parameters[parameter]
        ]
        changed += [
            f"{variable} names another table than the stack's"
            for variable, table in (
                (_table_variable(name), stack.outputs.get(f"{name}Table")) for name in TABLES
            )
            if table is not None and not _names_table(each, variable, table)
        ]
        changed += _differing_traits(stack, each)
        if changed:
            yield warning(
                f"the function {each.name} was changed by hand: {'; '.join(changed)}", _SET_BACK, see
            )
    layers = {each.core for each in there if each.core}
    if len(layers) > 1:
        versions = ", ".join(f"{each.name} {each.core}" for each in there)  # all, as any may be the odd one
        yield error(f"the functions run different versions of tidegate: {versions}", _DEPLOY, see)


def _differing_traits(stack: Stack, function: Function) -> Iterator[str]:
    found = {"Runtime": function.runtime, "Architecture": function.architecture}
    if function.name == "worker":
        found["WorkerMemoryMegabytes"] = str(function.memory_megabytes)
    for parameter, value in found.items():
        wanted = stack.parameters.get(parameter, value)
        if value != wanted:
            yield f"{parameter} is {value} and not {wanted}"


def _names_table(function: Function, variable: str, table: str) -> bool:
    """Tells whether a variable of a function names a table of the stack, or the function does without the table."""
    found = function.environment.get(variable, table)
    # The sender of webhooks gets empty names of the tables that it does not use.
    return found == table or (function.name == WEBHOOKS and not found)


def _table_variable(table: str) -> str:
    words = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in table)
    return f"TIDEGATE_TABLE{words}"


def judge_sources(stack: Stack, sources: Sequence[Source], *, is_local: bool) -> Iterator[Finding]:
    """Finds event sources that are missing, disabled or failing, and a worker's with another bound or without one.

    The local stack may leave the bound out.
    """
    see = f"{RUNBOOK}#late-streams"
    for function, wanted in stack.sources.items():
        count = sum(each.function == function for each in sources)
        if count < wanted:
            yield error(
                f"the {function} has {count} event sources instead of {wanted}", _MAKE_AGAIN, _SEE_MISSING
            )
    bound = stack.parameters.get("WorkerConcurrency")
    for each in sources:
        what = f"the event source {each.uuid} of the {each.function}"
        if each.state != "Enabled":
            do = f"`aws lambda update-event-source-mapping --uuid {each.uuid} --enabled`"
            yield error(f"{what} is {each.state}", do, see)
        elif each.last_result.upper().startswith(("PROBLEM", "FAILED")):
            do = f"read the errors in the log of the {each.function}"
            yield error(f"{what} fails: {each.last_result}", do, f"{RUNBOOK}#function-errors")
        if bound and each.function == "worker" and str(each.at_once) != bound:
            if each.at_once is None and is_local:
                continue
            runs = "without a bound" if each.at_once is None else f"at most {each.at_once} jobs at once"
            what = f"the worker runs {runs}, and WorkerConcurrency is {bound}"
            yield warning(what, _SET_BACK, f"{GUIDE}#configuration")


def judge_streams(stack: Stack, streams: Sequence[Stream], sources: Sequence[Source]) -> Iterator[Finding]:
    """Finds tables without their stream, and functions that read an earlier stream of a table or none.

    A stream that is turned off and on again is another stream. An event source of the earlier one stays enabled and
    reads nothing. A function with too few event sources is left to `judge_sources`.
    """
    see = f"{GUIDE}#streams"
    for each in streams:
        view, readers = stack.streams[each.table]
        if each.arn is None:
            do = f"turn it on with {view}, and make the event sources of {' and '.join(readers)} again"
            yield error(f"the table {each.table} has no stream", do, see)
            continue
        if each.view != view:
            do = (
                f"turn it off and on with {view}, and make the event sources of {' and '.join(readers)} again"
            )
            yield error(f"the stream of the table {each.table} is of {each.view} and not of {view}", do, see)
        for function in readers:
            own = [source for source in sources if source.function == function]
            arns = [source.arn for source in own if source.arn.startswith(f"{each.table_arn}/stream/")]
            if each.arn in arns or (not arns and len(own) < stack.sources[function]):
                continue
            read = "an earlier stream" if arns else "no stream"
            do = f"make its event source again, for the stream {each.arn}"
            yield error(f"the {function} reads {read} of the table {each.table}", do, see)


def judge_lag(lags: Sequence[Lag]) -> Iterator[Finding]:
    """Finds readers of a stream that are more than a minute late."""
    for each in lags:
        if each.longest_ms is not None and each.longest_ms > LATE_MS:
            what = f"the {each.function} read changes up to {each.longest_ms / 1_000:,.0f} s late"
            do = "see whether it fails, lacks executions, or works through a burst"
            yield warning(what, do, f"{RUNBOOK}#late-streams")


def judge_letters(queues: Sequence[Letters]) -> Iterator[Finding]:
    """Finds queues of dead letters that are missing or not empty."""
    for each in queues:
        if each.count is None:
            yield error(f"the queue {each.queue} is {MISSING}", _MAKE_AGAIN, _SEE_MISSING)
        elif each.count:
            what = f"{each.queue} holds {each.count:,} messages"
            if each.queue == WEBHOOKS_DEAD_LETTERS:
                do = "see which webhook failed with `tidegate webhooks list`, mend its receiver, and start a redrive"
                yield error(what, do, f"{RUNBOOK}#webhook-deliveries-given-up")
                continue
            do = "look at the letters and mend their cause; the reaper puts right the jobs of a pool"
            yield error(what, do, f"{RUNBOOK}#dead-letters")


def judge_expiry(tables: Sequence[Expiry]) -> Iterator[Finding]:
    """Finds tables that are missing, or whose items never expire."""
    for each in tables:
        if each.status == MISSING:
            yield error(f"the table {each.table} is {MISSING}", _MAKE_AGAIN, _SEE_MISSING)
            continue
        if each.status not in ("ENABLED", "ENABLING"):
            what = f"items of the table {each.table} never expire: its time to live is {each.status}"
        elif each.attribute != EXPIRY:
            what = f"items of the table {each.table} expire by {each.attribute} and not by {EXPIRY}"
        else:
            continue
        yield warning(what, _SET_BACK, f"{GUIDE}#expiry")


def judge_concurrency(stack: Stack, found: Concurrency) -> Iterator[Finding]:
    """Finds functions that may not run at all, another reservation than the deployed one, and too few executions."""
    for name in stack.functions:
        reserved = found.reserved.get(name)
        if reserved == 0:
            do = "remove its reserved concurrency of 0, by which somebody stopped it"
            yield error(f"the function {name} may not run", do, f"{RUNBOOK}#throttled-functions")
    wanted = int(stack.parameters.get("DispatcherConcurrency", "0"))
    dispatchers = found.reserved.get("dispatcher")
    if "dispatcher" in found.reserved and dispatchers != 0 and (dispatchers or 0) != wanted:
        has = f"{dispatchers or 'no'} executions are reserved for the dispatcher"
        what = f"{has}, and DispatcherConcurrency is {wanted}"
        yield warning(what, _SET_BACK, f"{GUIDE}#configuration")
    workers = int(stack.parameters.get("WorkerConcurrency", "0"))
    left = found.unreserved - workers
    if left < OTHER_EXECUTIONS:
        what = (
            f"{found.unreserved} of the account's {found.account} executions are not reserved; {workers} workers leave "
            f"{max(0, left)} to the other functions, which need {OTHER_EXECUTIONS}"
        )
        do = "lower WorkerConcurrency, or ask for more concurrent executions in Service Quotas"
        yield warning(what, do, f"{RUNBOOK}#throttled-functions")


def judge_clock(ahead_seconds: float) -> Iterator[Finding]:
    """Finds a clock of this machine that differs from the API's; `ahead_seconds` is negative where it is behind."""
    if abs(ahead_seconds) < CLOCK_WARNING_SECONDS:
        return
    way = "ahead of" if ahead_seconds > 0 else "behind"
    what = f"this machine's clock is {abs(ahead_seconds):,.0f} s {way} the API's"
    do, see = "set it, best by NTP: AWS refuses signatures that are five minutes off", f"{GUIDE}#clock"
    yield (error if abs(ahead_seconds) >= CLOCK_ERROR_SECONDS else warning)(what, do, see)


def judge_misplaced(entries: int, misplaced: Sequence[str]) -> Iterator[Finding]:
    """Finds entries of the index that differ from their jobs."""
    if misplaced:
        what = f"{len(misplaced)} of {entries} sampled entries of the index differ from their jobs: {named(misplaced)}"
        do = (
            "run the doctor again in a minute; if they stay, look at the jobs and at the errors of the reaper"
        )
        yield error(what, do, f"{GUIDE}#index")


def judge_overdue(overdue: Sequence[str]) -> Iterator[Finding]:
    """Finds jobs whose lease ended long ago and that the reaper has not taken back."""
    if overdue:
        what = (
            f"{len(overdue)} sampled jobs run under leases that ended over five minutes ago: {named(overdue)}"
        )
        do = "look at the reaper: it takes such jobs back within a minute"
        yield error(what, do, f"{RUNBOOK}#reaper-not-running")


def judge_submissions(stuck: Sequence[str]) -> Iterator[Finding]:
    """Finds submissions that stayed open far longer than any takes. No more than `SHOWN_SUBMISSIONS` are listed."""
    if stuck:
        count = f"{'at least ' if len(stuck) >= SHOWN_SUBMISSIONS else ''}{len(stuck)}"
        what = f"{count} submissions are open for over a quarter of an hour: {named(stuck)}"
        do = "look at the reaper's errors: it finishes or removes such submissions"
        yield error(what, do, f"{GUIDE}#submissions")


def judge_counts(
    counted: Mapping[str, int | None], *, is_reaper_alive: bool, reaper_age_seconds: float | None, now_ms: int
) -> Iterator[Finding]:
    """Finds pools whose ended jobs are not counted, though the reaper runs.

    `counted` says for each pool before which time its ended jobs are counted, in milliseconds since the epoch, None for
    a pool that never was. `reaper_age_seconds` is how long ago the reaper's schedule was made, None where that is not
    known. A dead reaper is the finding of another check.
    """
    if not is_reaper_alive:
        return
    is_new = reaper_age_seconds is not None and reaper_age_seconds < LATE_COUNT_MS / 1_000
    do = "read the reaper's errors, and run the doctor again: after a pause it counts a day of each pool a minute"
    for pool, counted_ms in counted.items():
        if counted_ms is None:
            if not is_new:
                yield warning(f"the ended jobs of the pool {pool} were never counted", do, f"{GUIDE}#counts")
        elif counted_ms < now_ms - LATE_COUNT_MS:
            what = f"the ended jobs of the pool {pool} are counted up to {format_time(counted_ms)} only"
            yield warning(what, do, f"{GUIDE}#counts")


def judge_pauses(pools: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Gives a hint for each paused pool in which jobs wait; `pools` are the API's own answer."""
    for pool in pools:
        counts = [object_of(pool, name) for name in ("ready", "held")]
        waiting = sum(number_of(count, "count") for count in counts)
        if pool.get("paused") is True and waiting:
            least = "at least " if any(count.get("more") for count in counts) else ""
            name = text_of(pool, "name")
            do = f"resume it with `tidegate pools resume {name}`, unless it is paused for a reason that lasts"
            yield hint(
                f"the pool {name} is paused, and {least}{waiting:,} jobs wait in it", do, f"{GUIDE}#pools"
            )
