"""The secret of a local stack's root key: drawn once for each home, and kept in a file that its user alone can read.

The key's name is the same everywhere (model.ACCESS_KEY_ID). The secret is what the emulator checks signatures with.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

import boto3

from tidegate_cli.local_stack.errors import LocalStackError
from tidegate_cli.local_stack.model import make_session
from tidegate_cli.local_stack.places import Places
from tidegate_cli.local_stack.private_files import others_can_read

_RANDOM_BYTES = 30  # 40 characters, as a secret of AWS has


def draw_root_secret(places: Places) -> str:
    """The home's secret; draws one where there is none. Raises LocalStackError where others can read it."""
    path = places.root_secret
    if not path.exists():
        # A file of a name that nobody else draws, of mode 0600 from the first.
        descriptor, name = tempfile.mkstemp(prefix="secret-", dir=places.home)
        draft = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_urlsafe(_RANDOM_BYTES).encode())
        try:
            path.hardlink_to(draft)  # refused where another process was quicker; then that one's counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return read_root_secret(places)


def read_root_secret(places: Places) -> str:
    """The home's secret. Raises LocalStackError where there is none, or where others can read it."""
    return read_secret_file(places.root_secret)


def read_secret_file(path: Path) -> str:
    """The secret in a file. Raises LocalStackError where there is none, or where others can read it."""
    try:
        if others_can_read(path):
            raise LocalStackError(
                f"other users can read {path}: stop the stack with `tidegate local down`, remove that file, "
                "and run `tidegate local up`, which draws another secret"
            )
        secret = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise LocalStackError(f"{path} is not there: run `tidegate local up`, which makes it") from None
    if not secret:
        raise LocalStackError(f"{path} is empty: remove it and run `tidegate local up`")
    return secret


def root_session(places: Places) -> boto3.Session:
    """A boto3 session with the home's root key. Raises LocalStackError where the home has no secret."""
    return make_session(read_root_secret(places))
