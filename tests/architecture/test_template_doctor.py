"""The doctor looks for parts that the template deploys, and knows where their settings come from."""

from __future__ import annotations

import re

from tests.harness.tables import TEMPLATE
from tests.harness.template import Resolved
from tidegate_cli.doctor import judge
from tidegate_cli.doctor.facts import OUTPUTS, SOURCES

GUIDE = TEMPLATE.parent / "docs" / "guides" / "doctor.md"


def test_what_the_doctor_looks_for_is_what_the_template_deploys() -> None:
    template = Resolved()
    assert set(OUTPUTS) <= template.outputs.keys()
    variables = template.globals["Function"]["Environment"]["Variables"]
    for variable, parameter in judge.PARAMETER_OF.items():
        assert str(variables[variable]) == str(template.parameters[parameter])
    told = (
        GUIDE.read_text(encoding="utf-8").partition("Eleven variables")[2].partition("The names of tables")[0]
    )
    assert re.findall(r"`(\w+)`", told) == list(judge.PARAMETER_OF.values())
    assert len(judge.PARAMETER_OF) == 11
    sources = [
        each for each in template.resources.values() if each["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    assert len(sources) == sum(SOURCES.values())
