"""The system does what the model says, whatever happens in whatever order.

`make soak` tries many more sequences, and others each time: TIDEGATE_SOAK_EXAMPLES sets the number,
TIDEGATE_SOAK_SEED what they are drawn from.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from tests.harness.stateful.courses import CoursesMachine
from tests.harness.stateful.model_jobs import Happening

EXAMPLES = int(os.environ.get("TIDEGATE_SOAK_EXAMPLES", "1000"))
SEED = int(os.environ.get("TIDEGATE_SOAK_SEED", "0"))
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
    for round_number in range(ROUNDS):
        if not seldom:
            break
        # Without a seed of its own, a round under CI goes through the very sequences of the round before.
        run_state_machine_as_test(hypothesis.seed(SEED + round_number)(CoursesMachine), settings=SETTINGS)
        seldom = [each for each in seldom if happened[each] < OFTEN]
    note(f"sequences drawn from TIDEGATE_SOAK_SEED={SEED}")
    for each in Happening:
        note(f"{each}: {happened[each]:,} times")
    assert seldom == []
