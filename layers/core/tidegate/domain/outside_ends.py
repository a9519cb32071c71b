"""The ways in which a job outside can end by a word from outside: a success, a failure, or a decision."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.job import Json


@dataclass(frozen=True, slots=True)
class SucceededOutside:
    """A success as the outside tells it, with a result that fits the job's own item."""

    result: Json = None


@dataclass(frozen=True, slots=True)
class FailedOutside:
    """A failure as the outside tells it.

    `retryable` is its word about another attempt, which counts as that of job code does. `retry_after_seconds`
    (0-86,400) is the least time to wait before that.
    """

    code: str
    message: str
    retryable: bool = True
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A caller's decision about an approval. `comment` is for people, and may be empty."""

    approved: bool
    comment: str = ""

    @property
    def word(self) -> str:
        """Returns the decision as one word."""
        return "approved" if self.approved else "rejected"
