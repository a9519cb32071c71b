"""The entry point of the console's files."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from tidegate.console.bundle import load_bundle
from tidegate.entry.console import handle

_BUNDLE = load_bundle(Path(__file__).parent / "dist")


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers one REST API proxy event with a file of the console."""
    return handle(event, _BUNDLE, secrets.token_urlsafe(16))
