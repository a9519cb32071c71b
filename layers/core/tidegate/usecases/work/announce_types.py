"""Announces the job types of a worker process, so that the API knows types that no deployment brought to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.domain import limits
from tidegate.domain.announcements import DescribedType, announced, to_write, total_bytes
from tidegate.usecases.services import Services


@dataclass(frozen=True, slots=True)
class Announced:
    """What a worker wrote: the types that it described anew, and those that it renewed.

    `left_out` are types for which there was no room beside the types of other workers.
    """

    new: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def announce_types(
    services: Services,
    types: Sequence[DescribedType],
    *,
    pool: str,
    worker_id: str,
    started_at_ms: int,
    now_ms: int,
) -> Announced:
    """Announces `types`, which the worker has; `started_at_ms` is when it started. Returns what it wrote.

    It reads all announcements once, and writes one item for each type that is new, described otherwise by a worker
    that started earlier, or not renewed for a day. A fleet that does not change writes nothing. An item that can't be
    decoded is left as it is. May be repeated after any error. Raises ServiceUnavailable.
    """
    if not types:
        return Announced()
    standing = services.announcements.load()
    readable = [one for one in types if one.type not in standing.unreadable]
    new, renewed = to_write(readable, standing.by_type, started_at_ms=started_at_ms, now_ms=now_ms)
    names = {one.type for one in new}
    held = [one.described for one in standing.by_type.values() if one.type not in names]
    room_bytes = limits.MAX_ANNOUNCED_BYTES - total_bytes(held) if standing.is_all else 0
    room = limits.MAX_ANNOUNCED_TYPES - len(held)
    written: list[str] = []
    left_out: list[str] = []
    for one in new:
        room_bytes -= total_bytes([one])
        room -= 1
        if room_bytes < 0 or room < 0:
            left_out.append(one.type)
            continue
        services.announcements.announce_if_later(announced(one, pool, worker_id, started_at_ms, now_ms))
        written.append(one.type)
    for one in renewed:
        services.announcements.renew_if_standing(one.type, one.digest, now_ms)
    return Announced(tuple(written), tuple(one.type for one in renewed), tuple(left_out))
