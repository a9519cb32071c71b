"""`tidegate doctor` on a living local stack: it finds nothing, and then each thing that is broken and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.e2e.command_line import tidegate, tidegate_json
from tests.harness.e2e.doctor import items
from tests.harness.e2e.doctor.breakages import BREAKAGES
from tests.harness.e2e.doctor.deployed import Deployed, Said
from tests.harness.e2e.doctor.people import Person, guide_policy
from tidegate.domain.pulses import Part
from tidegate_devstack import down, up

NOT_MEASURED = {"lag": "the local stack has no metrics of Lambda's"}
TRIES = 3
# The name of the stack is given here, so nobody asks for it.
ACTIONS = [
    action
    for action in guide_policy()["Statement"][0]["Action"]
    if action != "cloudformation:DescribeStackResources"
]
APART = [
    *("cloudformation:DescribeStacks", "lambda:GetFunctionConfiguration"),
    "lambda:GetFunctionConcurrency",
]
"""A call that is denied may hide a later one, so these are denied one by one, and all others together."""

EVERY_PART = {"PublishEvents": "true", "Webhooks": "true"}
"""The parameters of a stack with all parts that the doctor looks at."""


def silent(line: str) -> None:
    """Takes a line of progress and prints nothing."""


@pytest.fixture(scope="module")
def deployed(stack_home: Path) -> Iterator[Deployed]:
    """Starts a stack of this module's own, because it is broken here, and others leave traces in theirs."""
    home = stack_home.with_name(f"{stack_home.name}-doctor")
    down(silent, home=home, wipe=True)
    try:
        on = Deployed(up(silent, home=home, parameters=EVERY_PART), home)
        on.tick()
        yield on
    finally:
        down(silent, home=home, wipe=True)


def test_a_new_stack_waits_for_the_first_run_of_its_schedules(deployed: Deployed) -> None:
    """It comes first, because a schedule is new for five minutes."""
    wanted = "warning: the schedule reaper has not run yet: it was made * s ago"

    def said() -> Said:
        with items.no_pulse(deployed, Part.REAPER):
            return deployed.ask_doctor()

    assert any(said().is_exactly({"pulses": [wanted]}) for _ in range(TRIES))  # a tick may come between


def test_a_healthy_stack_has_no_finding(deployed: Deployed) -> None:
    ran = tidegate(deployed.home, "doctor")
    assert ran.returncode == 0, ran.stdout
    said = dict(line.split(maxsplit=1) for line in ran.stdout.splitlines())
    assert said.pop("healthy:") == "21 checks"
    unmeasured = {name: said.pop(name) for name in NOT_MEASURED}
    assert unmeasured == {name: f"not measured: {why}" for name, why in NOT_MEASURED.items()}
    assert set(said.values()) == {"healthy"}
    assert len(said) == 20


def test_jobs_in_a_paused_pool_are_a_hint_and_no_fault(deployed: Deployed) -> None:
    with items.paused_with_a_job(deployed):
        said = deployed.ask_doctor()
    assert said.is_exactly({"pools": [f"hint: the pool {items.POOL} is paused, and 1 jobs wait in it"]}), said
    assert said.exit_code == 0


@pytest.mark.parametrize("case", BREAKAGES)
def test_what_is_broken_is_found_and_nothing_else(deployed: Deployed, case: str) -> None:
    breakage = BREAKAGES[case]

    def look() -> Said:
        with breakage.broken(deployed):
            return deployed.ask_doctor(*breakage.options)

    said = look()
    if breakage.is_raced and not said.is_exactly(breakage.found):
        said = look()
    assert said.is_exactly(breakage.found), said
    assert (said.not_made, said.not_measured) == (breakage.not_made, NOT_MEASURED)


@pytest.fixture(scope="module")
def person(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Makes a person whom the doctor meets as on AWS, so it measures the lag too."""
    found = Person(deployed, tmp_path_factory.mktemp("elsewhere"))
    with found.made():
        yield found


def test_the_policy_of_the_guide_is_enough(person: Person) -> None:
    said = person.ask_doctor(ACTIONS)
    assert (said.exit_code, said.found, said.not_made, said.not_measured) == (0, {}, {}, {})


@pytest.mark.parametrize(
    "denied",
    [*([action] for action in APART), [action for action in ACTIONS if action not in APART]],
    ids=lambda denied: denied[0] if len(denied) == 1 else "all others",
)
def test_each_missing_permission_is_named(person: Person, denied: list[str]) -> None:
    said = person.ask_doctor([action for action in ACTIONS if action not in denied])
    assert said.found.keys() == {"permissions"}
    named = " ".join([*said.found["permissions"], *said.not_made.values()])
    assert [action for action in ACTIONS if action in named] == denied


def test_a_late_reader_is_found_by_its_metric(deployed: Deployed, person: Person) -> None:
    """It comes after the tests of the policy, because a metric stays. AWS lets nobody else write one of Lambda's."""
    late = {
        "MetricName": "IteratorAge",
        "Dimensions": [{"Name": "FunctionName", "Value": deployed.function("recorder")}],
        "Value": 61_000,
    }
    deployed.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[late])
    said = person.ask_doctor(ACTIONS)
    assert said.found == {"lag": ["warning: the recorder read changes up to 61 s late"]}


def test_the_mended_stack_runs_jobs_and_has_no_finding(deployed: Deployed) -> None:
    workflow = '{"jobs": [{"key": "a", "type": "tidegate.noop"}]}'
    ended = tidegate_json(deployed.home, "submit", "-", "--wait", stdin=workflow)
    assert ended["counts"] == {"SUCCEEDED": 1}, ended
    said = deployed.ask_doctor()
    assert (said.exit_code, said.found, said.not_measured) == (0, {}, NOT_MEASURED)
