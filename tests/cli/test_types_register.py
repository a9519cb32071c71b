"""`tidegate types register` registers a task definition for each container image, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.cli.test_every_command import tidegate

FILE = """
version: 1
targets:
  reports.render:
    container: &image
      image: registry.example.com/render:3
      cpu: 256
      memory_mib: 512
      cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/batch"
      subnets: [subnet-0a1b2c3d]
      execution_role: "arn:aws:iam::123456789012:role/fetch"
      role: "arn:aws:iam::123456789012:role/render"
      command: [render, --fast]
  reports.again: {container: *image}
  reports.other: {command: ["true"]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "targets.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield boto3.client("ecs", region_name="eu-west-1")


def register(file: Path, *options: str) -> dict[str, Any]:
    result = tidegate("types", "register", str(file), "--stack", "tide", "--output", "json", *options)
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_each_image_gets_a_definition_and_a_repeat_registers_nothing(file: Path, ecs: Any) -> None:
    found = register(file)
    assert [(each["type"], each["registered_before"]) for each in found["targets"]] == [
        ("reports.render", False),
        ("reports.again", False),
    ]
    assert found["parameters"] == {
        "ContainerCluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/batch",
        "ContainerRoles": "arn:aws:iam::123456789012:role/fetch,arn:aws:iam::123456789012:role/render",
    }
    before = ecs.list_task_definitions()["taskDefinitionArns"]
    assert len(before) == 2
    again = register(file)
    assert all(each["registered_before"] for each in again["targets"])
    assert ecs.list_task_definitions()["taskDefinitionArns"] == before


def test_a_definition_says_what_its_target_says(file: Path, ecs: Any) -> None:
    family = register(file)["targets"][0]["family"]
    said = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    assert (said["cpu"], said["memory"], said["networkMode"]) == ("256", "512", "awsvpc")
    assert said["requiresCompatibilities"] == ["FARGATE"]
    assert said["executionRoleArn"] == "arn:aws:iam::123456789012:role/fetch"
    assert said["taskRoleArn"] == "arn:aws:iam::123456789012:role/render"
    (container,) = said["containerDefinitions"]
    assert (container["name"], container["image"]) == ("job", "registry.example.com/render:3")
    assert container["command"] == ["render", "--fast"]
    assert container["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "/tidegate/tide/jobs",
            "awslogs-region": "eu-west-1",
            "awslogs-stream-prefix": "container",
        },
    }


def test_another_image_gets_another_family_and_the_former_stays(file: Path, ecs: Any) -> None:
    former = register(file)["targets"][0]["family"]
    file.write_text(FILE.replace("render:3", "render:4"))
    assert register(file)["targets"][0]["family"] != former
    assert ecs.describe_task_definition(taskDefinition=former)["taskDefinition"]["status"] == "ACTIVE"


def test_a_dry_run_registers_nothing(file: Path, ecs: Any) -> None:
    found = register(file, "--dry-run")
    assert (found["dry_run"], len(found["targets"])) == (True, 2)
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []
    shown = tidegate("types", "register", str(file), "--stack", "tide", "--dry-run").stdout
    assert "would be registered" in shown
    assert "ContainerCluster=arn:aws:ecs:eu-west-1:123456789012:cluster/batch" in shown


def test_a_file_without_images_needs_no_aws(tmp_path: Path) -> None:
    path = tmp_path / "targets.yaml"
    path.write_text("version: 1\ntargets: {a.b: {command: ['true']}}\n")
    result = tidegate("types", "register", str(path), "--stack", "tide")
    assert (result.exit_code, result.stdout) == (0, "no target is a container image\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace("cpu: 256", "cpu: 300"), "targets.reports.render.container.cpu"),
        (FILE.replace("version: 1", "version: 2"), "version must be 1"),
        ("{", "targets.yaml"),
        (
            FILE.replace("reports.again: {container: *image}", "reports.again: {container: "
            "{image: a, cpu: 256, memory_mib: 512, cluster: 'arn:aws:ecs:eu-west-1:123456789012:cluster/b', "
            "subnets: [subnet-0a], execution_role: 'arn:aws:iam::123456789012:role/fetch'}}"),
            "name 2 clusters",
        ),
    ],
)  # fmt: skip
def test_a_fault_in_the_file_registers_nothing(file: Path, ecs: Any, text: str, message: str) -> None:
    file.write_text(text)
    result = tidegate("types", "register", str(file), "--stack", "tide")
    assert result.exit_code == 2
    assert message in result.stderr
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []


def test_a_missing_file_and_a_name_that_is_none_are_refused(tmp_path: Path) -> None:
    missing = tidegate("types", "register", str(tmp_path / "no.yaml"), "--stack", "tide")
    assert (missing.exit_code, "does not exist" in missing.stderr) == (2, True)
    wrong = tidegate("types", "register", str(tmp_path / "no.yaml"), "--stack", "a stack")
    assert (wrong.exit_code, "--stack" in wrong.stderr) == (2, True)


def test_without_credentials_it_says_where_to_put_them(
    file: Path, ecs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = tidegate("types", "register", str(file), "--stack", "tide")
    assert result.exit_code == 2
    assert "pass --aws-profile" in result.stderr
    assert ecs is not None
