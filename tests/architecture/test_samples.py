"""Users deploy the demo's job types only if they ask for them."""

from __future__ import annotations

from pathlib import Path

from tests.harness.template import Resolved

ROOT = Path(__file__).resolve().parents[2]
WITH_JOB_CODE = ("ApiFunction", "WorkerFunction")


def test_a_deployment_has_no_samples_by_default() -> None:
    plain, with_samples = Resolved(), Resolved(SampleJobs="true")
    for name in WITH_JOB_CODE:
        layers = plain.properties(name)["Layers"]
        assert [str(layer) for layer in layers] == ["<CoreLayer>", "<JobsLayer>"]
        more = with_samples.properties(name)["Layers"]
        assert [str(layer) for layer in more] == ["<CoreLayer>", "<JobsLayer>", "<SamplesLayer>"]


def test_the_folder_that_users_fill_registers_nothing_of_ours() -> None:
    modules = sorted(path.name for path in (ROOT / "layers" / "jobs" / "tidegate_jobs").rglob("*.py"))
    assert modules == ["__init__.py"]


def test_the_image_holds_no_samples() -> None:
    for name in ("Dockerfile", "Dockerfile.dockerignore"):
        text = (ROOT / "worker" / name).read_text(encoding="utf-8")
        assert "samples" not in text
