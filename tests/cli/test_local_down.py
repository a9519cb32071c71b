"""`tidegate local down` says what it ended and removed, even if no stack is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.cli.screens import tidegate


def test_where_there_is_no_stack_it_says_where_it_looked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "none"
    monkeypatch.setenv("TIDEGATE_HOME", str(home))
    result = tidegate("local", "down")
    assert (result.exit_code, result.stderr) == (0, f"there is no local stack in {home}\n")
    assert not home.exists()


def test_a_wipe_of_a_stack_that_is_not_up_says_that_it_removed_what_was_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("TIDEGATE_HOME", str(home))
    assert tidegate("local", "down").stderr == "the local stack was not up\n"
    (home / "secret").write_text("drawn before")
    result = tidegate("local", "down", "--wipe")
    assert (result.exit_code, result.stderr) == (0, "the local stack was not up; its data is removed\n")
    assert not (home / "secret").exists()
