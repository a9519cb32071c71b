"""The port for the grants that operators make."""

from __future__ import annotations

from typing import Protocol

from tidegate.domain.grants import Grants


class GrantStore(Protocol):
    """The store of all grants, which are kept together, so that one read shows them all."""

    def load(self) -> Grants:
        """Returns all grants from one consistent read."""

    def save_if_unchanged(self, grants: Grants) -> bool:
        """Writes all grants if the stored version is still `grants.version`, and raises the version by one.

        Returns False, with nothing written, if another change came first.
        """
