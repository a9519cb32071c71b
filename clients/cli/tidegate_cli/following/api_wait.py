"""Lets the API wait for an end, instead of polls that would find none."""

from __future__ import annotations

import time
from collections.abc import Callable

from tidegate.domain.limits import MAX_ASKED_WAIT_SECONDS
from tidegate_cli.client import Client
from tidegate_cli.errors import ApiProblem

_EARLY_SECONDS = 1.0  # an answer that comes so much earlier than asked for did not wait


class ApiWait:
    """Waits at the API for the end of a job or a workflow, until the API shows that it does not wait.

    A deployment may let no call wait, or as many may wait already. An API from before there were waits refuses them.
    `monotonic` is in seconds; tests replace it.
    """

    def __init__(
        self,
        client: Client,
        watched: str,
        *,
        of_workflow: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._watched = watched
        self._of_workflow = of_workflow
        self._monotonic = monotonic
        self._waits = True

    def __call__(self, left_seconds: float) -> bool:
        """Returns True after a wait of at most `left_seconds`, False at once where the API does not wait."""
        seconds = min(MAX_ASKED_WAIT_SECONDS, int(left_seconds))
        if not self._waits or seconds < 1:
            return False
        asked_s = self._monotonic()
        try:
            has_ended = self._client.wait_for_end(self._watched, seconds, of_workflow=self._of_workflow)
        except ApiProblem as problem:
            if all(violation.field != "wait" for violation in problem.violations):
                raise
            has_ended = False
        self._waits = has_ended or self._monotonic() - asked_s >= seconds - _EARLY_SECONDS
        return self._waits
