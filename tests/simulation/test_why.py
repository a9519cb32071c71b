"""Answers to "why is this job not running", proven over drawn states; `python -m dev.simulator.why` tries 10,000."""

from __future__ import annotations

from dev.simulator.why.proof import Proven, prove
from tidegate.domain.why.decide import WAITING
from tidegate.domain.why.facts import Code

SEEDS = 1_200
# In a drawn state no whole pool can be removed and brought back, no job has more than three upstreams, and no job
# runs when it is asked about.
NOT_DRAWN = {Code.POOL_REMOVED, Code.UPSTREAMS_LEFT_OUT, Code.STRAGGLER}


def test_the_changes_of_an_answer_start_the_job_and_none_can_be_left_out() -> None:
    proven = Proven()
    for seed in range(SEEDS):
        prove(seed, proven)
    assert proven.answers > SEEDS * 0.9
    assert proven.states.keys() == WAITING
    assert proven.codes.keys() == set(Code) - NOT_DRAWN
    assert len(proven.sizes) >= 4
