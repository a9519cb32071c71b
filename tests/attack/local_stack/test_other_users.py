"""Attacks on a local stack by another user of the same machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from tests.harness.attack.local_stack.callers import (
    ASKS,
    FUNCTION,
    GUESSED,
    Attempt,
    LocalAws,
    as_nobody,
    denied,
    signed,
)
from tidegate_devstack.root_key import read_root_secret

RESET = "/_ministack/reset"


def test_all_files_of_the_home_are_private(aws: LocalAws, shown: dict[str, Any]) -> None:
    places = [aws.places.home, *aws.places.home.rglob("*")]
    names = {place.name for place in places}
    assert {"secret", "emulator.json", "emulator.log", "state", "tmp", "app.py"} <= names
    assert [str(place) for place in places if not place.is_symlink() and place.stat().st_mode & 0o077] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can act as another user of the machine")
def test_another_user_learns_nothing_and_does_nothing(aws: LocalAws) -> None:
    secret, home, pid, url = read_root_secret(aws.places), aws.places.home, aws.pid, aws.url

    def attack() -> dict[str, object]:
        command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
        guesses = [signed(url, Credentials(*keys), ASKS) for keys in GUESSED.values()]
        attempts = [ASKS, Attempt("POST", RESET, {}), *guesses]
        invoke = Attempt("POST", f"/2015-03-31/functions/{FUNCTION}/invocations", {}, b"{}")
        attempts += [
            invoke,
            *(signed(url, Credentials(*k), invoke, service="lambda") for k in GUESSED.values()),
        ]
        return {
            "user": os.geteuid(),
            "home": denied(lambda: list(home.iterdir())),
            "secret": denied((home / "secret").read_bytes),
            "record": denied((home / "emulator.json").read_bytes),
            "environment": denied(Path(f"/proc/{pid}/environ").read_bytes),
            "secret in the command": secret in command,
            "answers": [attempt.send(url).status_code for attempt in attempts],
            "health": Attempt("GET", "/_ministack/health", {}).send(url).status_code,
        }

    found = as_nobody(attack)
    assert set(found.pop("answers")) <= {400, 403}
    assert found == {
        "user": 65_534,
        "home": "PermissionError",
        "secret": "PermissionError",
        "record": "PermissionError",
        "environment": "PermissionError",
        "secret in the command": False,
        "health": 200,
    }
    assert aws.is_whole()
