"""The verdicts about a time to finish by, as the reaper notes them on a job or on a workflow's record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_KEPT: Final = 10
"""The judgements that are kept of one time: the latest."""


class FinishVerdict(StrEnum):
    """The verdict about a time: on course, at risk, impossible whatever is changed, or missed, as it has passed."""

    ON_COURSE = "on-course"
    AT_RISK = "at-risk"
    IMPOSSIBLE = "impossible"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, when it was judged (milliseconds since the epoch), and how probable an end in time was (0-1).

    It is noted when it differs from the one before, so the verdict has been the same since `judged_at_ms`.
    """

    judged_at_ms: int
    verdict: FinishVerdict
    probability: float

    def line(self) -> str:
        """Returns the judgement as a short text, such as `1764000000000 at-risk 0.25`."""
        return f"{self.judged_at_ms} {self.verdict} {self.probability}"

    @classmethod
    def from_line(cls, line: str) -> Judgement:
        """Returns the judgement of a text that `line` made. Raises ValueError for another text."""
        judged_at_ms, verdict, probability = line.split(" ")
        return cls(int(judged_at_ms), FinishVerdict(verdict), float(probability))


def with_judgement(kept: Sequence[Judgement], new: Judgement) -> tuple[Judgement, ...]:
    """Returns the judgements with a new one behind them, `MOST_KEPT` at most."""
    return (*kept, new)[-MOST_KEPT:]


def shown_judgement(
    finish_by_ms: int | None, kept: Sequence[Judgement], *, ended_at_ms: int | None, now_ms: int
) -> Judgement | None:
    """Returns what is known about a time to finish by without a forecast.

    A time that has passed before the end (`ended_at_ms`, None while there is none) is missed, whether or not the reaper
    has noted that. Otherwise the latest of the judgements `kept` counts while there is no end. All times are in
    milliseconds since the epoch. Returns None without a time, where it was met, or where it was not judged yet.
    """
    if finish_by_ms is None:
        return None
    if (now_ms if ended_at_ms is None else ended_at_ms) > finish_by_ms:
        return Judgement(finish_by_ms, FinishVerdict.MISSED, 0.0)
    return kept[-1] if kept and ended_at_ms is None else None
