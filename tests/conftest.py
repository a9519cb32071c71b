"""Lines that tests leave for the end of the run: how much they went through, for people to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest

# A property says what holds, not how fast: a bound in milliseconds would fail by the load of the machine.
hypothesis.settings.register_profile("tidegate", deadline=None)
hypothesis.settings.load_profile("tidegate")

_NOTES = pytest.StashKey[list[str]]()


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Called with a line, shows it in the summary of the run, whether tests passed or not."""
    lines = request.config.stash.setdefault(_NOTES, [])
    return lines.append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands the lines of a worker of xdist over to the process that shows the summary."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["notes"] = session.config.stash.get(_NOTES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes over the lines of a worker of xdist that has ended; one that crashed has none."""
    node.config.stash.setdefault(_NOTES, []).extend(getattr(node, "workeroutput", {}).get("notes", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash.get(_NOTES, [])
    if lines:
        terminalreporter.section("what was gone through")
        for line in lines:
            terminalreporter.write_line(line)
