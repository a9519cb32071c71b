"""Lanes: where the READY jobs of a pool wait for dispatch.

Most wait in the main lane. Jobs of a share wait in the share's lane, so that a share with very many jobs can't
hide another's. A job that can't be dispatched now, because its concurrency key or its type is taken up or paused, is
moved to the lane of that key or type, so that it hides nothing that could be.
"""

from __future__ import annotations

from typing import Final

# Of very many lanes those that sort last are listed: shares and types, of which there are few, before keys.
MAIN: Final = ""
_SHARE: Final = "share:"
_KEY: Final = "key:"
_TYPE: Final = "type:"


def share_lane(share: str) -> str:
    """The lane of a share's jobs; jobs without a share wait in the main lane."""
    return f"{_SHARE}{share}" if share else MAIN


def key_lane(concurrency_key: str, limit: int) -> str:
    """The lane of jobs that wait until fewer than `limit` of their concurrency key are dispatched."""
    return f"{_KEY}{limit}:{concurrency_key}"


def type_lane(job_type: str) -> str:
    """The lane of jobs whose type is paused or at its limit."""
    return f"{_TYPE}{job_type}"


def share_of(lane: str) -> str | None:
    """The share whose lane this is; None for a lane that jobs are held back in."""
    if lane == MAIN:
        return ""
    return lane.removeprefix(_SHARE) if lane.startswith(_SHARE) else None


def key_of(lane: str) -> tuple[str, int] | None:
    """The concurrency key whose lane this is, and its limit; None for any other lane."""
    if not lane.startswith(_KEY):
        return None
    limit, _, key = lane.removeprefix(_KEY).partition(":")
    return key, int(limit)


def type_of(lane: str) -> str | None:
    """The job type whose lane this is; None for any other lane."""
    return lane.removeprefix(_TYPE) if lane.startswith(_TYPE) else None


def is_sharded(lane: str) -> bool:
    """Whether the lane is spread over the index's shards; lanes of held-back jobs are not."""
    return share_of(lane) is not None
