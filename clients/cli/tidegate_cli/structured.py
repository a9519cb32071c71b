"""Results and problems as JSON or YAML. Characters that would control a terminal are escaped in both."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import yaml

_Dumper = getattr(
    yaml, "CSafeDumper", yaml.SafeDumper
)  # libyaml's, where PyYAML was built with it, is ten times faster
_ONE_LINE = 1_000_000  # characters; long texts are not folded


class Output(StrEnum):
    """The form of results on standard output."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


def as_json(value: Mapping[str, Any]) -> str:
    """Returns a JSON document of several lines."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return re.sub(r"[^\x00-\x7e]+", lambda match: _shown(match[0]), text) + "\n"


def as_yaml(value: Mapping[str, Any]) -> str:
    """Returns a YAML document."""
    plain = json.loads(json.dumps(value))  # without enumerations and tuples, which YAML has no words for
    text = _dumped(plain, allow_unicode=True)
    return text if text.replace("\n", "").isprintable() else _dumped(plain, allow_unicode=False)


def as_one_of_many(value: Mapping[str, Any], output: Output) -> str:
    """Returns a document that others follow: a JSON object on one line, or YAML after a line `---`."""
    return f"---\n{as_yaml(value)}" if output is Output.YAML else f"{json.dumps(value)}\n"


def _dumped(plain: Any, *, allow_unicode: bool) -> str:
    text = yaml.dump(plain, Dumper=_Dumper, allow_unicode=allow_unicode, sort_keys=False, width=_ONE_LINE)
    return str(text)


def _shown(text: str) -> str:
    return "".join(mark if mark.isprintable() else json.dumps(mark)[1:-1] for mark in text)
