"""Writes the template as CloudFormation deploys it, with all that SAM makes of it: roles and permissions, too."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# What `sam build` and `sam deploy` put in the place of folders; nothing is read from it.
_UPLOADED = "s3://bucket/key"
_FOLDERS = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        """The template names no policy that AWS manages."""
        return {}


def transformed(template: str) -> dict[str, Any]:
    """The template without SAM."""
    document = yaml_parse(template)
    for resource in document["Resources"].values():
        folder = _FOLDERS.get(resource["Type"])
        if folder is not None:
            resource["Properties"][folder] = _UPLOADED
    result: dict[str, Any] = transform(document, {}, _NoManagedPolicies())
    return result


def main(source: str, target: str) -> None:
    """Transforms the file `source` into the file `target`."""
    logging.disable(logging.WARNING)  # it warns of features that it can't look up, which concerns nobody
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # it asks for one to know the partition
    document = transformed(Path(source).read_text(encoding="utf-8"))
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
