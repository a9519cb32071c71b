"""Everything fetched is named by its content: packages by hash, the base image by digest, actions by commit."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "worker" / "Dockerfile"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
LISTS = sorted(
    [
        *(ROOT / "layers").glob("*/requirements.txt"),
        *(ROOT / "dev" / "requirements").glob("*.txt"),
        ROOT / "worker" / "requirements.txt",
    ]
)
NOT_PACKAGES = {"audit-waivers.txt"}
EMULATOR = re.compile(r"ministack==([\d.]+)(?:\s|$)")
INSTALL = re.compile(r"pip (?:install|sync)\b[^\n]*(?:\\\n[^\n]*)*")


def _workflow(path: Path) -> Any:
    return yaml_parse(path.read_text(encoding="utf-8"))


def _requirements(text: str) -> list[str]:
    """Returns the logical lines of a requirements list."""
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def unpinned_bases(dockerfile: str) -> list[str]:
    """Returns the base images of a Dockerfile that have no digest, after its arguments' defaults are filled in."""
    defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.MULTILINE))
    bases = re.findall(r"^FROM (?:--\S+ )*(\S+)", dockerfile, re.MULTILINE)
    named = [re.sub(r"\$\{(\w+)\}", lambda match: defaults.get(match[1], ""), base) for base in bases]
    return [base for base in named if not re.search(r"@sha256:[0-9a-f]{64}$", base)]


def test_the_base_of_the_image_is_pinned_to_its_content() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert "FROM" in text
    assert unpinned_bases(text) == []


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM python:3.13-slim\n",
        "ARG VERSION=3.13\nFROM python:${VERSION}-slim\n",
        "ARG IMAGE\nFROM ${IMAGE}\n",
        "FROM --platform=linux/arm64 python:3.13-slim@sha256:7c61 AS build\n",
    ],
)
def test_a_base_that_is_not_is_noticed(dockerfile: str) -> None:
    assert unpinned_bases(dockerfile)


def test_every_package_is_pinned_with_its_hashes() -> None:
    for path in LISTS:
        if path.name not in NOT_PACKAGES:
            for line in _requirements(path.read_text(encoding="utf-8")):
                assert re.match(r"\S+==.*--hash=sha256:", line), f"{path.relative_to(ROOT)}: {line[:60]}"


def test_the_emulator_is_pinned_exactly_because_private_parts_of_it_are_patched() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = _requirements((ROOT / "dev" / "requirements" / "dev.in").read_text(encoding="utf-8"))
    locked = _requirements((ROOT / "dev" / "requirements" / "dev.txt").read_text(encoding="utf-8"))
    lists = (project["optional-dependencies"]["local"], wanted, locked)
    versions = [EMULATOR.match(line) for each in lists for line in each if line.startswith("ministack")]
    assert len(versions) == len(lists)
    assert len({version and version[1] for version in versions}) == 1
    assert versions[0], "ministack must be pinned with =="


def test_every_install_asks_for_hashes() -> None:
    makefiles = (ROOT / "Makefile", ROOT / "dev" / "benchmarks" / "Makefile")
    for path in (DOCKERFILE, *makefiles, ROOT / ".ci" / "run", *WORKFLOWS):
        for command in INSTALL.findall(path.read_text(encoding="utf-8")):
            # This project itself is installed from its own folder and needs no hash.
            assert "--require-hashes" in command or "--no-deps" in command, f"{path.name}: {command}"
    assert len(INSTALL.findall(DOCKERFILE.read_text(encoding="utf-8"))) == 1


def test_workflows_pin_actions_and_may_only_read() -> None:
    assert WORKFLOWS
    for path in WORKFLOWS:
        workflow = _workflow(path)
        assert workflow["permissions"] == {"contents": "read"}
        assert "pull_request_target" not in workflow[True]  # YAML reads `on` as true
        for job in workflow["jobs"].values():
            assert "permissions" not in job
            for step in job["steps"]:
                if "uses" in step:
                    assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]), step["uses"]


def test_the_public_check_runs_what_every_change_must_pass_and_fails_without_audit_or_console() -> None:
    (job,) = _workflow(ROOT / ".github" / "workflows" / "check.yml")["jobs"].values()
    assert job["env"] == {"TIDEGATE_AUDIT": "required", "TIDEGATE_CONSOLE": "required"}
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
