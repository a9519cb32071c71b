"""The emulator's process, with what only it can put right: an INSERT statement reaches the table's stream, as on AWS.

`python -m tidegate_cli.local_stack.emulator_process` is what `up` starts. Without this, a workflow whose jobs are
inserted by statement would wait for the schedule to be noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.app import main
from ministack.services import dynamodb

_insert = dynamodb._partiql_insert


def _insert_and_tell_the_stream(table: Mapping[str, Any], parsed: Mapping[str, Any]) -> tuple[Any, ...]:
    answer: tuple[Any, ...] = _insert(table, parsed)
    if answer[0] == 200:
        item = parsed["item"]
        item = item["M"] if set(item) == {"M"} else item
        dynamodb._emit_stream_event(parsed["table"], "INSERT", None, item)
    return answer


def run() -> None:
    """Runs the emulator until it is told to stop."""
    # A version that has no such function, or passes other arguments, fails the end-to-end test of this promise.
    dynamodb._partiql_insert = _insert_and_tell_the_stream
    main()


if __name__ == "__main__":
    run()
