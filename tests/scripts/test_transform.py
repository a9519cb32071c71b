"""The template without SAM, as checkov reads it, is complete."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dev.scripts.audit import ROOT
from tests.harness.tables import TEMPLATE, resources

FUNCTIONS = {name for name, spec in resources().items() if spec["Type"] == "AWS::Serverless::Function"}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    target = tmp_path_factory.mktemp("transformed") / "new" / "template.json"
    subprocess.run(
        [sys.executable, str(ROOT / "dev" / "scripts" / "transform.py"), str(TEMPLATE), str(target)],
        check=True,
    )
    document: dict[str, Any] = json.loads(Path(target).read_text(encoding="utf-8"))
    return dict(document["Resources"])


def test_nothing_of_sam_is_left_and_nothing_is_lost(plain: dict[str, Any]) -> None:
    assert not [name for name, spec in plain.items() if spec["Type"].startswith("AWS::Serverless::")]
    untouched = {
        name: spec["Type"] for name, spec in resources().items() if not spec["Type"].startswith("AWS::Serv")
    }
    assert {name: plain[name]["Type"] for name in untouched} == untouched


def test_the_functions_have_the_roles_that_the_template_writes_out(plain: dict[str, Any]) -> None:
    for name in FUNCTIONS:
        role = plain[name]["Properties"]["Role"]["Fn::GetAtt"][0]
        (policy,) = plain[role]["Properties"]["Policies"]
        assert policy["PolicyDocument"]["Statement"]


def test_waivers_of_functions_reach_what_is_made_of_them(plain: dict[str, Any]) -> None:
    waivers = {name: spec.get("Metadata", {}).get("checkov") for name, spec in resources().items()}
    assert any(waivers[name] for name in FUNCTIONS)
    assert {name: plain[name].get("Metadata", {}).get("checkov") for name in FUNCTIONS} == {
        name: waivers[name] for name in FUNCTIONS
    }


def test_every_waiver_has_a_reason() -> None:
    listed = (ROOT / ".checkov.yaml").read_text(encoding="utf-8").splitlines()
    for before, line in pairwise(listed):
        if line.strip().startswith("- CKV"):
            assert "#" in line or before.strip().startswith("#"), line
    for name, spec in resources().items():
        for waiver in spec.get("Metadata", {}).get("checkov", {}).get("skip", ()):
            assert len(waiver["comment"].split()) > 3, name
