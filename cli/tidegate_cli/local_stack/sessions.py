"""Sessions of roles outlive a restart of the emulator, as they outlive everything on AWS until they end.

The emulator by itself forgets them. A worker that holds one would be refused from then on, for an SDK asks for another
session only when the one it has is about to end.
"""

from __future__ import annotations

import copy
from typing import Any

from ministack.services import sts


def _saved() -> dict[str, Any]:
    sts._evict_expired_sessions()
    return {"sessions": copy.deepcopy(sts._sessions)}


def _load(state: dict[str, Any]) -> None:
    sts._sessions.update(state.get("sessions", {}))
    sts._evict_expired_sessions()


def keep_sessions() -> None:
    """Has the emulator of this process save its sessions with the rest of its state, and load them."""
    sts.get_state = _saved
    sts.load_persisted_state = _load
