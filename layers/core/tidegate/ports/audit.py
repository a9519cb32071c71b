"""The port for the audit trail."""

from __future__ import annotations

from typing import Protocol

from tidegate.domain.audit import Act, AuditSearch


class AuditTrail(Protocol):
    """The acts that callers asked for. Nothing in it is changed or removed before its retention is over."""

    def ask(self, act: Act) -> None:
        """Stores that an act was asked for, before it is carried out. Safe to repeat."""

    def conclude(self, act: Act) -> None:
        """Stores the outcome of an act that `ask` stored. Safe to repeat; the first outcome stays."""

    def page(self, search: AuditSearch, *, limit: int, before: str | None = None) -> tuple[Act, ...]:
        """Returns at most `limit` (1-200) acts, newest first, older than the act with the id `before`.

        A search by subject is always current. Any other may lag by moments.
        """
