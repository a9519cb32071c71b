"""`tidegate console` serves what was built until Ctrl-C, and says what to do where nothing was built."""

from __future__ import annotations

import json
import os
import signal
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness.cli.samples import API_URL
from tests.harness.cli.screens import tidegate
from tests.harness.console.built import build_in
from tidegate_cli.commands import console as command
from tidegate_cli.console import built


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(built, "find_project", lambda: tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    build_in(tmp_path / built.PLACE)
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser was opened at. The command ends at once."""
    found: list[str] = []
    monkeypatch.setattr(webbrowser, "open", found.append)
    monkeypatch.setattr(command, "wait_for_the_end", lambda: None)
    return found


def test_the_address_is_printed_and_no_browser_opens_without_a_screen(
    project: Path, opened: list[str]
) -> None:
    result = tidegate("console", "--api-url", API_URL)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("http://127.0.0.1:")
    assert API_URL in result.stderr
    assert opened == []


@pytest.mark.parametrize(("more", "times"), [((), 1), (("--no-browser",), 0)])
def test_a_browser_opens_with_the_ticket(
    project: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], times: int
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    result = tidegate("-o", "json", "console", "--api-url", API_URL, *more)
    address = httpx.URL(json.loads(result.stdout)["address"])
    assert len(opened) == times
    assert all("/open/" in url and address.path.split("/")[1] not in url for url in opened)


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Lets Ctrl-C interrupt, also where a shell started the tests in the background and so had it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_ctrl_c_and_ends_well(
    project: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    wait = command.wait_for_the_end

    def pressed_while_it_waits() -> None:
        timer = threading.Timer(0.2, os.kill, (os.getpid(), number))
        timer.start()
        wait()
        timer.join()

    monkeypatch.setattr(command, "wait_for_the_end", pressed_while_it_waits)
    assert tidegate("console", "--api-url", API_URL, "--no-browser").exit_code == 0


def test_without_a_build_it_says_how_to_make_one(project: Path, opened: list[str]) -> None:
    (project / built.PLACE / "index.html").unlink()
    result = tidegate("console", "--api-url", API_URL)
    assert result.exit_code == 2
    assert "make console" in result.stderr


def test_a_broken_build_is_named(project: Path, opened: list[str]) -> None:
    (project / built.PLACE / "assets" / "photo.png").write_bytes(b"x")
    result = tidegate("console", "--api-url", API_URL)
    assert result.exit_code == 1
    assert "photo.png" in result.stderr


def test_without_a_deployment_it_is_refused(project: Path, opened: list[str]) -> None:
    result = tidegate("console")
    assert result.exit_code == 2
    assert "no API to talk to" in result.stderr
