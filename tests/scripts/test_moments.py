"""A moment that a script is asked for is refused in plain words where it is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from dev.scripts import recount, restore
from dev.scripts.moments import moment

RESTORE = ("--stack", "tidegate", "--to", "again", "--at")
RECOUNT = ("--stack", "tidegate", "--pool", "ecs", "--to", "2026-12-01T09:00Z", "--from")


@pytest.mark.parametrize(
    ("main", "options"), [(restore.main, RESTORE), (recount.main, RECOUNT)], ids=["restore", "recount"]
)
@pytest.mark.parametrize(
    ("text", "said"),
    [("2026-12-01T08:00:00", "name the time zone"), ("soon", "'soon' is no time; give one like")],
)
def test_what_is_no_moment_is_refused(
    main: Callable[[Sequence[str]], int],
    options: tuple[str, ...],
    text: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as refused:
        main([*options, text])
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


def test_a_moment_is_read_in_utc_and_to_the_second() -> None:
    assert moment("2026-12-01T09:00:00.750+01:00").isoformat() == "2026-12-01T08:00:00+00:00"
