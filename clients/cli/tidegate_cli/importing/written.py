"""The two documents of an import as YAML."""

from __future__ import annotations

from typing import Any

import yaml

from tidegate_cli.importing.documents import Imported
from tidegate_cli.structured import as_yaml

_ONE_LINE = 1_000_000  # characters; long texts are not folded


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes texts of several lines as blocks, so that people can read a script."""


def _text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def workflow_text(imported: Imported) -> str:
    """Returns the workflow as a document that `tidegate submit` takes."""
    return as_yaml(imported.workflow)


def targets_text(imported: Imported) -> str:
    """Returns the targets as a `targets.yaml`. Exit codes are numbers there, which JSON has no names for."""
    targets: dict[str, Any] = {}
    for name, target in imported.targets["targets"].items():
        codes = target.get("exit_codes")
        targets[name] = (
            target
            if codes is None
            else {**target, "exit_codes": {int(number): meaning for number, meaning in codes.items()}}
        )
    document = {"version": imported.targets["version"], "targets": targets}
    return str(yaml.dump(document, Dumper=_Dumper, allow_unicode=False, sort_keys=False, width=_ONE_LINE))
