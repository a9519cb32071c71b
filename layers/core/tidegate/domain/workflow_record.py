"""A workflow's record: its submission with what was noted about it since."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.domain.progress import Summary
from tidegate.domain.submission import Submission


@dataclass(frozen=True, slots=True)
class WorkflowRecord:
    """A workflow's submission, and the summary that was last noted; None before its first end."""

    submission: Submission
    summary: Summary | None
