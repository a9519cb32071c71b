"""targets.yaml is read beside the modules of job code; a fault names its field and the fix, and stands alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tidegate.adapters.executors.json_schema import compile_schema
from tidegate.jobs.registry import JobType, Parameters, Registry
from tidegate.jobs.targets.file import MAX_FILE_BYTES, register_targets
from tidegate.jobs.targets.support import TargetSupport

SUPPORT = TargetSupport(compile_schema)
SCHEMA = "{additionalProperties: false, required: [rows], properties: {rows: {type: integer, minimum: 1}}}"


def _faults(folder: Path, text: str | bytes, registry: Registry | None = None) -> list[tuple[str, str]]:
    data = text.encode() if isinstance(text, str) else text
    (folder / "targets.yaml").write_bytes(data)
    found = register_targets(folder, Registry() if registry is None else registry, SUPPORT)
    return [(name, str(error)) for name, error in found]


def _targets(*lines: str) -> str:
    return "\n".join(["version: 1", "targets:", *(f"  {line}" for line in lines), ""])


def test_a_folder_without_the_file_has_no_targets(tmp_path: Path) -> None:
    registry = Registry()
    assert not list(register_targets(tmp_path, registry, SUPPORT))
    assert not registry.types()


def test_a_target_is_a_type_like_any_other(tmp_path: Path) -> None:
    registry = Registry()
    line = f"a.b: {{command: ['true'], description: Does it., second_attempt: true, parameters: {SCHEMA}}}"
    assert not _faults(tmp_path, _targets(line), registry)
    assert registry.types() == ["a.b"]
    described = registry.described("a.b")
    assert described is not None
    assert described.description == "Does it."
    assert described.parameters_schema is not None
    assert described.parameters_schema["required"] == ["rows"]
    assert registry.violations("a.b", {"rows": 1}) == []
    assert dict(registry.violations("a.b", {"rows": "1", "row": 2})).keys() == {"rows", "row"}
    assert registry.asked()["a.b"] == {
        "reads_upstreams": False,
        "aws_credentials": False,
        "second_attempt": True,
        "needs_process": True,
    }


def test_a_target_without_a_schema_takes_any_object(tmp_path: Path) -> None:
    registry = Registry()
    _faults(tmp_path, _targets("a.b: {command: ['true']}"), registry)
    assert not registry.violations("a.b", {"any": [{"thing": None}]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("version: 1\n\ttargets: {}", "tab"),
        ("version: 1\nversion: 1\n", "'version' twice at line 2"),
        (_targets("a: {command: ['true']}", "a: {command: ['false']}"), "'a' twice at line 4"),
        (_targets("a: {command: ['true'], exit_codes: {75: {}, 75: {}}}"), "'75' twice"),
        ("a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
        ), "aliases make it too large"),
        ("!!python/object/apply:os.system ['true']", "the tag"),
        ("a: " + "[" * 300, "nested too deeply"),
        (b"\xff\xfe", "is not UTF-8"),
        ("x" * (MAX_FILE_BYTES + 1), "is longer than 1,048,576 bytes"),
        ("version: 2\ntargets: {}\n", "version must be 1"),
    ],
)  # fmt: skip
def test_a_file_that_can_not_be_read_is_one_fault(tmp_path: Path, text: str | bytes, message: str) -> None:
    ((name, said),) = _faults(tmp_path, text)
    assert name == ""
    assert message in said


def test_a_pipe_in_place_of_the_file_is_a_fault_and_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "targets.yaml")
    ((name, error),) = register_targets(tmp_path, Registry(), SUPPORT)
    assert (name, str(error)) == ("", "is no regular file")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("{command: [python3, program.py]}", "targets.a.b.command[1] names a file beside targets.yaml"),
        ("{command: [python3, program.py]}", "write {here}/program.py"),
        ("{command: [python3, '{here}/other.py']}", "'other.py', which is not in the folder of targets.yaml"),
        (
            "{command: ['true'], parameters: {properties: {a: {type: text}}}}",
            "#/properties/a/type: must be one of",
        ),
        ("{command: ['true'], parameters: {properties: {a: {pattern: '(?=b)'}}}}", "#/properties/a/pattern"),
        ("{command: ['true'], parameters: {propertis: {}}}", "did you mean 'properties'?"),
        ("{command: ['true'], parameters: {$ref: 'https://example.com/s'}}", "refer to a part of it"),
    ],
)
def test_a_target_that_can_not_work_is_a_fault_of_its_own(tmp_path: Path, target: str, message: str) -> None:
    (tmp_path / "program.py").write_text("")
    registry = Registry()
    ((name, said),) = _faults(tmp_path, _targets(f"a.b: {target}", "a.c: {command: ['true']}"), registry)
    assert name == "a.b"
    assert message in said
    assert registry.types() == ["a.c"]


def test_a_name_must_be_that_of_a_type_and_not_taken(tmp_path: Path) -> None:
    registry = Registry()
    taken = JobType("taken", lambda _parameters, _context: None, Parameters)
    registry.add(taken)
    faults = dict(
        _faults(tmp_path, _targets("taken: {command: ['true']}", "Bad Name: {command: ['true']}"), registry)
    )
    assert "is registered twice" in faults["taken"]
    assert "targets.yaml" in faults["taken"]
    assert "can't be the name of a job type" in faults["Bad Name"]
    assert registry.find("taken") is taken


def test_of_very_many_faults_a_few_are_told(tmp_path: Path) -> None:
    faults = _faults(tmp_path, _targets(*(f"a{number}: {{}}" for number in range(100))))
    assert len(faults) == 21
    assert faults[-1] == ("", "80 more targets have faults; correct these first")
