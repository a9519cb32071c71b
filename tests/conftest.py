"""Lines that tests add to the summary of the run, such as how many cases they tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# A property says what holds, not how fast. A bound in milliseconds would fail on a busy machine.
hypothesis.settings.register_profile("tidegate", deadline=None)
hypothesis.settings.load_profile("tidegate")

# Their files take the longest, and each file runs in one process: at the end, one would run while nothing else is left.
# The tests of faults are the first, because they copy their process again and again, so it should still be small.
_FIRST = tuple(Path(__file__).parent / name for name in ("faults", "stateful", "simulation"))
_NOTES = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets the tests of some folders run before all others, and gives each test an id of its own.

    xdist runs one test of each id. A test of drawn requests has its route in its name. Since pytest 9.2 the id lacks
    it, so 64 of 65 were left out.
    """
    items.sort(
        key=lambda item: next((n for n, at in enumerate(_FIRST) if item.path.is_relative_to(at)), len(_FIRST))
    )
    for item in items:
        _, bracket, route = item.name.partition("[")
        if bracket and item.id.params is None:
            item._id = item.id.with_params(route.removesuffix("]"))
    twice = [each for each, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"tests with the same id: {', '.join(twice[:5])}")


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Returns a function that adds a line to the summary of the run, whether tests passed or not."""
    lines = request.config.stash.setdefault(_NOTES, [])
    return lines.append


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands the lines of an xdist worker to the process that shows the summary."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["notes"] = session.config.stash.get(_NOTES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes the lines of an xdist worker that has ended. A worker that crashed has none."""
    node.config.stash.setdefault(_NOTES, []).extend(getattr(node, "workeroutput", {}).get("notes", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    lines = terminalreporter.config.stash.get(_NOTES, [])
    if lines:
        terminalreporter.section("what was gone through")
        for line in lines:
            terminalreporter.write_line(line)
