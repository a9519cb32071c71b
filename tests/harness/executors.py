"""Executors for tests in which job code must not run."""

from __future__ import annotations

import pytest

from tidegate.ports import Assignment, Begun, Heartbeat, Outcome, unheard


class NeverRuns:
    """Fails the test if job code would run."""

    def execute(self, assignment: Assignment, heartbeat: Heartbeat, begun: Begun = unheard) -> Outcome:
        pytest.fail("job code must not run on a part of its input")
