"""Tries to load job code in a process of its own: `python -m tidegate.jobs.check ANSWER FOLDER PACKAGE ...`.

Job code is looked for in FOLDER before anywhere else. The answer is JSON in the file ANSWER, for what job code prints
as it is imported goes to standard output.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from tidegate.jobs.loader import load_modules
from tidegate.jobs.registry import REGISTRY


def main() -> None:
    """Entry point: imports the packages and writes the types and the faults."""
    answer, folder, *packages = sys.argv[1:]
    sys.path.insert(0, folder)
    faults = [asdict(fault) for fault in load_modules(*packages)]
    types = [
        {"type": name, "code": found.origin}
        for name in REGISTRY.types()
        if (found := REGISTRY.find(name)) is not None
    ]
    Path(answer).write_text(json.dumps({"types": types, "faults": faults}), encoding="utf-8")


if __name__ == "__main__":
    main()
