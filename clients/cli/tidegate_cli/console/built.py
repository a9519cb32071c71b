"""Finds the console's built files in the checkout that this program runs from."""

from __future__ import annotations

from tidegate.console.bundle import Bundle, BundleBroken, load_bundle
from tidegate_cli.errors import CliError
from tidegate_devstack.places import find_project

PLACE = "clients/console/dist"
NOT_BUILT = f"the console was not built ({PLACE} is missing): run `make console` in the checkout"


def find_bundle() -> Bundle | None:
    """Returns the console's files, None if it was not built.

    Raises CliError if the build is broken, and LocalStackError outside a checkout.
    """
    try:
        return load_bundle(find_project() / PLACE)
    except (BundleBroken, OSError, ValueError) as error:
        raise CliError(
            f"{PLACE} is no whole build of the console ({error}): run `make console` again"
        ) from error
