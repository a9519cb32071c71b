"""Checks and adapts the emulator's saved state before a start: damaged files, the port, an interrupted update.

No function here throws state away. A message names each damaged file, and a copy of it is kept.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.item_files import Damage, ItemFiles
from tidegate_devstack.model import STACK_NAME, Progress
from tidegate_devstack.places import Places
from tidegate_devstack.private_files import make_private_folder, replace_private

_UPDATE_ENDED = "UPDATE_ROLLBACK_COMPLETE"
# Bodies of messages and lines of logs are the user's data. Addresses in them are not changed.
_OF_THE_USER = {"messages"}
_FILES_OF_THE_USER = {"cloudwatch_logs.json"}


def check(places: Places, progress: Progress, *, salvage: bool) -> None:
    """Makes sure that the saved state can be read. Cuts off a line that a kill left half written.

    With `salvage` it also cuts a broken file of items where its readable part ends. It keeps a copy of each file that
    it cuts, and calls `progress`. Raises LocalStackError if a file is broken in any other way.
    """
    for path in _service_files(places):
        try:
            _read(path)
        except ValueError as error:
            raise LocalStackError(
                f"{path} is broken ({error}); nothing was changed. Replace it by a good copy, or start with an empty "
                "stack: `tidegate local down --wipe`"
            ) from error
    for damage in ItemFiles(places.saved_items).damages():
        if not damage.torn and not salvage:
            raise LocalStackError(
                f"{damage.path} is broken from byte {damage.offset:,} of {damage.path.stat().st_size:,} on; "
                "nothing was changed. Replace it by a good copy, or go on with the part that can be read: "
                "`tidegate local up --salvage` (it keeps the broken file)"
            )
        _cut(places, damage, progress)


def _cut(places: Places, damage: Damage, progress: Progress) -> None:
    kept = _aside(places) / damage.path.name
    lost = damage.path.stat().st_size - damage.offset
    shutil.copyfile(damage.path, kept)
    kept.chmod(0o600)
    with damage.path.open("r+b") as file:
        file.truncate(damage.offset)
    how = "was being written when the emulator was killed" if damage.torn else "can't be read"
    progress(f"the end of {damage.path.name} ({lost:,} bytes) {how}: going on without it; a copy is {kept}")


def _aside(places: Places) -> Path:
    make_private_folder(places.kept_aside)
    stem = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    folder = next(
        folder
        for folder in (places.kept_aside / f"{stem}-{number}" for number in range(1_000))
        if not folder.exists()
    )
    make_private_folder(folder)
    return folder


def move_to_port(places: Places, port: int, earlier: int | None) -> None:
    """Changes the port of all addresses in the saved state to `port`. `earlier` is the last port, None if unknown.

    Addresses of queues contain the port. All ports that the state may contain are recorded first. So if the change is
    interrupted, the next start completes it.
    """
    known = {*_ports(places), *([] if earlier is None else [earlier])}
    if known - {port}:
        replace_private(places.saved_ports, json.dumps(sorted({*known, port})))
        pattern = re.compile(rf"http://127\.0\.0\.1:(?:{'|'.join(str(each) for each in known)})(?=/)")
        for path in _service_files(places):
            if path.name not in _FILES_OF_THE_USER:
                _rewrite(path, _moved(_read(path), pattern, f"http://127.0.0.1:{port}"))
    replace_private(places.saved_ports, json.dumps([port]))


def _ports(places: Places) -> list[int]:
    if not places.saved_ports.exists():
        return []
    ports: list[int] = json.loads(places.saved_ports.read_text(encoding="utf-8"))
    return ports


def _moved(value: Any, pattern: re.Pattern[str], address: str) -> Any:
    if isinstance(value, str):
        return pattern.sub(address, value)
    if isinstance(value, list):
        return [_moved(each, pattern, address) for each in value]
    if isinstance(value, dict):
        return {
            pattern.sub(address, name): each if name in _OF_THE_USER else _moved(each, pattern, address)
            for name, each in value.items()
        }
    return value


def end_interrupted_update(places: Places) -> None:
    """Marks the saved stack as one whose update was rolled back, so that it can be deployed to again."""
    path = places.state / "cloudformation.json"
    saved = _read(path)
    for key, stack in saved["payload"]["stacks"]["data"].items():
        if key.endswith(f"'{STACK_NAME}'"):
            stack["StackStatus"] = _UPDATE_ENDED
    _rewrite(path, saved)


def forget_stream_positions(places: Places) -> None:
    """Removes the saved positions of stream readers, so that they begin at the start of each stream.

    The emulator saves the positions, but not the streams. A reader with an old position would skip as many records of
    the new stream as it had read of the old one.
    """
    path = places.state / "lambda.json"
    if not path.is_file():
        return
    saved = _read(path)
    if saved["payload"].pop("dynamodb_stream_positions", None):
        _rewrite(path, saved)


def _service_files(places: Places) -> Iterator[Path]:
    if places.state.is_dir():
        yield from sorted(path for path in places.state.glob("*.json") if path != places.saved_ports)


def _read(path: Path) -> dict[str, Any]:
    saved = json.loads(path.read_bytes())
    if not isinstance(saved, dict) or not isinstance(saved.get("payload"), dict):
        raise ValueError("it holds no service's state")
    return saved


def _rewrite(path: Path, saved: dict[str, Any]) -> None:
    replace_private(path, json.dumps(saved))
