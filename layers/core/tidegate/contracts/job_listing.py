"""The query parameters of a listing of jobs, and the rows that it answers with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from typing_extensions import TypedDict

from tidegate.contracts.responses import JobOut, JobRowOut, job_out
from tidegate.contracts.times import read_moment, to_ms
from tidegate.domain import limits
from tidegate.domain.errors import InvalidRequest, Violation
from tidegate.domain.failures import FINGERPRINT
from tidegate.domain.job import Job
from tidegate.domain.job_query import ALL_STATES, WAITING_OR_RUNNING, JobQuery, Order
from tidegate.domain.rank import RankPolicy
from tidegate.domain.states import State
from tidegate.domain.verdicts import FinishVerdict
from tidegate.domain.workers import WORKER_ID

T = TypeVar("T")

REPEATED: Final = ("state", "tag")  # the parameters that may be given several times
PARAMETERS: Final = (
    *("state", "pool", "type", "workflow", "id", "worker", "tag", "name", "key", "error", "failure"),
    *(
        "submitted_by",
        "from",
        "to",
        "finish_by",
        "verdict",
        "overdue",
        "straggler",
        "waits_longer_than",
        "order",
        "direction",
        "fields",
        "limit",
        "cursor",
    ),
)
_ALL: Final = "ALL"
_NOT_IN_ROWS: Final = frozenset({"parameters", "depends_on", "result", "history", "judgements"})
_ULID = re.compile(r"[0-9A-Z]{26}")
_ID_PREFIX = re.compile(r"[0-9A-Z]{6,25}|[0-9A-Z]{26}(\.[0-9]{0,4})?")
MAX_SUBJECT_CHARACTERS: Final = 2_048  # the longest ARN
MAX_WAIT_SECONDS: Final = 400 * 86_400  # longer than any job waits
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]{1,3})?", re.ASCII)


class JobsOut(TypedDict):
    """A page of jobs. `cursor` asks for the next page, null where there is none.

    `looked_at` is the number of jobs that the page looked at to find these. The jobs are rows, or whole jobs with
    `fields=full`.
    """

    jobs: list[JobOut | JobRowOut]
    looked_at: int
    cursor: str | None


def row_out(job: Job, policy: RankPolicy, now_ms: int) -> JobRowOut:
    """Returns a job without its parameters, dependencies, result, history and judgements."""
    whole: Mapping[str, Any] = job_out(job, policy, now_ms)
    row: Any = {name: value for name, value in whole.items() if name not in _NOT_IN_ROWS}
    return row  # type: ignore[no-any-return]


def read_job_query(given: Mapping[str, Sequence[str]]) -> JobQuery:
    """Returns the query that the parameters ask for, by name; those of `REPEATED` may have several values.

    Without `state` it asks for the jobs that wait or run, or for all jobs of a workflow. With `straggler` it asks for
    RUNNING jobs alone. Raises InvalidRequest, which names every faulty parameter.
    """
    violations: list[Violation] = []

    def read(name: str, convert: Callable[[str], T]) -> T | None:
        values = given.get(name, ())
        if not values:
            return None
        try:
            return convert(values[-1])
        except ValueError as error:
            violations.append(Violation(name, str(error)))
            return None

    query = JobQuery(
        states=_states(given, violations),
        pool=read("pool", str),
        type=read("type", read_text(limits.MAX_TYPE_CHARACTERS)),
        workflow_id=read("workflow", _workflow_id),
        id_prefix=read("id", _id_prefix),
        worker_id=read("worker", _worker_id),
        tags=dict(read_tags(given, violations)),
        name_prefix=read("name", read_text(limits.MAX_NAME_CHARACTERS)),
        key_prefix=read("key", read_text(limits.MAX_KEY_CHARACTERS)),
        error_code=read("error", read_text(limits.MAX_ERROR_CODE_CHARACTERS)),
        failure=read("failure", _fingerprint),
        submitted_by=read("submitted_by", read_text(MAX_SUBJECT_CHARACTERS)),
        from_ms=read("from", _moment),
        to_ms=read("to", _moment),
        finish_by_ms=read("finish_by", _moment),
        verdict=read("verdict", read_verdict),
        overdue=read("overdue", read_true_or_false) or False,
        straggler=read("straggler", read_true_or_false) or False,
        waits_longer_than_ms=read("waits_longer_than", _seconds_as_ms),
        order=read("order", _order),
        descending=read("direction", _is_descending),
    )
    if query.descending is not None and not given.get("order"):
        violations.append(Violation("direction", "needs order; add order=priority or order=time"))
    if query.from_ms is not None and query.to_ms is not None and query.from_ms > query.to_ms:
        violations.append(Violation("to", "must not be before from"))
    if query.straggler and State.RUNNING not in query.states:
        violations.append(
            Violation("straggler", "is for RUNNING jobs; leave state out, or have RUNNING among them")
        )
    if violations:
        raise InvalidRequest(violations)
    # Other states are not looked at, because none of their jobs could fit.
    return replace(query, states=(State.RUNNING,)) if query.straggler else query


def read_is_whole(given: Mapping[str, Sequence[str]], default: str = "slim") -> bool:
    """Tells whether the parameter `fields` asks for whole jobs; `default` counts without it. Raises InvalidRequest."""
    fields = list(given.get("fields", ()))
    if fields not in ([], ["slim"], ["full"]):
        raise InvalidRequest.of("fields", "must be slim or full")
    return (fields or [default]) == ["full"]


def _states(given: Mapping[str, Sequence[str]], violations: list[Violation]) -> tuple[State, ...]:
    words = [word.strip() for value in given.get("state", ()) for word in value.split(",")]
    if not words:
        return ALL_STATES if given.get("workflow") else WAITING_OR_RUNNING
    if not all(word == _ALL or word in State.__members__ for word in words):
        violations.append(
            Violation("state", f"must be one of {', '.join(State)}, several with commas between, or {_ALL}")
        )
        return ALL_STATES
    return ALL_STATES if _ALL in words else tuple(dict.fromkeys(State(word) for word in words))


def read_tags(given: Mapping[str, Sequence[str]], violations: list[Violation]) -> Iterator[tuple[str, str]]:
    """Yields the names and values of the parameter `tag`, up to the first faulty one, which it adds to `violations`."""
    named: dict[str, str] = {}
    for text in given.get("tag", ())[: limits.MAX_TAGS + 1]:
        name, equals, value = text.partition("=")
        longest = max(len(name), len(value))
        if not equals or not name or longest > limits.MAX_TAG_CHARACTERS:
            message = f"must be name=value, of at most {limits.MAX_TAG_CHARACTERS} characters each"
            violations.append(Violation("tag", message))
            return
        if named.setdefault(name, value) != value:
            violations.append(Violation("tag", "names one tag with two values; nothing has both"))
            return
    if len(given.get("tag", ())) > limits.MAX_TAGS:
        violations.append(Violation("tag", f"may be given at most {limits.MAX_TAGS} times"))
    yield from named.items()


def read_text(longest: int) -> Callable[[str], str]:
    """Returns the reader of a text of 1 to `longest` characters. The reader raises ValueError."""

    def read(text: str) -> str:
        if not 0 < len(text) <= longest:
            raise ValueError(f"must have 1 to {longest:,} characters")
        return text

    return read


def _workflow_id(text: str) -> str:
    if not _ULID.fullmatch(text):
        raise ValueError("must be the id of a workflow, like 01JD3V8Q5S2Y6W9K4M7N0P1R2T")
    return text


def _id_prefix(text: str) -> str:
    if not _ID_PREFIX.fullmatch(text):
        raise ValueError("must be the beginning of a job's id, of at least 6 characters")
    return text


def _worker_id(text: str) -> str:
    if not WORKER_ID.fullmatch(text):
        raise ValueError("must be the id of a worker; GET /v1/workers lists them")
    return text


def _fingerprint(text: str) -> str:
    if not FINGERPRINT.fullmatch(text):
        raise ValueError("must be the fingerprint of a failure group; GET /v1/failures lists them")
    return text


def read_verdict(text: str) -> FinishVerdict:
    """Returns the verdict of this name. Raises ValueError."""
    if text not in list(FinishVerdict):
        raise ValueError(f"must be one of {', '.join(FinishVerdict)}")
    return FinishVerdict(text)


def _moment(text: str) -> int:
    moment: Any = read_moment(text)
    return to_ms(moment) or 0


def read_true_or_false(text: str) -> bool:
    """Returns the truth value that a text names. Raises ValueError."""
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _seconds_as_ms(text: str) -> int:
    if len(text) > 32 or not _NUMBER.fullmatch(text) or float(text) > MAX_WAIT_SECONDS:
        raise ValueError(f"must be a number of seconds from 0 to {MAX_WAIT_SECONDS:,}")
    return round(float(text) * 1_000)


def _order(text: str) -> Order:
    if text not in list(Order):
        raise ValueError(f"must be {' or '.join(Order)}")
    return Order(text)


def _is_descending(text: str) -> bool:
    if text not in ("asc", "desc"):
        raise ValueError("must be asc or desc")
    return text == "desc"
