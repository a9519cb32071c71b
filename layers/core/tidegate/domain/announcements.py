"""Job types that worker processes announce, so that a new type needs no deployment of the API.

A worker describes the types of its job code when it starts. The description of a type holds until a worker that
started later describes the type otherwise. A worker replaces a description at most once, as it starts, so two versions
of a type can't take turns while their workers run. A running worker renews its descriptions once a day. A type that
nobody renews fades `FADES_AFTER_MS` after the last time. A description from a clock that was ahead does not stand:
any worker replaces it as soon as it looks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.domain import limits
from tidegate.domain.texts import plain_message

FADES_AFTER_MS = 14 * 86_400_000
RENEWED_AFTER_MS = 86_400_000
# A worker looks once a day, and may have looked just before a renewal was due; it repeats a failure hourly.
OVERDUE_AFTER_MS = 2 * RENEWED_AFTER_MS + 3_600_000
AHEAD_AT_MOST_MS = 60_000  # clocks that follow AWS's time differ by seconds
_DIGEST_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class DescribedType:
    """A job type as its code describes it.

    `parameters_schema` is the JSON Schema of its parameters, as text; empty where there is none or it is longer than
    `limits.MAX_SCHEMA_BYTES`. Then a worker alone checks the parameters. The options are those of `@job`.
    """

    type: str
    description: str = ""
    parameters_schema: str = ""
    reads_upstreams: bool = False
    aws_credentials: bool = False
    second_attempt: bool = False

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """Returns the JSON Schema of its parameters, None where there is none that is a JSON object."""
        try:
            schema = json.loads(self.parameters_schema or "null")
        except (ValueError, RecursionError):
            return None
        return schema if isinstance(schema, dict) else None

    @property
    def digest(self) -> str:
        """Returns a digest of all that the description says; equal code has an equal digest."""
        said = [
            self.type,
            self.description,
            self.parameters_schema,
            self.reads_upstreams,
            self.aws_credentials,
            self.second_attempt,
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:_DIGEST_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Announcement:
    """A described type as a worker announced it. Times are in milliseconds since the epoch.

    `started_at_ms` is when the worker (`worker_id` in `pool`) started: of two descriptions the one of the worker that
    started later holds. `announced_at_ms` is when it was written, `seen_at_ms` when a worker last said that it has the
    type just so.
    """

    described: DescribedType
    digest: str
    pool: str
    worker_id: str
    started_at_ms: int
    announced_at_ms: int
    seen_at_ms: int

    @property
    def type(self) -> str:
        """Returns the name of the job type."""
        return self.described.type

    @property
    def fades_at_ms(self) -> int:
        """Returns when the type is unknown again if no worker renews it."""
        return self.seen_at_ms + FADES_AFTER_MS

    def has_faded(self, now_ms: int) -> bool:
        """Tells whether no worker has had the type for so long that it counts as gone."""
        return now_ms >= self.fades_at_ms

    def is_overdue(self, now_ms: int) -> bool:
        """Tells whether a live worker that has the type just so would have renewed it by now."""
        return now_ms - self.seen_at_ms > OVERDUE_AFTER_MS

    def is_ahead(self, now_ms: int) -> bool:
        """Tells whether its times lie more than AHEAD_AT_MOST_MS after `now_ms`, so that a wrong clock made them."""
        return max(self.started_at_ms, self.seen_at_ms) > now_ms + AHEAD_AT_MOST_MS

    def stands(self, now_ms: int) -> bool:
        """Tells whether only a worker that started later may replace it: it has not faded and is not ahead."""
        return not self.has_faded(now_ms) and not self.is_ahead(now_ms)


def announced(
    described: DescribedType, pool: str, worker_id: str, started_at_ms: int, now_ms: int
) -> Announcement:
    """Returns the announcement of a type by a worker that started at `started_at_ms`; written at `now_ms`."""
    return Announcement(described, described.digest, pool, worker_id, started_at_ms, now_ms, now_ms)


def to_write(
    mine: Iterable[DescribedType], standing: Mapping[str, Announcement], *, started_at_ms: int, now_ms: int
) -> tuple[list[DescribedType], list[DescribedType]]:
    """Decides what a worker that started at `started_at_ms` writes: the types to announce, and those to renew.

    It announces what nobody announced, what no longer stands, and what a worker that started earlier described
    otherwise. It renews what is described just so, and was last seen more than a day ago. A description of a worker
    that started later stands until it fades, unless its times are ahead.
    """
    new: list[DescribedType] = []
    renewed: list[DescribedType] = []
    for described in mine:
        found = standing.get(described.type)
        if found is None or not found.stands(now_ms):
            new.append(described)
        elif found.digest == described.digest:
            if now_ms - found.seen_at_ms >= RENEWED_AFTER_MS:
                renewed.append(described)
        elif found.started_at_ms < started_at_ms:
            new.append(described)
    return new, renewed


def described_from(job_type: str, said: Mapping[str, Any], options: Mapping[str, Any]) -> DescribedType:
    """Returns the description that a process with job code sent, cut to the limits of every part.

    Job code can send anything, so nothing of it is trusted: what is no text is empty, and a schema that is no JSON
    object or too long is left out.
    """
    description = said.get("description")
    schema = said.get("parameters_schema")
    return DescribedType(
        job_type,
        plain_message(description)[: limits.MAX_DESCRIPTION_CHARACTERS]
        if isinstance(description, str)
        else "",
        _schema_text(schema) if isinstance(schema, Mapping) else "",
        *(options.get(option) is True for option in ("reads_upstreams", "aws_credentials", "second_attempt")),
    )


def total_bytes(descriptions: Iterable[DescribedType]) -> int:
    """Returns the size of descriptions: of their schemas and texts, which is nearly all that is stored of them."""
    return sum(
        len(one.type) + len(one.description.encode()) + len(one.parameters_schema.encode())
        for one in descriptions
    )


def _schema_text(schema: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(schema, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
        size_bytes = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        return ""
    return text if size_bytes <= limits.MAX_SCHEMA_BYTES else ""
