"""Loads the files of users: JSON, or the part of YAML that means the same as JSON."""

from __future__ import annotations

from tidegate.jobs.structured_text import MAX_DEPTH, MalformedText
from tidegate.jobs.structured_text import load as load_text
from tidegate_cli.errors import MalformedFile

__all__ = ["MAX_DEPTH", "load"]


def load(text: str, name: str) -> object:
    """Returns the value in `text`. The ending of the file name `name` decides between JSON and YAML.

    Raises MalformedFile, which names the line and column, or the field.
    """
    try:
        return load_text(text, name)
    except MalformedText as error:
        raise MalformedFile(str(error), violations=error.violations) from error
