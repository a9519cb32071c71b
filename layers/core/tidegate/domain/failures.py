"""Groups failed jobs by their cause: the job type, the error code, and what the error's first line says.

Two messages mean the same cause where they differ in names and numbers only. So `normalised` replaces these parts of a
line, the first rule that fits winning at each place:

| part of the line | becomes |
|---|---|
| text in quotation marks: "…", '…' or `…` | `<text>` |
| an ARN, or an address with a scheme, such as https://… | `<address>` |
| a date, with or without a time | `<time>` |
| a path that begins with /, ./, ../, ~/ or a drive such as C:\\ | `<path>` |
| a UUID, the id of a job or of a workflow | `<id>` |
| hexadecimal digits: behind 0x, or eight or more of them with a digit and a letter | `<hex>` |
| a word of eight or more characters in which letters and digits alternate, such as i-0ab12xy9 | `<id>` |
| a number, also within a word | `<number>` |

Runs of blanks become one blank. A quotation mark counts only at the edge of a word, so that an apostrophe begins no
text. Upper and lower case stay, because codes in capitals are worth telling apart.

The first `MAX_READ_CHARACTERS` of a line are read, and what comes out is cut to `MAX_LINE_CHARACTERS`. So a long value
and a short one lead to the same pattern. A text in quotation marks that is cut off with the line is a text too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tidegate.domain import limits
from tidegate.domain.job import Job
from tidegate.domain.states import State

FAILED_STATES: Final = (State.FAILED, State.TIMED_OUT)
STEPS: Final = 24  # of the time that a listing covers, for the counts over time
MAX_SAMPLES: Final = 5  # jobs of a group, and workflows
MAX_READ_CHARACTERS: Final = limits.MAX_ERROR_CHARACTERS  # of an error's first line; no error is longer
MAX_LINE_CHARACTERS: Final = 300  # of a pattern and of a line, as listings show them
FINGERPRINT: Final = re.compile("[0-9a-f]{16}")

_WORD: Final = r"[A-Za-z0-9_-]"
_PARTS: Final = {
    "text": r'"[^"]*"|`[^`]*`|(?<!\w)\'[^\']*\'(?!\w)',
    "address": r"\barn:\S+|\b[A-Za-z][A-Za-z0-9+.-]{1,20}://\S+",
    "time": r"\b\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?(?!\w)",
    "path": r"(?<![\w.~<>)/\\])(?:~|\.{1,2}|[A-Za-z]:)?[/\\][\w@%+=~-][\w.@%+=~/\\-]*",
    "uuid": r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b",
    "ulid": r"\b[0-9A-HJKMNP-TV-Z]{26}(?:\.\d{1,4})?\b",
    "hex": r"\b0[xX][0-9A-Fa-f]+\b|\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9A-Fa-f]{8,}\b",
    "mixed": rf"(?<!{_WORD})(?={_WORD}{{8}})[A-Za-z_-]*\d+-*[A-Za-z_][A-Za-z_-]*\d{_WORD}*",
    "number": r"(?<![\w)-])-?\d+(?:[.,_]\d+)*(?:[eE][+-]?\d+)?|\d+(?:[.,_]\d+)*",
}
_SHOWN_AS: Final = {"uuid": "<id>", "ulid": "<id>", "mixed": "<id>"}
# A line that was cut may end within a text.
_PARTS_OF_CUT_LINE: Final = {
    **_PARTS,
    "text": r'"[^"]*(?:"|$)|`[^`]*(?:`|$)|(?<!\w)\'[^\']*(?:\'(?!\w)|$)',
}
_PART, _PART_OF_CUT_LINE = (
    re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in parts.items()))
    for parts in (_PARTS, _PARTS_OF_CUT_LINE)
)


@dataclass(frozen=True, slots=True)
class FailedJob:
    """The part of a failed job that a listing keeps.

    `line` is its error's first line, and `pattern` that line normalised, both cut to `MAX_LINE_CHARACTERS`. `code` is
    None if the job has no error. `at_ms` is when it ended, in milliseconds since the epoch.
    """

    job_id: str
    workflow_id: str | None
    type: str
    code: str | None
    line: str
    pattern: str
    at_ms: int

    @property
    def fingerprint(self) -> str:
        """Returns the fingerprint of the job's group."""
        return fingerprint_of(self.type, self.code, self.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failed jobs with one cause.

    `pattern` is the normalised line that they share, `line` the line of the latest. `count` is how many jobs there are,
    `over_time` how many in each of `STEPS` equal steps of the time looked at, the earliest first. `job_ids` are the
    latest jobs. `workflow_count` is how many workflows the jobs belong to, `workflows` the ids of those with the most
    failed jobs, with that number. Times are in milliseconds since the epoch.
    """

    fingerprint: str
    type: str
    code: str | None
    pattern: str
    line: str
    count: int
    first_at_ms: int
    last_at_ms: int
    over_time: tuple[int, ...]
    job_ids: tuple[str, ...]
    workflow_count: int
    workflows: tuple[tuple[str, int], ...]


def first_line_of(message: str) -> str:
    """Returns the first line of a message that has any text, at most `MAX_READ_CHARACTERS` of it; "" if none has."""
    lines = (line.strip() for line in message.splitlines())
    return next(filter(None, lines), "")[:MAX_READ_CHARACTERS]


def normalised(line: str) -> str:
    """Returns the line without the parts in which messages of one cause differ; see the rules of this module.

    `line` has at most `MAX_READ_CHARACTERS`, what is returned at most `MAX_LINE_CHARACTERS`. It ends before a mark that
    would be cut.
    """
    parts = _PART_OF_CUT_LINE if len(line) >= MAX_READ_CHARACTERS else _PART
    line = " ".join(line.split())
    pieces, length, place = list[str](), 0, 0
    for found in parts.finditer(line):
        before, mark = line[place : found.start()], _mark_of(found)
        if length + len(before) + len(mark) > MAX_LINE_CHARACTERS:
            return "".join((*pieces, before))[:MAX_LINE_CHARACTERS].rstrip()
        pieces += (before, mark)
        length, place = length + len(before) + len(mark), found.end()
    return "".join((*pieces, line[place:]))[:MAX_LINE_CHARACTERS]


def fingerprint_of(job_type: str, code: str | None, pattern: str) -> str:
    """Returns 16 hexadecimal digits that stand for a job type, an error code and the normalised first line."""
    text = json.dumps([job_type, code, pattern])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def failed_job(job: Job) -> FailedJob:
    """Returns what a listing keeps of a job that ended without success."""
    failure = job.failure
    code, message = (None, "") if failure is None else (failure.code, failure.message)
    line = first_line_of(message)
    shown, pattern = line[:MAX_LINE_CHARACTERS], normalised(line)
    ended_at_ms = job.finished_at_ms or job.created_at_ms
    return FailedJob(job.job_id, job.workflow_id, job.type, code, shown, pattern, ended_at_ms)


def grouped(failed: Iterable[FailedJob], *, from_ms: int, to_ms: int) -> list[FailureGroup]:
    """Returns the groups of some jobs that failed from `from_ms` to `to_ms`, the largest first, then the latest.

    Times are in milliseconds since the epoch, and `from_ms` is before `to_ms`.
    """
    members: dict[str, list[FailedJob]] = {}
    for each in failed:
        members.setdefault(each.fingerprint, []).append(each)
    groups = [_group(fingerprint, jobs, from_ms, to_ms) for fingerprint, jobs in members.items()]
    return sorted(groups, key=lambda group: (-group.count, -group.last_at_ms, group.fingerprint))


def _group(fingerprint: str, jobs: Sequence[FailedJob], from_ms: int, to_ms: int) -> FailureGroup:
    latest_first = sorted(jobs, key=lambda job: (-job.at_ms, job.job_id))
    latest = latest_first[0]
    over_time = [0] * STEPS
    for job in jobs:
        place = (job.at_ms - from_ms) * STEPS // (to_ms - from_ms)
        over_time[min(max(place, 0), STEPS - 1)] += 1
    hit = Counter(job.workflow_id for job in latest_first if job.workflow_id is not None)
    return FailureGroup(
        fingerprint=fingerprint,
        type=latest.type,
        code=latest.code,
        pattern=latest.pattern,
        line=latest.line,
        count=len(jobs),
        first_at_ms=latest_first[-1].at_ms,
        last_at_ms=latest.at_ms,
        over_time=tuple(over_time),
        job_ids=tuple(job.job_id for job in latest_first[:MAX_SAMPLES]),
        workflow_count=len(hit),
        workflows=tuple(hit.most_common(MAX_SAMPLES)),
    )


def _mark_of(found: re.Match[str]) -> str:
    name = str(found.lastgroup)
    return _SHOWN_AS.get(name, f"<{name}>")
