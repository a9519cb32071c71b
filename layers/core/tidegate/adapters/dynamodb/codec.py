"""Converts a job to an item and back, and decides which parts overflow to items of their own.

One item holds all that changes. Large parts overflow, by the cost of the writes of a job's life. An attribute that is
None or has its default value is left out, because each write costs one unit for each KB begun. History, dependencies
and dependents are short, readable texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from tidegate.adapters.aws.calls import compact_json
from tidegate.adapters.aws.item_sizes import item_size
from tidegate.adapters.dynamodb import schema
from tidegate.adapters.dynamodb.outside import outside_from, outside_values
from tidegate.adapters.dynamodb.second_attempts import second_from, second_values
from tidegate.adapters.dynamodb.values import Attribute, Item, Plain, decode_item, encode_item
from tidegate.domain import limits
from tidegate.domain.dependency import Dependency, DependencyType, Dependent
from tidegate.domain.errors import ServiceRefused
from tidegate.domain.job import HistoryEntry, Job, JobFailure, JobInput, Json, Progress, submission_of
from tidegate.domain.lanes import MAIN
from tidegate.domain.logs import LogPlace
from tidegate.domain.rank import RankPolicy
from tidegate.domain.retry import RetryPolicy
from tidegate.domain.states import TERMINAL, Group, State
from tidegate.domain.statistics.ended import figures_of
from tidegate.domain.stored import UNIT_BYTES, Stored, units_of
from tidegate.domain.verdicts import Judgement

_DEFAULT_RETRY = RetryPolicy()
_DEFAULTS = {each.name: each.default for each in fields(Job)}
_PLAIN = tuple((attribute, name, _DEFAULTS[name]) for attribute, name in schema.PLAIN_FIELDS.items())


@dataclass(frozen=True, slots=True)
class JobCodec:
    """Encodes jobs for an index with `shards` shards, in which `rank_policy` ranks READY jobs."""

    shards: int
    rank_policy: RankPolicy

    def index_values(
        self, job_id: str, pool: str, group: Group, sort: int, lane: str = MAIN
    ) -> dict[str, Plain]:
        """Returns the two attributes that put a job into the index; `lane` is for READY jobs."""
        return {schema.GROUP_KEY: self.group_key(job_id, pool, group, lane), schema.GROUP_SORT: sort}

    def group_key(self, job_id: str, pool: str, group: Group, lane: str = MAIN) -> str:
        """Returns the index partition that holds a job."""
        return schema.group_key(pool, group, schema.shard_of(job_id, self.shards, lane), lane)

    def whole_item(self, job: Job) -> Item:
        """Returns the job as one item, whatever its size."""
        values = {
            **_plain_values(job),
            **_converted_values(job),
            **input_values(job.job_id, job.input),
            **_dependents_values(job),
            schema.FIGURES: figures_of(job).packed() if job.state in TERMINAL else None,
            **self.index_values(job.job_id, job.pool, job.group, self._sort(job), _lane(job)),
        }
        return encode_item(values)

    def changing_values(self, job: Job) -> dict[str, Plain]:
        """Returns the attributes that an amendment may change; None means that the attribute is absent."""
        return {
            schema.STATE: str(job.state),
            schema.PRIORITY: _unless(job.priority, limits.DEFAULT_PRIORITY),
            schema.NOT_BEFORE: job.not_before_ms,
            schema.FINISH_BY: job.finish_by_ms,
            schema.DUE_AT: job.due_at_ms,
            schema.POOL: job.pool,
            schema.POOL_OPEN: job.pool_open or None,
            schema.HELD_IN: job.held_in or None,
            schema.DESCRIPTION: job.description,
            schema.TAGS: dict(job.tags) or None,
            schema.AMENDED: job.amended or None,
            schema.ON_HOLD: job.on_hold or None,
            **self.index_values(job.job_id, job.pool, job.group, self._sort(job), _lane(job)),
        }

    def stored(self, job: Job, given: JobInput | None, result: Json) -> Stored:
        """Returns how a job is stored, with the sizes of the overflow `given` and `result` where there is any."""
        item = self.whole_item(job)
        keys: Item = {name: item[name] for name in (schema.JOB_ID, schema.GROUP_KEY, schema.GROUP_SORT)}
        content: Item = {name: item[name] for name in schema.PROJECTED if name in item}
        parts: list[Item] = []
        if given is not None:
            part = schema.input_part(job.fingerprint) if job.input_part is None else job.input_part
            parts.append(
                part_item(job.job_id, part, input_values(job.job_id, given), job.created_at_ms // 1_000)
            )
        if result is not None:
            values: dict[str, Plain] = {schema.RESULT: json_text(result)}
            parts.append(
                part_item(job.job_id, schema.result_part(job.result_name), values, job.created_at_ms // 1_000)
            )
        return Stored(
            item_size(item),
            item_size({**keys, **content}),
            compact_json(keys),
            compact_json(content),
            tuple(map(item_size, parts)),
        )

    def _sort(self, job: Job) -> int:
        if job.state is State.READY:
            return job.rank_under(self.rank_policy, job.ready_at_ms or job.created_at_ms, passes=job.passes)
        moments = {
            Group.ACTIVE: job.queued_at_ms,
            Group.OUTSIDE: job.lease_expires_at_ms,
            Group.SCHEDULED: job.wakes_at_ms,
            Group.PENDING: job.created_at_ms,
        }
        return moments.get(job.group, job.finished_at_ms) or job.created_at_ms


def job_from_image(image: Mapping[str, Attribute]) -> Job:
    """Returns the job that an item in DynamoDB's JSON holds, as a read or the table's stream returns it.

    Raises ServiceRefused if the item is malformed: another version of tidegate wrote it, or it was edited by hand.
    """
    try:
        return _job_from(decode_item(image))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ServiceRefused(
            f"the item of job {image.get(schema.JOB_ID, {}).get('S')} can't be read ({type(error).__name__}); "
            "deploy the version that wrote it, or repair it by hand"
        ) from error


def _job_from(values: Mapping[str, Any]) -> Job:
    job_id = values[schema.JOB_ID]
    overflowed = values.get(schema.INPUT_OVERFLOW, False)
    attempt = values.get(schema.ATTEMPT, 0)
    return Job(
        **{name: values[attribute] for attribute, name in schema.PLAIN_FIELDS.items() if attribute in values},
        job_id=job_id,
        state=State(values[schema.STATE]),
        type=values[schema.TYPE],
        pool=values[schema.POOL],
        priority=values.get(schema.PRIORITY, limits.DEFAULT_PRIORITY),
        created_at_ms=values[schema.CREATED_AT],
        attempt=attempt,
        input=None if overflowed else _input_from(job_id, values),
        tags=values.get(schema.TAGS, {}),
        requires=tuple(values.get(schema.REQUIRES, ())),
        retry=_retry_from(values),
        estimated_duration_seconds=_float(values.get(schema.ESTIMATED_SECONDS)),
        dependents=dependents_from(job_id, values[schema.DEPENDENTS]) if schema.DEPENDENTS in values else (),
        began_at_ms=values.get(schema.BEGAN_AT) or None,
        progress=_progress_from(values),
        result=json_from(values.get(schema.RESULT)),
        failure=_failure_from(values),
        second=second_from(values) if schema.SECOND_BESIDE in values else None,
        outside=outside_from(values) if schema.OUTSIDE_ATTEMPT in values else None,
        history=_history_from(values.get(schema.HISTORY, ()), attempt),
        judgements=judgements_from(values[schema.JUDGEMENTS]) if schema.JUDGEMENTS in values else (),
    )


def _lane(job: Job) -> str:
    return job.lane if job.state is State.READY else MAIN


def input_from_item(job_id: str, item: Mapping[str, Attribute]) -> JobInput:
    """Returns the input of a job from its overflow item."""
    return _input_from(job_id, decode_item(item))


def json_text(value: Json) -> str | None:
    """Returns a result as it is stored; None is not stored at all."""
    return None if value is None else compact_json(value)


def json_from(text: str | None) -> Json:
    """Returns the value of a stored result."""
    return None if text is None else json.loads(text)


def _plain_values(job: Job) -> dict[str, Plain]:
    return {
        attribute: value for attribute, name, default in _PLAIN if (value := getattr(job, name)) != default
    }


def _converted_values(job: Job) -> dict[str, Plain]:
    return {
        schema.JOB_ID: job.job_id,
        schema.STATE: str(job.state),
        schema.TYPE: job.type,
        schema.POOL: job.pool,
        schema.PRIORITY: _unless(job.priority, limits.DEFAULT_PRIORITY),
        schema.CREATED_AT: job.created_at_ms,
        schema.ATTEMPT: job.attempt,
        schema.BEGAN_AT: job.began_at_ms or 0,
        schema.TAGS: dict(job.tags) or None,
        schema.REQUIRES: list(job.requires) or None,
        schema.ESTIMATED_SECONDS: job.estimated_duration_seconds,
        **_retry_values(job.retry),
        **progress_values(job.progress),
        schema.RESULT: json_text(job.result),
        **failure_values(job.failure),
        **(second_values(job.second) if job.second else {}),
        **(outside_values(job.outside) if job.outside else {}),
        schema.HISTORY: history_lines(job.history, job.attempt),
        schema.JUDGEMENTS: judgement_text(job.judgements) if job.judgements else None,
    }


def _retry_values(retry: RetryPolicy) -> dict[str, Plain]:
    default = _DEFAULT_RETRY
    return {
        schema.MAX_RETRIES: _unless(retry.max_retries, default.max_retries),
        schema.BACKOFF_SECONDS: _unless(retry.backoff_seconds, default.backoff_seconds),
        schema.MAX_BACKOFF_SECONDS: _unless(retry.max_backoff_seconds, default.max_backoff_seconds),
        schema.NEVER_RETRY_ON: sorted(retry.never_on) or None,
        schema.ALWAYS_RETRY_ON: sorted(retry.always_on) or None,
    }


def progress_values(progress: Progress | None) -> dict[str, Plain]:
    """Returns the attributes of a progress; the value None means that the attribute is absent."""
    if progress is None:
        return {schema.PROGRESS: None, schema.PROGRESS_MESSAGE: None}
    return {schema.PROGRESS: progress.fraction, schema.PROGRESS_MESSAGE: progress.message or None}


def failure_values(failure: JobFailure | None) -> dict[str, Plain]:
    """Returns the attributes of a failure; the value None means that the attribute is absent."""
    if failure is None:
        names = (schema.ERROR_CODE, schema.ERROR_MESSAGE, schema.ERROR_UPSTREAM, schema.ERROR_LINES)
        return dict.fromkeys(names)
    return {
        schema.ERROR_CODE: failure.code,
        schema.ERROR_MESSAGE: failure.message,
        schema.ERROR_UPSTREAM: failure.upstream_id,
        schema.ERROR_LINES: list(failure.last_lines) or None,
    }


def input_values(job_id: str, given: JobInput | None) -> dict[str, Plain]:
    """Returns the attributes of an input, or the mark that it overflowed."""
    if given is None:
        return {schema.INPUT_OVERFLOW: True}
    return {
        schema.PARAMETERS: compact_json(given.parameters) if given.parameters else None,
        schema.DEPENDS_ON: [_dependency_text(job_id, dependency) for dependency in given.depends_on] or None,
    }


def _input_from(job_id: str, values: Mapping[str, Any]) -> JobInput:
    return JobInput(
        parameters=json.loads(values.get(schema.PARAMETERS, "{}")),
        depends_on=tuple(dependency_from(job_id, text) for text in values.get(schema.DEPENDS_ON, ())),
    )


def _dependents_values(job: Job) -> dict[str, Plain]:
    return {schema.DEPENDENTS: _grouped_dependents(job.dependents) or None}


def _retry_from(values: Mapping[str, Any]) -> RetryPolicy:
    default = _DEFAULT_RETRY
    return RetryPolicy(
        values.get(schema.MAX_RETRIES, default.max_retries),
        values.get(schema.BACKOFF_SECONDS, default.backoff_seconds),
        values.get(schema.MAX_BACKOFF_SECONDS, default.max_backoff_seconds),
        frozenset(values.get(schema.NEVER_RETRY_ON, ())),
        frozenset(values.get(schema.ALWAYS_RETRY_ON, ())),
    )


def _progress_from(values: Mapping[str, Any]) -> Progress | None:
    fraction = _float(values.get(schema.PROGRESS))
    return None if fraction is None else Progress(fraction, values.get(schema.PROGRESS_MESSAGE, ""))


def _failure_from(values: Mapping[str, Any]) -> JobFailure | None:
    code = values.get(schema.ERROR_CODE)
    if code is None:
        return None
    return JobFailure(
        code,
        values.get(schema.ERROR_MESSAGE, ""),
        values.get(schema.ERROR_UPSTREAM),
        tuple(values.get(schema.ERROR_LINES, ())),
    )


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _unless(value: int, default: int) -> int | None:
    return None if value == default else value


# --- texts: the history, the dependencies and the dependents of a job ----------------------------

_ACTOR_CHARACTERS = 64
_REASON_CHARACTERS = 80
_AT = "@"
_TAB = "\t"


def history_line(at_ms: int, state: State, actor: str, reason: str = "", logs: LogPlace | None = None) -> str:
    """Returns one line of a job's history.

    Its form is `1764000000000 QUEUED dispatcher`, with `: <reason>` at the end if there is a reason. A tab, the log
    group and the log stream follow if the line begins an attempt whose logs have a place.
    """
    actor = actor.replace(": ", ":")[:_ACTOR_CHARACTERS]
    line = f"{at_ms} {state} {actor}"
    line = (f"{line}: {reason[:_REASON_CHARACTERS]}" if reason else line).replace(_TAB, " ")
    return f"{line}{_TAB}{logs.group} {logs.stream}" if logs else line


def history_lines(history: Sequence[HistoryEntry], attempt: int) -> list[str]:
    """Returns the lines of a history; `attempt` is the job's current attempt.

    The attempt of a line is not written. Counted back from the job's current one, it falls by one with each RUNNING
    line. Only a line before a gap carries it, as in `1764000000000 QUEUED@1 dispatcher`.
    """
    lines: list[str] = []
    for entry in reversed(history):
        line = history_line(entry.at_ms, entry.state, entry.actor, entry.reason, entry.logs)
        if entry.attempt != attempt:
            line = line.replace(f" {entry.state} ", f" {entry.state}{_AT}{entry.attempt} ", 1)
        lines.append(line)
        attempt = entry.attempt - (entry.state is State.RUNNING)
    return lines[::-1]


def judgement_text(judgements: Sequence[Judgement]) -> str | None:
    """Returns judgements as they are stored, a line each; None stands for none. Conditions compare the text."""
    return "\n".join(each.line() for each in judgements) or None


def judgements_from(text: str | None) -> tuple[Judgement, ...]:
    """Returns the judgements that a stored text tells, without those that only a later version knows."""
    found = []
    for line in text.split("\n") if text else ():
        with suppress(ValueError):
            found.append(Judgement.from_line(line))
    return tuple(found)


def _history_from(lines: Sequence[str], attempt: int) -> tuple[HistoryEntry, ...]:
    """Returns the history that its lines describe; `attempt` is the job's current attempt."""
    entries: list[HistoryEntry] = []
    for whole in reversed(lines):
        line, _, place = whole.partition(_TAB)
        group, space, stream = place.partition(" ")
        at_ms, word, rest = line.split(" ", 2)
        actor, _, reason = rest.partition(": ")
        state, _, own_attempt = word.partition(_AT)
        attempt = int(own_attempt or attempt)
        logs = LogPlace(group, stream) if space else None
        entries.append(HistoryEntry(int(at_ms), State(state), attempt, actor, reason, logs))
        attempt -= state == State.RUNNING
    return tuple(reversed(entries))


