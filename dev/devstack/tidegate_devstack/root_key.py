"""Draws the secret of a local stack's root key, once for each home, and keeps it in a file that only its user can read.

The key's id is the same everywhere (model.ACCESS_KEY_ID). The emulator checks signatures with the secret.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

import boto3

from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import make_session
from tidegate_devstack.places import Places
from tidegate_devstack.private_files import others_can_read

_RANDOM_BYTES = 30  # 40 characters, as a secret of AWS has


def draw_root_secret(places: Places) -> str:
    """Returns the home's secret, and draws one if there is none. Raises LocalStackError if others can read its file."""
    path = places.root_secret
    if not path.exists():
        # mkstemp makes a file of a unique name, with mode 0600 from the start.
        descriptor, name = tempfile.mkstemp(prefix="secret-", dir=places.home)
        draft = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_urlsafe(_RANDOM_BYTES).encode())
        try:
            path.hardlink_to(draft)  # refused if another process was faster; then its secret counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return read_root_secret(places)


def read_root_secret(places: Places) -> str:
    """Returns the home's secret. Raises LocalStackError if there is none, or if others can read its file."""
    return read_secret_file(places.root_secret)


def read_secret_file(path: Path) -> str:
    """Returns the secret in a file. Raises LocalStackError if there is none, or if others can read the file."""
    try:
        if others_can_read(path):
            raise LocalStackError(
                f"other users can read {path}: stop the stack with `tidegate local down`, remove that file, "
                "and run `tidegate local up`, which draws another secret"
            )
        secret = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise LocalStackError(f"{path} does not exist: run `tidegate local up`, which makes it") from None
    if not secret:
        raise LocalStackError(f"{path} is empty: remove it and run `tidegate local up`")
    return secret


def root_session(places: Places) -> boto3.Session:
    """Returns a boto3 session with the home's root key. Raises LocalStackError if the home has no usable secret."""
    return make_session(read_root_secret(places))
