"""Copies the output of a task to the job's log, while the task runs and once it has ended."""

from __future__ import annotations

import logging
from typing import Any

from tidegate.adapters.executors.targets.aws_service import refusals
from tidegate.adapters.executors.targets.task_definition import log_stream_of
from tidegate.domain import limits
from tidegate.domain.errors import JobError
from tidegate.jobs.targets.bounds import Bounds
from tidegate.jobs.targets.command import print_bytes
from tidegate.jobs.targets.last_line import LastLine

_LOGGER = logging.getLogger("tidegate.jobs")
MAX_PAGES = 20
"""The pages of output that one look copies; a page has up to 10,000 lines or 1 MB (GetLogEvents)."""
LAST_LOOKS = 5
"""Looks for output once the task has ended; two without anything new end them sooner."""
_LAST_WAIT_SECONDS = 1.0  # output reaches the log some moments after it was printed


class TaskLog:
    """The output of one task in a log group. `last_line` is its last line so far that is not blank."""

    def __init__(self, client: Any, group: str) -> None:
        self._client = client
        self._group = group
        self._next: str | None = None
        self._kept = LastLine(limits.MAX_RESULT_BYTES)

    @property
    def last_line(self) -> bytes:
        """The last line that is not blank; empty where there is none."""
        return self._kept.value()

    def copy_what_is_there(self, task: str) -> None:
        """Prints the output that is new. A refusal is logged, because the task goes on and a later look may succeed."""
        try:
            self._copy(task)
        except JobError as error:
            _LOGGER.warning("the output of task %s can't be read: %s", task, error.code)

    def copy_rest(self, task: str, bounds: Bounds) -> None:
        """Prints the output of a task that has ended. Raises JobError where it can't be read."""
        quiet = 0
        for _ in range(LAST_LOOKS):
            quiet = 0 if self._copy(task) else quiet + 1
            if quiet == 2:
                return
            bounds.sleep(_LAST_WAIT_SECONDS)

    def _copy(self, task: str) -> bool:
        """Prints what is new; returns True if anything was."""
        found = False
        for _ in range(MAX_PAGES):
            events, following = self._page(task)
            for event in events:
                line = f"{event['message']}\n".encode(errors="replace")
                self._kept.take(line)
                print_bytes(line)
            found = found or bool(events)
            if following is None or following == self._next:  # so AWS says that the end is reached
                return found
            self._next = following
        return found

    def _page(self, task: str) -> tuple[list[dict[str, Any]], str | None]:
        """Returns the next events and the token after them; nothing where the task has printed nothing yet."""
        given = {"nextToken": self._next} if self._next else {}
        try:
            with refusals(self._group, parameter="ContainerCluster"):
                answer = self._client.get_log_events(
                    logGroupName=self._group, logStreamName=log_stream_of(task), startFromHead=True, **given
                )
        except JobError as error:
            if error.code == "ResourceNotFoundException":
                return [], None
            raise
        return answer["events"], answer.get("nextForwardToken")