def _dependency_text(job_id: str, dependency: Dependency) -> str:
    """Returns a dependency as text, such as `.3 MUST_SUCCEED`.

    The text is an index in the same workflow (or a whole id), the type, and a condition if there is one.
    """
    submission = submission_of(job_id)
    upstream = dependency.upstream_id
    short = upstream.removeprefix(submission) if upstream.startswith(f"{submission}.") else upstream
    words = [short, str(dependency.type), *([] if dependency.condition is None else [dependency.condition])]
    return " ".join(words)


def dependency_from(job_id: str, text: str) -> Dependency:
    """Returns the dependency of a job that a text describes."""
    short, _, rest = text.partition(" ")
    kind, space, condition = rest.partition(" ")
    upstream = f"{submission_of(job_id)}{short}" if short.startswith(".") else short
    return Dependency(upstream, DependencyType(kind), condition if space else None)


def _grouped_dependents(dependents: Sequence[Dependent]) -> dict[str, list[str]]:
    """Returns edges within a workflow as lists of "<index>.<ordinal>" by type."""
    grouped: dict[str, list[str]] = {}
    for edge in dependents:
        index = edge.job_id.partition(".")[2]
        grouped.setdefault(str(edge.type), []).append(f"{index}.{edge.ordinal}")
    return grouped


