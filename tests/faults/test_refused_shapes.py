"""Every scenario ends in the same way if AWS does not understand some of the adapters' statements."""

from __future__ import annotations

import pytest

from tests.harness.faults.checks import bring_to_rest, check_all
from tests.harness.faults.deployment import Deployment
from tests.harness.faults.emulated import EmulatedAws, emulated_clients
from tests.harness.faults.scenarios import CASES
from tests.harness.refused_shapes import SHAPES, bringing_no_item, refusing
from tidegate.adapters.aws.clients import AwsClients


@pytest.fixture(scope="module")
def aside(aws: EmulatedAws) -> AwsClients:
    return emulated_clients()


def _ends(aws: EmulatedAws, name: str) -> tuple[dict[str, str], int]:
    """Returns how the jobs of a scenario end, and after how many ticks."""
    case = CASES[name]
    deployment = Deployment(aws, **(case.settings or {}))
    case.run(deployment)
    rounds = bring_to_rest(deployment)
    check_all(deployment)
    return {job: str(state) for job, state in deployment.states.items()}, rounds


@pytest.mark.parametrize("name", CASES)
def test_whatever_is_not_understood_everything_ends_as_it_would(
    name: str, aws: EmulatedAws, aside: AwsClients
) -> None:
    plain = _ends(aws, name)
    for shape, has in SHAPES.items():
        for whole in (False, True):
            with refusing(aws.clients.dynamodb, aside.dynamodb, has, whole=whole):
                assert _ends(aws, name) == plain, (shape, whole)


_BY_ITS_ITEM = {"worker processes"}
"""A worker's entry is taken from the refusal alone: its policy has no read of Workers, and AWS brings the item."""


def test_no_job_rule_or_submission_needs_the_item_that_a_refusal_brings(aws: EmulatedAws) -> None:
    taken = 0
    for name in CASES.keys() - _BY_ITS_ITEM:
        plain = _ends(aws, name)
        with bringing_no_item(aws.clients.dynamodb) as refusals:
            assert _ends(aws, name) == plain, name
        taken += refusals.count
    assert taken > 0


def test_the_scenarios_together_send_what_jobs_need_to_begin_and_to_end(
    aws: EmulatedAws, aside: AwsClients
) -> None:
    """Only the contract suite covers jobs that are released in part or skipped together."""
    met: set[str] = set()
    for name in CASES:
        left = {shape: has for shape, has in SHAPES.items() if shape not in met}
        for shape, has in left.items():
            with refusing(aws.clients.dynamodb, aside.dynamodb, has, whole=False) as refusals:
                _ends(aws, name)
            met |= {shape} if refusals.count else set()
    assert met == set(SHAPES) - {"contains", "set_delete"}
