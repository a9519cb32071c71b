"""Writes the template as CloudFormation deploys it, with everything that SAM adds: also roles and permissions."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# `sam build` and `sam deploy` replace each folder by the address of its upload. Nothing reads this one.
_UPLOADED = "s3://bucket/key"
_FOLDERS = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        """Returns no policies, because the template names none that AWS manages."""
        return {}


def transformed(template: str) -> dict[str, Any]:
    """Returns the SAM template `template` (YAML text) as a plain CloudFormation document."""
    document = yaml_parse(template)
    for resource in document["Resources"].values():
        folder = _FOLDERS.get(resource["Type"])
        if folder is not None:
            resource["Properties"][folder] = _UPLOADED
    result: dict[str, Any] = transform(document, {}, _NoManagedPolicies())
    return result


def main(source: str, target: str) -> None:
    """Transforms the SAM template in the file `source`, and writes the result as JSON to the file `target`.

    Makes the folder of `target` if it does not exist.
    """
    logging.disable(logging.WARNING)  # the transform warns of features that it can't look up here
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # its region chooses the partition
    document = transformed(Path(source).read_text(encoding="utf-8"))
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