def dependents_from(upstream_id: str, grouped: Mapping[str, Iterable[str]]) -> tuple[Dependent, ...]:
    """Returns a job's edges from their stored form, lists of "<index>.<ordinal>" by type, in the order of the jobs."""
    submission_id, edges = submission_of(upstream_id), []
    for kind, places in grouped.items():
        for place in places:
            index, _, ordinal = place.partition(".")
            edge = Dependent(f"{submission_id}.{index}", int(ordinal), DependencyType(kind))
            edges.append((int(index), int(ordinal), edge))
    return tuple(edge for _, _, edge in sorted(edges, key=lambda entry: entry[:2]))


# --- the split: a job's own item and its overflow ------------------------------------------------

# Growth of an item from submission to its end (history, times, lease, worker). A test measures it.
GROWTH_BYTES = 420
_WRITES_OF_A_LIFE = 4  # submit, dispatch, claim, complete
_EDGES_PER_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class SplitJob:
    """A job as it is stored: its own item, and its overflow, which is written first."""

    item: Item
    input_item: Item | None
    page_items: tuple[Item, ...]


def split(codec: JobCodec, job: Job, expires_at_s: int) -> SplitJob:
    """Moves the job's input, its dependents, both or neither to the overflow, whichever costs least over its life.

    The overflow may be removed after `expires_at_s` (seconds since the epoch).
    """
    whole = codec.whole_item(job)
    best = SplitJob(whole, None, ())
    if item_size(whole) + GROWTH_BYTES <= UNIT_BYTES:
        return best
    lowest = _cost_of(whole)
    input_item = _input_item(job, expires_at_s)
    page_items = _page_items(job, expires_at_s)
    for moves_input, moves_pages in ((True, False), (False, True), (True, True)):
        if (moves_input and input_item is None) or (moves_pages and not page_items):
            continue
        item = _without(whole, moves_input, moves_pages)
        overflowed = ([input_item] if moves_input and input_item else []) + (
            page_items if moves_pages else []
        )
        cost = _cost_of(item) + sum(units_of(item_size(part)) for part in overflowed)
        if cost < lowest:
            pages = tuple(page_items) if moves_pages else ()
            best, lowest = SplitJob(item, input_item if moves_input else None, pages), cost
    return best


