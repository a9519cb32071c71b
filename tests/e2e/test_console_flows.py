"""People use the console in a real browser against the local stack (clients/console/browser/flows)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.e2e.console.flows import LEAVES_MUCH, make_people, names, run_flows
from tidegate_devstack import StackInfo


@pytest.fixture(scope="module")
def people(stack: StackInfo, stack_home: Path) -> dict[str, str]:
    del stack  # it must be up
    return make_people(stack_home)


@pytest.mark.parametrize("name", [name for name in names() if name != LEAVES_MUCH])
def test_what_people_do_in_the_console(
    stack: StackInfo,
    stack_home: Path,
    console_is_built: bool,
    people: dict[str, str],
    name: str,
    tmp_path: Path,
) -> None:
    if not console_is_built:
        pytest.skip("the console was not built: npm can't be reached")
    run_flows(stack, stack_home, people, name, tmp_path)
