"""The demo's console, which is built beside the stack's start and served as soon as it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tidegate_cli.console.built import NOT_BUILT, find_bundle
from tidegate_cli.console.server import serving
from tidegate_cli.errors import CliError
from tidegate_cli.options import Session
from tidegate_cli.target import local_target
from tidegate_devstack import ConsoleBuild, StackInfo


class DemoConsole:
    """A console that may still be built. The demo looks at it now and then, and never waits for it."""

    def __init__(self, session: Session, info: StackInfo, build: ConsoleBuild, parts: ExitStack) -> None:
        self.is_served = False
        self._session = session
        self._info = info
        self._build = build
        self._parts = parts
        self._is_settled = False

    def look(self) -> None:
        """Serves the console and tells its address, or tells why there is none, once the build has ended."""
        if self._is_settled or not self._build.is_over:
            return
        self._is_settled = True
        failure = self._build.failure
        try:
            bundle = find_bundle()
        except CliError as error:
            bundle, failure = None, str(error)
        if bundle is None:
            self._session.tell(f"the demo goes on without the console: {failure or NOT_BUILT}")
            return
        if failure is not None:
            self._session.tell(f"the console is the one that was built before: {failure}")
        served = self._parts.enter_context(serving(bundle, local_target(self._info)))
        self.is_served = True
        self._session.tell(f"watch it in the console: {served.address}")

    def conclude(self) -> None:
        """Tells of a build that was slower than the demo."""
        self.look()
        if not self._is_settled:
            self._session.tell(
                "the demo ended without the console, whose build takes longer: `make console` finishes it"
            )


@contextmanager
def watched(session: Session, info: StackInfo, build: ConsoleBuild) -> Iterator[DemoConsole]:
    """Serves the console within the block, from the time when its build has ended."""
    with ExitStack() as parts:
        console = DemoConsole(session, info, build, parts)
        console.look()
        yield console
