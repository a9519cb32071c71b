"""The doctor looks for parts that the template deploys, and knows where their settings come from."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from tests.harness.tables import TEMPLATE
from tests.harness.template import Resolved
from tidegate_cli.doctor import judge
from tidegate_cli.doctor.facts import SOURCES, STREAMS, Stack
from tidegate_cli.doctor.queue_policies import refuses_plain_http

STACKS: tuple[dict[str, str], ...] = (
    {},
    {"PublishEvents": "true"},
    {"PublishEvents": "true", "Webhooks": "true"},
)
"""The parameters of stacks that have different parts."""
GUIDE = TEMPLATE.parent / "docs" / "guides" / "doctor.md"


@pytest.mark.parametrize("given", STACKS)
def test_event_sources_and_streams_of_the_doctor_are_those_of_the_template(given: dict[str, str]) -> None:
    template = Resolved(**given)
    stack = Stack("s", "", {}, template.parameters)
    readers: Counter[str] = Counter()
    streamed: dict[str, set[str]] = {}
    for each in template.resources.values():
        if each["Type"] == "AWS::Lambda::EventSourceMapping":
            function = each["Properties"]["FunctionName"].strip("<>").removesuffix("Function").lower()
            readers[function] += 1
            source = re.match(r"<(\w+)\.StreamArn>", each["Properties"]["EventSourceArn"])
            if source:
                streamed.setdefault(source[1], set()).add(function)
    assert readers == stack.sources
    assert streamed == {table: set(functions) for table, (_, functions) in stack.streams.items()}
    for table, (view, _) in stack.streams.items():
        assert template.properties(table)["StreamSpecification"] == {"StreamViewType": view}


@pytest.mark.parametrize("given", STACKS)
def test_what_the_doctor_looks_for_is_what_the_template_deploys(given: dict[str, str]) -> None:
    template = Resolved(**given)
    stack = Stack("s", "", {}, template.parameters)
    assert set(stack.needed_outputs) <= template.outputs.keys()
    for name in stack.functions:
        own = template.properties(f"{name.capitalize()}Function")["Environment"]["Variables"]
        assert not own.keys() & judge.PARAMETER_OF.keys(), "every function has the stack's own"
        empty = {each for each, value in own.items() if each.startswith("TIDEGATE_TABLE_") and not value}
        assert bool(empty) is (name == "webhooks"), name
    variables = template.globals["Function"]["Environment"]["Variables"]
    for variable, parameter in judge.PARAMETER_OF.items():
        assert str(variables[variable]) == str(template.parameters[parameter])
    told = (
        GUIDE.read_text(encoding="utf-8").partition("Twelve variables")[2].partition("The names of tables")[0]
    )
    assert re.findall(r"`(\w+)`", told) == list(judge.PARAMETER_OF.values())
    assert len(judge.PARAMETER_OF) == 12


def test_streams_of_the_doctor_are_those_of_the_template() -> None:
    resources = Resolved().resources
    views = {
        name: each["Properties"]["StreamSpecification"]["StreamViewType"]
        for name, each in resources.items()
        if "StreamSpecification" in each.get("Properties", {})
    }
    assert views == {table: view for table, (view, _) in STREAMS.items()}
    for function, count in SOURCES.items():
        assert sum(function in readers for _, readers in STREAMS.values()) == (
            0 if function == "worker" else count
        )


@pytest.mark.parametrize("given", STACKS)
def test_queues_of_the_doctor_are_those_of_the_template(given: dict[str, str]) -> None:
    template = Resolved(**given)
    resources, stack = template.resources, Stack("s", "", {}, template.parameters)
    queues = {name: each for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue"}
    assert queues.keys() == set(stack.queues)
    assert {name for name in queues if name.endswith("DeadLetters")} == set(stack.dead_letters)
    for name in queues:
        policy = resources[f"{name}Policy"]["Properties"]["PolicyDocument"]
        statement = policy["Statement"][0]
        own = {**statement, "Resource": "arn"}  # the ARN is not known before a deployment
        assert refuses_plain_http(json.dumps({**policy, "Statement": own}), "arn")
