"""The system does what the model says, whatever happens in whatever order.

`make soak` tries many more sequences: TIDEGATE_SOAK_EXAMPLES sets the number.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from tests.harness.stateful.courses import CoursesMachine
from tests.harness.stateful.model_jobs import Happening

EXAMPLES = int(os.environ.get("TIDEGATE_SOAK_EXAMPLES", "1000"))
STEPS = 50
OFTEN = 3
ROUNDS = 4  # enough to see every happening so often, but no more than this
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    print_blob=True,  # shows how to replay a failed sequence
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
)


def test_every_sequence_goes_as_the_model_says(note: Callable[[str], None]) -> None:
    """Together the sequences cover every happening that they exist for."""
    happened = CoursesMachine.happened
    happened.clear()
    seldom = list(Happening)
    for _ in range(ROUNDS):
        if not seldom:
            break
        run_state_machine_as_test(CoursesMachine, settings=SETTINGS)
        seldom = [each for each in seldom if happened[each] < OFTEN]
    for each in Happening:
        note(f"{each}: {happened[each]:,} times")
    assert seldom == []
