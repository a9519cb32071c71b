"""The properties of a job that the plan of a dispatch looks at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traits:
    """The properties of a job that decide, beside its rank, whether and when it may be dispatched.

    `share` is empty for a job without one. At most `concurrency_limit` (1 or more) jobs with the same `concurrency_key`
    may be dispatched and not ended.
    """

    type: str = ""
    share: str = ""
    concurrency_key: str | None = None
    concurrency_limit: int = 1


NO_TRAITS = Traits()
