"""Hostile files of other tools cost `tidegate import` little: each is refused or read within seconds."""

from __future__ import annotations

import time

import pytest

from tests.harness.cli.importing import imported
from tidegate_cli.errors import UsageError
from tidegate_cli.importing.formats import Format

SECONDS = 20.0  # on a loaded machine; each takes less than one by itself
HALF = 200_000
ARGO = "kind: Workflow\nspec:\n  entrypoint: a\n  templates:\n  - name: a\n    container: {command: [%s]}\n"
SUBMIT = {"a.sub": "executable = /x\n"}


@pytest.mark.parametrize(
    ("format_", "text", "files"),
    [
        (Format.ARGO, ARGO % ("'" + "{{" * HALF + "'"), {}),
        (Format.ARGO, ARGO % ("'" + "{{a}}" * 20_000 + "'"), {}),
        (Format.GITHUB, "jobs: {a: {steps: [{run: '" + "${{" * HALF + "'}]}}", {}),
        (Format.GITHUB, "jobs: {a: {if: '" + "!" * 3_000 + "true', steps: [{run: x}]}}", {}),
        (Format.MAKEFLOW, "a" * HALF + "\n" + "b: c\n\td\n", {}),
        (Format.MAKEFLOW, "a" + " " * HALF + "b\nb: c\n\td\n", {}),
        (Format.MAKEFLOW, "\\\n" * HALF, {}),
        (Format.DAGMAN, "JOB A a.sub\nVARS A " + "a" * HALF, SUBMIT),
        (Format.DAGMAN, "JOB A a.sub \\\n" + "\\\n" * HALF, SUBMIT),
        (
            Format.DAGMAN,
            "".join(f"JOB n{n} a.sub\n" for n in range(2_000)) + "RETRY ALL_NODES 1\n" * 2_000,
            SUBMIT,
        ),
        (Format.DAGMAN, "JOB A a.sub", {"a.sub": "executable = /x\na=x" + " " * 60_000 + "y\n"}),
        (Format.DAGMAN, "JOB A a.sub", {"a.sub": "executable = /x\nb = " + "$(a:" * 15_000 + "\n"}),
        (Format.DAGMAN, "JOB A a.sub", {"a.sub": "executable = /x\n" + "\\\n" * HALF}),
        (
            Format.DAGMAN,
            "JOB A a.sub",
            {"a.sub": "executable = /x\n" + "".join(f"v{n} = 1\n" for n in range(20_000))},
        ),
    ],
)
def test_a_hostile_file_costs_little(format_: Format, text: str, files: dict[str, str]) -> None:
    begun = time.process_time()
    said = ""
    try:
        made, notes = imported(format_, text, files)
        assert made.job_count <= 10_000
        assert len(notes.kept) <= 1_000
    except UsageError as error:
        said = str(error)
    assert len(said) < 1_000
    assert time.process_time() - begun < SECONDS
