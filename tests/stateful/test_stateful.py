"""Whatever happens in whatever order, the system does what the model says.

`make soak` tries far more of it: TIDEGATE_SOAK_EXAMPLES says how many sequences.
"""

from __future__ import annotations

import os

import hypothesis

from tests.stateful.machine import TidegateMachine

EXAMPLES = int(os.environ.get("TIDEGATE_SOAK_EXAMPLES", "300"))

TestTidegate = TidegateMachine.TestCase
TestTidegate.settings = hypothesis.settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
)
