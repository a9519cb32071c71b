"""The entry point of the authorizer of bearer tokens that an issuer outside the stack gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate_authorizer.authorize import answer


def lambda_handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answers one event of a REQUEST authorizer."""
    return answer(event)
