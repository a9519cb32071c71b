"""People look in the console at a workflow of 10,000 jobs. It runs after all other tests on its stack (conftest.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.e2e.console.flows import LEAVES_MUCH, make_people, run_flows
from tidegate_devstack import StackInfo


@pytest.mark.leaves_much
def test_what_people_see_of_a_large_workflow(
    stack: StackInfo, stack_home: Path, console_is_built: bool, tmp_path: Path
) -> None:
    if not console_is_built:
        pytest.skip("the console was not built: npm can't be reached")
    run_flows(stack, stack_home, make_people(stack_home), LEAVES_MUCH, tmp_path)
