"""The files of items return what was written, wherever a file was cut off and whenever a base was begun."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tidegate_devstack.item_files import BrokenFileError, Change, ItemFiles


def put(key: str, value: str = "") -> Change:
    return Change("table", key, "-", {"id": {"S": key}, "value": {"S": value}})


def read(folder: Path) -> dict[str, str]:
    """Returns the stored items, by key."""
    standing: dict[str, str] = {}
    for change in ItemFiles(folder).read():
        if change.item is None:
            standing.pop(change.partition, None)
        else:
            standing[change.partition] = change.item["value"]["S"]
    return standing


def test_changes_are_read_in_the_order_they_were_written(tmp_path: Path) -> None:
    for changes in ([put("a", "1"), put("b", "1")], [put("a", "2"), Change("table", "b", "-", None)]):
        files = ItemFiles(tmp_path)
        files.begin_journal()
        files.append(changes)
    assert read(tmp_path) == {"a": "2"}


@pytest.mark.parametrize("cut_bytes", [1, 5, 30])
def test_a_cut_end_says_nothing_and_what_is_before_it_stands(tmp_path: Path, cut_bytes: int) -> None:
    files = ItemFiles(tmp_path)
    files.begin_journal()
    files.append([put("a", "1")])
    files.append([put("a", "2"), put("b", "2")])
    (journal,) = tmp_path.iterdir()
    journal.write_bytes(journal.read_bytes()[:-cut_bytes])
    assert [damage.torn for damage in ItemFiles(tmp_path).damages()] == [True]
    assert read(tmp_path) == {"a": "1"}


def test_a_changed_byte_before_the_end_is_an_error(tmp_path: Path) -> None:
    files = ItemFiles(tmp_path)
    files.begin_journal()
    files.append([put("a", "1")])
    files.append([put("b", "1")])
    (journal,) = tmp_path.iterdir()
    journal.write_bytes(journal.read_bytes().replace(b'"a"', b'"c"'))
    assert [damage.torn for damage in ItemFiles(tmp_path).damages()] == [False]
    with pytest.raises(BrokenFileError, match="from byte 0 on"):
        read(tmp_path)


def test_changes_beside_a_base_win_over_it(tmp_path: Path) -> None:
    files = ItemFiles(tmp_path)
    files.begin_journal()
    files.append([put(f"k{number}", "old") for number in range(500)])
    steps = files.write_base(files.begin_journal(), iter([put(f"k{number}", "old") for number in range(500)]))
    next(steps)
    files.append([put("k0", "new"), Change("table", "k499", "-", None)])
    for _ in steps:
        pass
    standing = read(tmp_path)
    assert (len(standing), standing["k0"], standing["k1"]) == (499, "new", "old")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base-00000002", "journal-00000002"]


def test_a_base_that_was_never_finished_counts_for_nothing(tmp_path: Path) -> None:
    files = ItemFiles(tmp_path)
    files.begin_journal()
    files.append([put(f"k{number}", "old") for number in range(500)])
    steps = files.write_base(files.begin_journal(), iter([put(f"k{number}", "old") for number in range(500)]))
    next(steps)
    files.append([put("k0", "new")])
    standing = read(tmp_path)  # as after a kill
    assert (len(standing), standing["k0"], standing["k1"]) == (500, "new", "old")


def test_a_line_that_could_not_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ItemFiles(tmp_path)
    files.begin_journal()
    files.append([put("a", "1")])
    real = os.pwrite

    def half(descriptor: int, line: bytes, offset: int) -> int:
        real(descriptor, line[:10], offset)
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", half)
        with pytest.raises(OSError, match="no space"):
            files.append([put("b", "1")])
    files.append([put("c", "1")])
    assert read(tmp_path) == {"a": "1", "c": "1"}
    assert ItemFiles(tmp_path).damages() == []
