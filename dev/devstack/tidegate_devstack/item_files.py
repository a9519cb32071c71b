"""The files that hold the items of the emulator's tables, so that a kill of the emulator does not lose them.

A folder holds numbered *bases* and *journals*. A base has every item that existed while it was written. A journal has
the changes since the base with its number was begun. To read the items, read the last complete base, and then every
journal from its number on, in order. A change carries the whole item, so reading it twice does no harm.

A file consists of lines of `CRC-32 JSON`. A line is a list of changes that were made together. A kill can cut off the
last line of a journal. Such a file is *torn*, and the changes in that line had not been saved. Any other line that does
not match its checksum makes the file *broken*.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tidegate_devstack.private_files import open_private, sync_folder

_BASE, _JOURNAL, _DRAFT = "base", "journal", "new"
_ITEMS_A_LINE = 200


class Change(NamedTuple):
    """A change of an item. `item` is the item after it, None if it was deleted.

    `table_id` distinguishes a table from an earlier one with the same name.
    """

    table_id: str
    partition: str
    sort: str
    item: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged line of a file. `offset` is where the line begins, in bytes. `torn` is True for a cut last line."""

    path: Path
    offset: int
    torn: bool


class BrokenFileError(Exception):
    """A file of items that is broken. `damage` says where."""

    def __init__(self, damage: Damage) -> None:
        self.damage = damage
        super().__init__(f"{damage.path} is not as it was written from byte {damage.offset:,} on")


class ItemFiles:
    """The files of one folder. Read them first, then begin a journal and write."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor = -1  # no file yet, so a write before `begin_journal` raises OSError
        self._good_bytes = 0
        self._older_bytes = 0

    def read(self) -> Iterator[Change]:
        """Yields every change to apply, in order. A torn end is skipped. Raises BrokenFileError for a broken file."""
        for path in self._whole():
            for line in _lines(path):
                if isinstance(line, Damage):
                    if not line.torn:
                        raise BrokenFileError(line)
                    break
                yield from (Change(*fields) for fields in json.loads(line))

    def damages(self) -> list[Damage]:
        """Returns the damage of each file that is torn or broken."""
        found = (line for path in self._whole() for line in _lines(path))
        return [line for line in found if isinstance(line, Damage)]

    @property
    def has_base(self) -> bool:
        """True if a complete base was ever written here."""
        return bool(self._numbers(_BASE))

    @property
    def journal_bytes(self) -> int:
        """Returns the size in bytes of the journals that must be read after the base."""
        return self._older_bytes + self._good_bytes

    @property
    def base_bytes(self) -> int:
        """Returns the size in bytes of the last complete base; 0 without one."""
        numbers = self._numbers(_BASE)
        return self._path(_BASE, numbers[-1]).stat().st_size if numbers else 0

    def begin_journal(self) -> int:
        """Begins a new journal, to which `append` writes from now on, and returns its number. Raises OSError."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        number = max((*self._numbers(_BASE), *self._numbers(_JOURNAL)), default=0) + 1
        least = self._numbers(_BASE)[-1:] or [0]
        older = [self._path(_JOURNAL, each) for each in self._numbers(_JOURNAL) if each >= least[0]]
        self._older_bytes = sum(path.stat().st_size for path in older)
        self._good_bytes = 0
        self._descriptor = os.open(
            self._path(_JOURNAL, number), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        sync_folder(self._folder)
        return number

    def append(self, changes: Sequence[Change]) -> None:
        """Writes changes as one line, which is later read completely or not at all.

        Raises OSError if that fails. Then nothing of the line stays in the file.
        """
        line = _line(changes)
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(self._descriptor, line[written:], self._good_bytes + written)
        except OSError:
            os.ftruncate(self._descriptor, self._good_bytes)
            raise
        self._good_bytes += len(line)

    def sync(self) -> None:
        """Syncs the journal to the disk, so that it survives a loss of power. Raises OSError."""
        os.fsync(self._descriptor)

    def write_base(self, number: int, items: Iterator[Change]) -> Iterator[None]:
        """Writes the base of journal `number`, some `items` at each step of the iterator. Raises OSError.

        Changes that happen in the meantime must be appended to that journal. The last step removes the older bases
        and journals, which the new base replaces.
        """
        draft = self._path(_BASE, number).with_suffix(f".{_DRAFT}")
        with open_private(draft) as file:
            held: list[Change] = []
            for change in items:
                held.append(change)
                if len(held) == _ITEMS_A_LINE:
                    file.write(_line(held))
                    held.clear()
                    yield
            if held:
                file.write(_line(held))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path(_BASE, number))
        sync_folder(self._folder)
        for kind in (_BASE, _JOURNAL):
            for each in self._numbers(kind):
                if each < number:
                    self._path(kind, each).unlink()
        self._older_bytes = 0

    def _whole(self) -> list[Path]:
        bases = self._numbers(_BASE)[-1:]
        journals = [each for each in self._numbers(_JOURNAL) if not bases or each >= bases[0]]
        return [
            *(self._path(_BASE, each) for each in bases),
            *(self._path(_JOURNAL, each) for each in journals),
        ]

    def _numbers(self, kind: str) -> list[int]:
        if not self._folder.is_dir():
            return []
        names = (path.name.partition("-") for path in self._folder.iterdir())
        return sorted(int(number) for found, _, number in names if found == kind and number.isdecimal())

    def _path(self, kind: str, number: int) -> Path:
        return self._folder / f"{kind}-{number:08d}"


def _line(changes: Sequence[Change]) -> bytes:
    body = json.dumps(changes, separators=(",", ":"), ensure_ascii=False).encode()
    return b"%08x %b\n" % (zlib.crc32(body), body)


def _lines(path: Path) -> Iterator[bytes | Damage]:
    """Yields the bodies of a file's lines. At the first damaged line it yields the damage, and stops."""
    offset, size = 0, path.stat().st_size
    with path.open("rb") as file:
        for line in file:
            body = line[9:-1]
            if not line.endswith(b"\n") or line[:9] != b"%08x " % zlib.crc32(body):
                ends_here = offset + len(line) == size
                yield Damage(path, offset, torn=ends_here and path.name.startswith(_JOURNAL))
                return
            yield body
            offset += len(line)
