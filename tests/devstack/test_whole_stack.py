"""A half-deployed stack is created anew only if it never was complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tidegate_devstack import LocalStackError, cloud, job_code, sam, stack
from tidegate_devstack import emulator as emulators
from tidegate_devstack.cloud import Deployment
from tidegate_devstack.emulator import Emulator
from tidegate_devstack.places import Places
from tidegate_devstack.private_files import make_private_folder
from tidegate_devstack.root_key import draw_root_secret

RUNNING = Emulator(pid=1, mark="running", port=1)
KEY = "000000000000\x00us-east-1\x00'tidegate'"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Makes a home whose saved stack is in the middle of an update. Its emulator need not run."""
    made = Places(project=tmp_path, home=tmp_path / "home")
    make_private_folder(made.home)
    make_private_folder(made.state)
    draw_root_secret(made)
    made.was_whole.touch()
    saved = {"payload": {"stacks": {"data": {KEY: {"StackStatus": "UPDATE_IN_PROGRESS", "Tags": []}}}}}
    (made.state / "cloudformation.json").write_text(json.dumps(saved), encoding="utf-8")
    monkeypatch.setattr(emulators, "stop", lambda _: True)
    monkeypatch.setattr(emulators, "start", lambda *_: RUNNING)
    return made


def whole(places: Places, monkeypatch: pytest.MonkeyPatch, status: str) -> list[str]:
    """Returns the progress lines printed while a stack of this status is made whole."""
    said: list[str] = []
    monkeypatch.setattr(cloud, "describe", lambda *_: Deployment(status, None, {}))
    assert stack._whole(places, RUNNING, said.append) == RUNNING
    return said


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_FAILED"])
def test_an_interrupted_update_is_deployed_again_on_what_the_stack_holds(
    places: Places, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    assert "deploying again" in whole(places, monkeypatch, status)[0]
    saved = json.loads((places.state / "cloudformation.json").read_text(encoding="utf-8"))
    assert saved["payload"]["stacks"]["data"][KEY]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("status", ["CREATE_FAILED", "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"])
def test_a_first_deployment_starts_over(places: Places, monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    places.was_whole.unlink()
    assert "starting over" in whole(places, monkeypatch, status)[0]
    assert not places.state.exists()


@pytest.mark.parametrize("status", ["DELETE_FAILED", "ROLLBACK_COMPLETE"])
def test_any_other_stack_that_was_whole_is_left_to_the_user(
    places: Places, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    with pytest.raises(LocalStackError, match=r"nothing was changed.*down --wipe"):
        whole(places, monkeypatch, status)
    assert places.state.exists()


def test_other_executions_take_a_restart(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Places, "find", classmethod(lambda *_: places))
    monkeypatch.setattr(sam, "local_parameters", lambda *_: {})
    monkeypatch.setattr(sam, "content_hash", lambda *_: "one")
    monkeypatch.setattr(sam, "build", lambda *_: None)
    monkeypatch.setattr(job_code, "check_source", lambda _: True)
    monkeypatch.setattr(emulators, "find_running", lambda _: RUNNING)
    with pytest.raises(LocalStackError, match=r"runs with 16 executions.*tidegate local down"):
        stack.up(lambda _: None, executions=40)
