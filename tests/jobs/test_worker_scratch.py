"""A worker removes the folders that killed workers left behind, and never one of a living worker."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tidegate.adapters.executors.scratch import WorkerScratch


def _age(folder: Path) -> None:
    """Makes a folder two hours older."""
    at_s = folder.stat().st_mtime - 7_200
    os.utime(folder, (at_s, at_s))


def _left_behind(scratch: WorkerScratch) -> Path:
    """Makes a folder as a kill leaves it: the lock is free, the files are there."""
    (scratch.folder / "of-a-job").mkdir()
    (scratch.folder / "of-a-job" / "secret.txt").write_text("x", encoding="utf-8")
    scratch._lock.close()
    return scratch.folder


def test_a_folder_is_private_and_removed_at_the_end(tmp_path: Path) -> None:
    scratch = WorkerScratch(tmp_path)
    assert scratch.folder.stat().st_mode & 0o777 == 0o700
    (scratch.folder / "file").touch()
    scratch.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_left_as_it_was_serves_again(tmp_path: Path) -> None:
    scratch = WorkerScratch(tmp_path)
    with scratch.attempt_folder() as first, scratch.attempt_folder() as other:
        assert first != other
    with scratch.attempt_folder() as again:
        assert again in (first, other)
        (again / "file").touch()
    assert not again.exists()


def test_a_folder_into_which_an_attempt_wrote_after_its_end_does_not_serve_again(tmp_path: Path) -> None:
    scratch = WorkerScratch(tmp_path)
    with scratch.attempt_folder() as first:
        pass
    (first / "late").touch()  # by a thread or a program that job code left behind
    with scratch.attempt_folder() as following:
        assert list(following.iterdir()) == []
        assert following != first
    assert not first.exists()


def test_a_worker_whose_own_folder_is_gone_gets_another(tmp_path: Path) -> None:
    """Programs that tidy up temporary files remove those that look old."""
    scratch = WorkerScratch(tmp_path)
    with scratch.attempt_folder():
        pass
    gone = scratch.folder
    shutil.rmtree(gone)
    with scratch.attempt_folder() as first, scratch.attempt_folder() as second:
        assert first.is_dir()
        assert first.parent == second.parent == scratch.folder != gone
        assert scratch.folder.stat().st_mode & 0o777 == 0o700
        _age(scratch.folder)
        WorkerScratch(tmp_path).close()
        assert first.is_dir(), "it holds the lock of the new one"
    scratch.close()
    with pytest.raises(FileNotFoundError), scratch.attempt_folder():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_does_not_serve_again(tmp_path: Path) -> None:
    scratch = WorkerScratch(tmp_path)
    with scratch.attempt_folder() as first:
        pass
    first.rmdir()
    with scratch.attempt_folder() as following:
        assert following.is_dir()


def test_what_a_killed_worker_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = _left_behind(WorkerScratch(tmp_path))
    _age(left)
    following = WorkerScratch(tmp_path)
    assert not left.exists()
    assert list(tmp_path.iterdir()) == [following.folder]


def test_neither_a_living_workers_nor_one_that_just_starts(tmp_path: Path) -> None:
    living, young = WorkerScratch(tmp_path), _left_behind(WorkerScratch(tmp_path))
    _age(living.folder)
    WorkerScratch(tmp_path)
    assert living.folder.exists()
    assert young.exists()


def test_what_only_looks_like_one_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    place = tmp_path / "place"
    place.mkdir()
    (place / "tidegate-worker-link").symlink_to(elsewhere)
    (place / "tidegate-worker-file").touch()
    (place / "tidegate-worker-empty").mkdir()
    for found in place.iterdir():
        os.utime(found, (1, 1), follow_symlinks=False)
    WorkerScratch(place)
    assert (elsewhere / "lock").exists()
    assert (place / "tidegate-worker-file").exists()
    assert (place / "tidegate-worker-empty").exists()
