"""The version of tidegate. `pyproject.toml` has the same one, which a layer does not carry."""

from typing import Final

VERSION: Final = "0.1.0"
