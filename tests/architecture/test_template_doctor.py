"""The doctor looks for parts that the template deploys, and knows where their settings come from."""

from __future__ import annotations

import json
import re

from tests.harness.tables import TEMPLATE
from tests.harness.template import Resolved
from tidegate_cli.doctor import judge
from tidegate_cli.doctor.facts import OUTPUTS, QUEUES, SOURCES, STREAMS
from tidegate_cli.doctor.queue_policies import refuses_plain_http

GUIDE = TEMPLATE.parent / "docs" / "guides" / "doctor.md"


def test_what_the_doctor_looks_for_is_what_the_template_deploys() -> None:
    template = Resolved()
    assert set(OUTPUTS) <= template.outputs.keys()
    variables = template.globals["Function"]["Environment"]["Variables"]
    for variable, parameter in judge.PARAMETER_OF.items():
        assert str(variables[variable]) == str(template.parameters[parameter])
    told = (
        GUIDE.read_text(encoding="utf-8").partition("Twelve variables")[2].partition("The names of tables")[0]
    )
    assert re.findall(r"`(\w+)`", told) == list(judge.PARAMETER_OF.values())
    assert len(judge.PARAMETER_OF) == 12
    sources = [
        each for each in template.resources.values() if each["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    assert len(sources) == sum(SOURCES.values())


def test_streams_and_queues_of_the_doctor_are_those_of_the_template() -> None:
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
    queues = {name: each for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue"}
    assert queues.keys() == set(QUEUES)
    for name in queues:
        policy = resources[f"{name}Policy"]["Properties"]["PolicyDocument"]
        (statement,) = policy["Statement"]
        own = {**statement, "Resource": "arn"}  # the ARN is not known before a deployment
        assert refuses_plain_http(json.dumps({**policy, "Statement": own}), "arn")