def part_item(job_id: str, part: str, values: Mapping[str, Plain], expires_at_s: int) -> Item:
    """Returns the item of a part that overflowed. It may be removed after `expires_at_s` (seconds since the epoch)."""
    key: dict[str, Plain] = {schema.JOB_ID: job_id, schema.PART: part}
    return encode_item({**key, **values, schema.EXPIRES_AT: expires_at_s})


def _input_item(job: Job, expires_at_s: int) -> Item | None:
    values = input_values(job.job_id, job.input)
    if job.input is None or not any(values.values()):
        return None
    return part_item(job.job_id, schema.input_part(job.fingerprint), values, expires_at_s)


def _page_items(job: Job, expires_at_s: int) -> list[Item]:
    pages = []
    for number, start in enumerate(range(0, len(job.dependents), _EDGES_PER_PAGE)):
        page: dict[str, Plain] = {
            schema.UPSTREAM_ID: job.job_id,
            schema.ENTRY: schema.dependents_page(number),
            schema.DEPENDENTS: _grouped_dependents(job.dependents[start : start + _EDGES_PER_PAGE]),
            schema.EXPIRES_AT: expires_at_s,
        }
        pages.append(encode_item(page))
    return pages


def _without(whole: Item, input_overflow: bool, dependents_overflow: bool) -> Item:
    item = dict(whole)
    if input_overflow:
        item.pop(schema.PARAMETERS, None)
        item.pop(schema.DEPENDS_ON, None)
        item[schema.INPUT_OVERFLOW] = {"BOOL": True}
    if dependents_overflow:
        item.pop(schema.DEPENDENTS, None)
        item[schema.DEPENDENTS_OVERFLOW] = {"BOOL": True}
    return item


def _cost_of(item: Item) -> int:
    return _WRITES_OF_A_LIFE * units_of(item_size(item) + GROWTH_BYTES)
