"""The command `tidegate console`."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from typing import Annotated

import typer

from tidegate_cli.console.built import NOT_BUILT, find_bundle
from tidegate_cli.console.server import serving
from tidegate_cli.errors import UsageError
from tidegate_cli.interrupts import ends_like_ctrl_c
from tidegate_cli.options import ApiUrlOption, OutputOption, session_of

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def console(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=1, max=65_535, help="Port on loopback. Default: a free one.", show_default=False
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Serve the console of a deployment on this machine, until Ctrl-C.

    Calls are signed with your AWS credentials. Keep the address to yourself: it gives your rights to whoever opens it
    on this machine.

    Example: tidegate console --port 8080 --no-browser
    """
    session = session_of(context, output, api_url)
    bundle = find_bundle()
    if bundle is None:
        raise UsageError(NOT_BUILT)
    target = session.target()
    with ends_like_ctrl_c(), serving(bundle, target, port) as served:
        if session.is_structured:
            session.show({"address": served.address, "deployment": target.title})
            sys.stdout.flush()
        else:
            session.out.print(served.address, markup=False, highlight=False, soft_wrap=True)
        session.tell(f"the console of {target.title} is served until Ctrl-C")
        if not no_browser and has_screen():
            webbrowser.open(served.opening)
        wait_for_the_end()


def has_screen() -> bool:
    """Says whether a browser can show a window: elsewhere one of text would take the terminal."""
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in _DISPLAYS)


def wait_for_the_end() -> None:
    """Waits for Ctrl-C, which is how this command ends well."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


def register(app: typer.Typer) -> None:
    """Adds the command console to `app`."""
    app.command()(console)
