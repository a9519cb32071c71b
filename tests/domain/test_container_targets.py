"""Targets that are container images are read completely, and each fault names its field and the fix."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tidegate.domain.containers import FARGATE_MEMORY_MIB, Container
from tidegate.domain.meanings import Meaning
from tidegate.domain.targets import Target, read_targets

CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/batch"
ROLE = "arn:aws:iam::123456789012:role/"
LEAST: dict[str, object] = {
    "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/render:3",
    "cpu": 1024,
    "memory_mib": 2048,
    "cluster": CLUSTER,
    "subnets": ["subnet-0a1b"],
    "execution_role": f"{ROLE}fetch",
}
WORK = Container("a.b", str(LEAST["image"]), 1024, 2048, CLUSTER, ("subnet-0a1b",), f"{ROLE}fetch")


def _read(container: object, **target: object) -> Target:
    (found,), faults = read_targets({"version": 1, "targets": {"a.b": {"container": container, **target}}})
    assert not faults
    return found


def test_the_least_container_is_read_and_gets_the_worker_s_credentials() -> None:
    assert _read(LEAST) == Target("a.b", WORK, aws_credentials=True)
    assert _read(LEAST).arns == ()
    assert WORK.roles == (f"{ROLE}fetch",)


def test_a_container_is_read_with_all_its_settings() -> None:
    more = {
        "role": f"{ROLE}app/render",
        "security_groups": ["sg-0a", "sg-0b"],
        "public_address": True,
        "command": ["render", "--fast"],
    }
    found = _read(LEAST | more, exit_codes={"75": {"retry": False}}, timeout_seconds=60)
    work = replace(
        WORK,
        role=f"{ROLE}app/render",
        security_groups=("sg-0a", "sg-0b"),
        public_address=True,
        command=("render", "--fast"),
        exit_codes={75: Meaning("exit-code-75", retryable=False)},
    )
    assert found == Target("a.b", work, timeout_seconds=60, aws_credentials=True)
    assert work.roles == (f"{ROLE}fetch", f"{ROLE}app/render")


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"image": None}, "image", "must be an image"),
        ({"image": "render; rm"}, "image", "must be an image"),
        ({"cpu": 100}, "cpu", "256, 512, 1024"),
        ({"cpu": "1024"}, "cpu", "1024 are one processor"),
        ({"cpu": True}, "cpu", "units of processor"),
        ({"memory_mib": 1024}, "memory_mib", "with cpu 1024: from 2048 to 8192 in steps of 1024"),
        ({"cpu": 256, "memory_mib": 4096}, "memory_mib", "with cpu 256: 512, 1024, 2048"),
        ({"memory_mib": 2048.0}, "memory_mib", "must be MiB"),
        ({"cluster": "batch"}, "cluster", "an ARN like arn:aws:ecs:"),
        ({"cluster": f"{CLUSTER}/*"}, "cluster", "an ARN like arn:aws:ecs:"),
        ({"subnets": []}, "subnets", "a list of 1 to 16"),
        ({"subnets": ["subnet-0a"] * 17}, "subnets", "a list of 1 to 16"),
        ({"subnets": ["a"]}, "subnets[0]", "subnet-0a1b2c3d"),
        ({"security_groups": ["subnet-0a"]}, "security_groups[0]", "sg-0a1b2c3d"),
        ({"security_groups": ["sg-0a"] * 6}, "security_groups", "a list of 0 to 5"),
        ({"execution_role": None}, "execution_role", "an ARN like arn:aws:iam:"),
        ({"role": "admin"}, "role", "an ARN like arn:aws:iam:"),
        ({"public_address": "no"}, "public_address", "true or false"),
        ({"command": "render"}, "command", "a list of 1 to 100"),
        ({"command": []}, "command", "a list of 1 to 100"),
        ({"command": ["render", 3]}, "command[1]", "quotation marks"),
        ({"memory": 2048}, "memory", "did you mean 'memory_mib'?"),
        ({"retry": {}}, "retry", "field of a submission"),
    ],
)
def test_a_fault_names_its_field_and_the_fix(change: dict[str, object], field: str, message: str) -> None:
    file = {"version": 1, "targets": {"a.b": {"container": LEAST | change}}}
    targets, (fault,) = read_targets(file)
    assert not targets
    assert [each.field for each in fault.violations] == [f"targets.a.b.container.{field}"]
    assert message in str(fault)


def test_each_size_of_fargate_fits_with_its_own_memory() -> None:
    for cpu, memory in FARGATE_MEMORY_MIB.items():
        for each in memory:
            work = _read(LEAST | {"cpu": cpu, "memory_mib": each}).work
            assert isinstance(work, Container)
            assert (work.cpu, work.memory_mib) == (cpu, each)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a.c"},
        {"image": "render:4"},
        {"cpu": 2048},
        {"memory_mib": 4096},
        {"role": f"{ROLE}app"},
        {"execution_role": f"{ROLE}other"},
        {"command": ("render",)},
    ],
)
def test_another_definition_has_another_family(change: dict[str, object]) -> None:
    # Each change has the type of its own field, which a mapping of changes can't say.
    assert replace(WORK, **change).family("s") != WORK.family("s")  # type: ignore[arg-type]


def test_the_network_and_the_cluster_are_no_part_of_the_family() -> None:
    other = replace(
        WORK, subnets=("subnet-0c",), security_groups=("sg-0a",), public_address=True, exit_codes={}
    )
    assert other.family("s") == WORK.family("s") == "s-target-a_b-110209b9dd87d7cb"


def test_the_longest_family_fits_into_the_limit_of_ecs() -> None:
    longest = replace(WORK, name="a." + "b" * 62).family("s" * 128)
    assert len(longest) <= 255
    assert "." not in longest
