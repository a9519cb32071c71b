"""`template.yaml` as CloudFormation would see it, with conditions, parameters and references resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from cfnlint.decode import decode
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.harness.tables import TEMPLATE

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackId": "arn:aws:cloudformation:eu-central-1:123456789012:stack/tidegate-test/5b6f3c1e-8d2a-4f7b-9c0d",
    "AWS::StackName": "tidegate-test",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = "AWS::NoValue"
MOST_PARTS = 8
"""The parts of a layer version's ARN, the longest that the template splits."""
# Only a deployment knows the parts of such a text, so each part stands as the reference itself.
_UNKNOWN = re.compile(r"<[A-Za-z0-9.]+>")
_NAME = re.compile(r"\$\{([A-Za-z0-9_:.]+)\}")


@cache
def _document() -> dict[str, Any]:
    document, problems = decode(str(TEMPLATE))
    assert not problems, problems
    return dict(document)


@cache
def _transformed_document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(_document()))
    for spec in document["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in spec.get("Properties", {}):
                spec["Properties"][name] = "s3://built/before"  # a deployment uploads the code first
    session = boto3.Session("none", "none", region_name=PSEUDO["AWS::Region"])
    translated: dict[str, Any] = Translator({}, Parser(), boto_session=session).translate(document, {})
    return translated


def parameters() -> dict[str, Any]:
    """Returns the template's parameters by name, in their written form."""
    return dict(_document()["Parameters"])


def rules() -> dict[str, Any]:
    """Returns the template's rules about its parameters, unresolved."""
    return dict(_document()["Rules"])


class Resolved:
    """The template under given parameters. A reference to a resource becomes `<its id>`, an attribute `<id.attribute>`.

    A reference to a resource that does not exist, or not under these parameters, is an error.
    """

    _read = staticmethod(_document)

    def __init__(self, **parameters: str) -> None:
        document = self._read()
        unknown = parameters.keys() - document["Parameters"].keys()
        assert not unknown, unknown
        defaults = {name: str(spec.get("Default", "")) for name, spec in document["Parameters"].items()}
        lists = {name for name, spec in document["Parameters"].items() if "List" in spec["Type"]}
        given = {**defaults, **parameters}
        self.parameters: Mapping[str, str] = given
        self._values = {name: text.split(",") if name in lists else text for name, text in given.items()}
        self._conditions: Mapping[str, Any] = document["Conditions"]
        self._mappings: Mapping[str, Any] = document["Mappings"]
        self._present = self._existing(document["Resources"])
        self.globals: dict[str, Any] = self.resolve(document.get("Globals", {}))
        self.resources: dict[str, Any] = {name: self.resolve(spec) for name, spec in self._present.items()}
        self.outputs: dict[str, Any] = self.resolve(self._existing(document["Outputs"]))

    def _existing(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: {key: value for key, value in spec.items() if key != "Condition"}
            for name, spec in parts.items()
            if "Condition" not in spec or self.holds(str(spec["Condition"]))
        }

    def holds(self, condition: str) -> bool:
        """Says whether one of the template's conditions is true."""
        return bool(self.resolve(self._conditions[condition]))

    def properties(self, resource: str) -> dict[str, Any]:
        """Returns the properties of a resource that exists."""
        found: dict[str, Any] = self.resources[resource]["Properties"]
        return found

    def resolve(self, node: Any) -> Any:
        """Resolves a part of the template."""
        if isinstance(node, list):
            return [each for item in node if (each := self.resolve(item)) != NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if (
                name == "Ref"
                or str(name).startswith("Fn::")
                or (name == "Condition" and isinstance(argument, str))
            ):
                return self._call(str(name), argument)
        resolved = {str(name): self.resolve(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value != NO_VALUE}

    def _call(self, function: str, argument: Any) -> Any:
        match function:
            case "Ref":
                return self._reference(str(argument))
            case "Fn::GetAtt":
                parts = argument.split(".") if isinstance(argument, str) else [str(part) for part in argument]
                return self._reference(".".join(parts))
            case "Fn::Sub":
                text, given = (argument, {}) if isinstance(argument, str) else argument
                own = {name: self.resolve(value) for name, value in given.items()}
                return _NAME.sub(
                    lambda match: str(own[match[1]] if match[1] in own else self._reference(match[1])), text
                )
            case "Fn::Split":
                mark, text = self.resolve(argument)
                if _UNKNOWN.fullmatch(str(text)):
                    return [text] * MOST_PARTS
                return str(text).split(str(mark))
            case "Fn::FindInMap":
                mapping, first, second = (str(self.resolve(part)) for part in argument)
                return self._mappings[mapping][first][second]
            case "Fn::If":
                return self.resolve(argument[1 if self.holds(str(argument[0])) else 2])
            case "Fn::Select":
                number, values = self.resolve(argument)
                return values[int(number)]
        return self._decide(function, argument)

    def _decide(self, function: str, argument: Any) -> bool:
        match function:
            case "Condition":
                return self.holds(argument)
            case "Fn::Equals":
                first, second = self.resolve(argument)
                return str(first) == str(second)
            case "Fn::Not":
                return not self.resolve(argument)[0]
            case "Fn::Or":
                return any(self.resolve(argument))
            case "Fn::And":
                return all(self.resolve(argument))
        raise AssertionError(f"{function} is not known here")

    def _reference(self, name: str) -> Any:
        if name == NO_VALUE:
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self._values:
            return self._values[name]
        assert name.partition(".")[0] in self._present, f"{name} does not exist"
        return f"<{name}>"


class Transformed(Resolved):
    """The template after SAM's transformation under given parameters, with the resources that SAM adds."""

    _read = staticmethod(_transformed_document)
