"""Lanes: the lines in which the READY jobs of a pool wait for dispatch.

Most jobs wait in the main lane. Jobs of a share wait in the share's lane, so that a share with very many jobs can't
hide those of another share. A job that can't be dispatched now, because its concurrency key or its type is at its limit
or paused, is put into the lane of that key or type. There it hides no job that could be dispatched.
"""

from __future__ import annotations

from typing import Final

# A bounded listing begins with the lanes that sort last, so the few shares and types come before the many keys.
MAIN: Final = ""
_SHARE: Final = "share:"
_KEY: Final = "key:"
_TYPE: Final = "type:"


def share_lane(share: str) -> str:
    """Returns the lane of a share's jobs, the main lane for an empty share."""
    return f"{_SHARE}{share}" if share else MAIN


def key_lane(concurrency_key: str, limit: int) -> str:
    """Returns the lane of jobs that wait until fewer than `limit` jobs of their concurrency key are dispatched."""
    return f"{_KEY}{limit}:{concurrency_key}"


def type_lane(job_type: str) -> str:
    """Returns the lane of jobs whose type is paused or at its limit."""
    return f"{_TYPE}{job_type}"


def share_of(lane: str) -> str | None:
    """Returns the share whose lane this is, empty for the main lane; None for a lane of held jobs."""
    if lane == MAIN:
        return ""
    return lane.removeprefix(_SHARE) if lane.startswith(_SHARE) else None


def key_of(lane: str) -> tuple[str, int] | None:
    """Returns the concurrency key whose lane this is, and its limit; None for any other lane."""
    if not lane.startswith(_KEY):
        return None
    limit, _, key = lane.removeprefix(_KEY).partition(":")
    return key, int(limit)


def type_of(lane: str) -> str | None:
    """Returns the job type whose lane this is; None for any other lane."""
    return lane.removeprefix(_TYPE) if lane.startswith(_TYPE) else None


def is_sharded(lane: str) -> bool:
    """Tells whether the lane is spread over the shards of the index. Lanes of held jobs are not."""
    return lane == MAIN or lane.startswith(_SHARE)
