"""A role's session outlives a restart of the local AWS, until it ends."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ministack import app
from ministack.core import persistence
from ministack.services import sts

from tidegate_devstack.sessions import keep_sessions


@pytest.fixture(autouse=True)
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the emulator save its state into a folder of the test."""
    for name in ("get_state", "load_persisted_state"):
        monkeypatch.setattr(sts, name, getattr(sts, name))
    monkeypatch.setattr(sts, "_sessions", {})
    monkeypatch.setattr(persistence, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(persistence, "PERSIST_STATE", True)
    monkeypatch.setattr(app, "_state_map", {"sts": app._state_map["sts"]})
    monkeypatch.setitem(app._loaded_modules, "sts", sts)


def _restart() -> None:
    persistence.save_all(app._build_persistence_save_dict())
    sts._sessions.clear()
    app._load_persisted_state()


def test_the_emulator_by_itself_forgets_it() -> None:
    sts.register_session("ASIAONE", {"Arn": "arn", "Expiration": time.time() + 60})
    _restart()
    assert not sts._sessions


def test_it_is_kept_with_all_that_is_known_of_it() -> None:
    keep_sessions()
    session = {"Arn": "arn", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": time.time() + 60}
    sts.register_session("ASIAONE", dict(session))
    before = dict(sts._sessions["ASIAONE"])
    _restart()
    assert sts._sessions == {"ASIAONE": before}


def test_one_that_has_ended_is_not() -> None:
    keep_sessions()
    sts.register_session("ASIAOLD", {"Arn": "arn", "Expiration": time.time() - 1})
    _restart()
    assert not sts._sessions
