"""Runs independent pieces of work so that one failure does not stop the others.

The first error is raised at the end, after every piece has run.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType

from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.ports import TransitionOutcome


@dataclass(slots=True)
class FirstError:
    """Keeps the first error of independent pieces of work, and drops the later ones.

    Each piece runs in a block of its own; the error is raised after the last one:

        errors = FirstError()
        for pool in pools:
            with errors.isolated():
                serve(pool)
        errors.raise_first()
    """

    _first: Exception | None = None

    def isolated(self) -> AbstractContextManager[None, bool]:
        """Returns a context manager that ends its block at an error of any kind and keeps the error.

        An interrupt of the process, which is no `Exception`, passes at once.
        """
        return _Isolated(self)

    def keep(self, error: Exception) -> None:
        """Keeps the error if it is the first."""
        self._first = self._first or error

    def raise_first(self) -> None:
        """Raises the first error that was kept, if there is one."""
        if self._first is not None:
            raise self._first


@dataclass(frozen=True, slots=True)
class _Isolated(AbstractContextManager[None, bool]):
    errors: FirstError

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.errors.keep(error)
        return True


def raise_first_failure(outcomes: Iterable[TransitionOutcome]) -> None:
    """Raises the first outcome that is a service error; such an outcome does not tell whether the job was written.

    Callers use it last, after they have acted on the outcomes that did succeed. Raises ServiceUnavailable or
    ServiceRefused.
    """
    for outcome in outcomes:
        if isinstance(outcome, ServiceUnavailable | ServiceRefused):
            raise outcome
