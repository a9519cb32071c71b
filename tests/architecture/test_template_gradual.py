"""With GradualDeployment the gateway calls an alias, which CodeDeploy shifts to each new version of the function."""

from __future__ import annotations

import copy
import json
from hashlib import sha256

import pytest

from tests.attack.test_template_edge import longest_values
from tests.harness import template as support
from tests.harness.tables import TEMPLATE
from tests.harness.template import Resolved, parameters, rules
from tidegate_cli.doctor.facts import LIVE

CANARY = {"GradualDeployment": "Canary10Percent5Minutes", "Alarms": "true", "OAuthApi": "true"}
TYPES = {
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
}
TOO_LONG = {"LambdaCapabilities", "EcsCapabilities"}
"""Parameters of the function that the description of a version has no room for, as docs/guides/deploy.md says."""
MOST_CHARACTERS = 256
OTHER_VALUES = {
    "Runtime": "python3.11",
    "Window": "3",
    "LogLevel": "DEBUG",
    "SampleRoot": "/srv",
    "TableKey": "managed",
}


@pytest.fixture(scope="module")
def canary() -> Resolved:
    """Returns the template with a gradual deployment of both APIs."""
    return Resolved(**CANARY)


def called(template: Resolved) -> set[str]:
    """Returns what the methods of the two APIs call, as the ends of their addresses."""
    bodies = [
        spec["Properties"]["DefinitionBody"]
        for name, spec in template.resources.items()
        if name in ("Api", "SignInApi")
    ]
    methods = [each for body in bodies for path in body["paths"].values() for each in path.values()]
    uris = [each["x-amazon-apigateway-integration"].get("uri", "") for each in methods]
    return {str(uri).partition("/functions/")[2].removesuffix("/invocations") for uri in uris} - {""}


def test_by_default_nothing_of_it_exists_and_the_function_itself_is_called() -> None:
    template = Resolved(OAuthApi="true")
    assert not TYPES & {spec["Type"] for spec in template.resources.values()}
    assert called(template) == {"<ApiFunction.Arn>", "<ConsoleFunction.Arn>"}


def test_the_gateway_calls_the_alias_and_may(canary: Resolved) -> None:
    assert {spec["Type"] for spec in canary.resources.values()} >= TYPES
    assert called(canary) == {"<ApiAlias>", "<ConsoleFunction.Arn>"}
    assert canary.properties("ApiAlias")["Name"] == LIVE  # by which the doctor asks for its version
    may = [
        canary.properties(name)["FunctionName"] for name in ("ApiMayCallItsAlias", "SignInApiMayCallTheAlias")
    ]
    assert may == ["<ApiAlias>"] * 2


def test_the_stage_changes_with_the_parameter_although_no_route_does() -> None:
    """SAM deploys an API anew if the text of its definition changes, and the text holds the condition both times."""
    apis = [
        spec["Properties"] for spec in Resolved(**CANARY).resources.values() if spec["Type"].endswith("::Api")
    ]
    assert [api["AlwaysDeploy"] for api in apis] == [True, True]


def test_codedeploy_shifts_the_alias_and_an_alarm_of_the_api_gives_it_back(canary: Resolved) -> None:
    policy = canary.resources["ApiAlias"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert policy == {"ApplicationName": "<ApiDeployments>", "DeploymentGroupName": "<ApiDeploymentGroup>"}
    assert canary.properties("ApiAlias")["FunctionVersion"] == "<ApiVersion.Version>"
    group = canary.properties("ApiDeploymentGroup")
    assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    alarms = [each["Name"] for each in group["AlarmConfiguration"]["Alarms"]]
    assert alarms == ["<ApiErrorsAlarm>", "<ApiServerErrorsAlarm>", "<SignInApiServerErrorsAlarm>"]
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    alarm = canary.properties("ApiErrorsAlarm")["Dimensions"]
    assert alarm == [{"Name": "FunctionName", "Value": "<ApiFunction>"}], (
        "it counts the calls of every version"
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [({}, True), (CANARY, True), (CANARY | {"Alarms": "false"}, False), ({"Alarms": "true"}, True)],
)
def test_it_is_refused_without_alarms(given: dict[str, str], kept: bool) -> None:
    template, rule = Resolved(**given), rules()["AGradualDeploymentHasAlarms"]
    applies = template.resolve(rule["RuleCondition"])
    assert (not applies or all(template.resolve(each["Assert"]) for each in rule["Assertions"])) is kept


def another(name: str) -> str:
    """Returns a value of that parameter which is not its default."""
    spec = parameters()[name]
    default = str(spec["Default"])
    if "AllowedValues" in spec:
        return next(str(each) for each in spec["AllowedValues"] if str(each) != default)
    if "MinValue" in spec:
        return next(str(spec[end]) for end in ("MinValue", "MaxValue") if str(spec[end]) != default)
    return OTHER_VALUES.get(name, "7")


def copied_and_described(template: Resolved, **changed: str) -> tuple[str, str]:
    """Returns all that a version of the API's function copies, and the version's description.

    `changed` are other parameters than the template's. Resolves these parts alone, because the whole takes long.
    """
    other = copy.copy(template)
    other._values = {**template._values, **changed}
    function, version = (other.resolve(template._present[name]) for name in ("ApiFunction", "ApiVersion"))
    copied = [other.resolve(support._document()["Globals"]), function]
    return json.dumps(copied, sort_keys=True), version["Properties"]["Description"]


def test_a_parameter_that_changes_the_function_makes_a_version() -> None:
    """Without it the gateway would go on to call the version from before."""
    template = Resolved(**CANARY, SampleJobs="true")
    before = copied_and_described(template)
    changing, unnoticed = set(), set()
    for name in parameters().keys() - CANARY.keys():
        value = "false" if name == "SampleJobs" else another(name)
        copied, description = copied_and_described(template, **{name: value})
        if copied != before[0]:
            changing.add(name)
            if description == before[1]:
                unnoticed.add(name)
    assert len(changing) > 15
    assert unnoticed == TOO_LONG


def test_new_code_makes_a_version() -> None:
    """All code of the function but its entry point is in layers, and each upload of a layer has another number."""
    template = Resolved(**CANARY, SampleJobs="true")
    layers = template.properties("ApiFunction")["Layers"]
    assert template.properties("ApiVersion")["Description"].split()[: len(layers)] == layers


def as_written() -> str:
    """Returns a digest of what a version copies that is neither a layer nor a parameter."""
    document = support._document()
    template = [
        document["Globals"]["Function"],
        document["Mappings"]["LambdaLogLevels"],
        document["Resources"]["ApiFunction"]["Properties"],
    ]
    folder = TEMPLATE.parent / document["Resources"]["ApiFunction"]["Properties"]["CodeUri"]
    code = [[path.name, path.read_text(encoding="utf-8")] for path in sorted(folder.rglob("*.py"))]
    assert code, "an empty folder would hold nothing"
    return sha256(json.dumps([template, code], sort_keys=True).encode()).hexdigest()[:8]


def test_the_function_written_anew_makes_a_version() -> None:
    """Without it a change of its memory, its time or its entry point alone would not reach the gateway."""
    template = Resolved(**CANARY)
    stated = template.properties("ApiVersion")["Description"].split()[-1]
    assert stated == as_written(), f'write Function: "{as_written()}" at ApiVersion in template.yaml'


def test_the_longest_description_fits() -> None:
    longest = {**longest_values(), **CANARY, "SampleJobs": "false"}
    description = Resolved(**longest).properties("ApiVersion")["Description"]
    layers = 3 * len("999999")
    assert len(description) + layers <= MOST_CHARACTERS
