"""A local stack's home, its secret and its files are readable for its user only."""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path

import pytest

from tidegate_devstack import LocalStackError, private_files, root_key
from tidegate_devstack.model import StackInfo
from tidegate_devstack.places import Places


@pytest.fixture
def loose_umask() -> object:
    """Sets a umask under which new files are readable for all unless their maker restricts them."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def places_at(home: Path) -> Places:
    return Places(project=home.parent, home=home)


@pytest.mark.usefixtures("loose_umask")
def test_a_new_home_and_all_that_is_made_there_are_private(tmp_path: Path) -> None:
    places = places_at(tmp_path / "deep" / "home")
    with places.lock_home(lambda _line: None):
        pass
    private_files.make_private_folder(places.state)
    private_files.replace_private(places.stack_info, "{}")
    private_files.open_private(places.emulator_log).close()
    root_key.draw_root_secret(places)
    assert {path.name: mode_of(path) for path in [places.home, *places.home.iterdir()]} == {
        "home": 0o700,
        "emulator.log": 0o600,
        "lock": 0o600,
        "secret": 0o600,
        "stack.json": 0o600,
        "state": 0o700,
    }


@pytest.mark.usefixtures("loose_umask")
def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    for name in ("lock", "emulator.log"):
        (home / name).write_text("old", encoding="utf-8")
    places = places_at(home)
    places.claim_home()
    with private_files.open_private(places.emulator_log) as file:
        file.write(b"new")
    assert (mode_of(home), mode_of(places.emulator_log)) == (0o700, 0o600)
    assert places.emulator_log.read_bytes() == b"new"


@pytest.mark.usefixtures("loose_umask")
@pytest.mark.parametrize("name", [".tidegate", "empty"])
def test_an_open_folder_that_is_a_home_without_doubt_is_closed(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir(mode=0o755)
    if name == ".tidegate":
        (home / "mutants").mkdir()
    places_at(home).claim_home()
    assert mode_of(home) == 0o700


@pytest.mark.usefixtures("loose_umask")
def test_a_folder_of_other_things_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine", encoding="utf-8")
    tmp_path.chmod(0o755)
    with pytest.raises(LocalStackError, match="holds more than a stack"):
        places_at(tmp_path).claim_home()
    assert mode_of(tmp_path) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can make a folder of another user")
def test_a_home_of_another_user_is_refused(tmp_path: Path) -> None:
    home = tmp_path / ".tidegate"
    home.mkdir(mode=0o700)
    os.chown(home, 65_534, 65_534)
    with pytest.raises(LocalStackError, match="belongs to another user"):
        places_at(home).claim_home()


def test_a_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine", encoding="utf-8")
    (tmp_path / "log").symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        private_files.open_private(tmp_path / "log")
    assert target.read_text(encoding="utf-8") == "mine"


def test_each_home_has_a_secret_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    first, second = places_at(tmp_path / "a"), places_at(tmp_path / "b")
    for places in (first, second):
        places.claim_home()
    secret = root_key.draw_root_secret(first)
    assert len(secret) >= 40
    assert root_key.draw_root_secret(first) == secret == root_key.read_root_secret(first)
    assert root_key.draw_root_secret(second) != secret
    assert [path.name for path in first.home.iterdir()] == ["secret"]


def test_two_that_draw_at_once_get_the_same_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = places_at(tmp_path / "home")
    places.claim_home()
    both_are_about_to_draw = threading.Barrier(2, timeout=10)
    drawn: list[str] = []
    draw = secrets.token_urlsafe

    def drawn_together(size: int) -> str:
        both_are_about_to_draw.wait()
        return draw(size)

    monkeypatch.setattr(secrets, "token_urlsafe", drawn_together)
    threads = [
        threading.Thread(target=lambda: drawn.append(root_key.draw_root_secret(places))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(drawn) == 2
    assert len(set(drawn)) == 1


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [(None, 0, "local up"), ("", 0o600, "is empty"), ("word", 0o644, "other users can read")],
)
def test_a_secret_that_is_none_is_not_used(tmp_path: Path, text: str | None, mode: int, problem: str) -> None:
    places = places_at(tmp_path)
    if text is not None:
        places.root_secret.write_text(text, encoding="utf-8")
        places.root_secret.chmod(mode)
    with pytest.raises(LocalStackError, match=problem):
        root_key.read_root_secret(places)


def test_the_secret_is_not_shown_with_the_stack() -> None:
    info = StackInfo(
        api_url="http://127.0.0.1:1/live",
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        access_key_id="key",
        secret_access_key="drawn-word",
        outputs={},
        environment={},
        port=1,
        pid=2,
    )
    assert "drawn-word" not in repr(info)
