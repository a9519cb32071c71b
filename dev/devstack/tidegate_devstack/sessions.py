"""Saves sessions of roles, so that they survive a restart of the emulator, as sessions on AWS last until they expire.

The unpatched emulator forgets them. A worker with a session would then be refused, because an SDK asks for a new
session only when the old one is about to expire.
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
    # Patches ministack: `sts.get_state` and `sts.load_persisted_state`, because they save and load nothing.
    sts.get_state = _saved
    sts.load_persisted_state = _load
