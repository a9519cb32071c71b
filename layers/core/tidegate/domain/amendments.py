"""Amendments: what a caller may change about a job while it waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tidegate.domain.states import State

AMENDABLE: Final = frozenset({State.PENDING, State.SCHEDULED, State.READY})
"""The states in which a job waits and no message of it is in a queue."""


class Kept(Enum):
    """Stands for a value that an amendment leaves as it is, because None takes the value off."""

    AS_IT_IS = "as it is"


KEPT: Final = Kept.AS_IT_IS


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """The new values of a waiting job. `KEPT` leaves a value as it is.

    `priority` is 1-1000. `not_before_ms` is in milliseconds since the epoch; None lets the job start at once.
    `finish_by_ms` is too; None takes the time off. `tags`
    replace all tags that the job has. `on_hold` True keeps the job from becoming READY until another amendment sets it
    to False.
    """

    priority: int | Kept = KEPT
    not_before_ms: int | Kept | None = KEPT
    finish_by_ms: int | Kept | None = KEPT
    pool: str | Kept = KEPT
    description: str | Kept | None = KEPT
    tags: Mapping[str, str] | Kept = KEPT
    on_hold: bool | Kept = KEPT
