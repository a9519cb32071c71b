"""Tries to load job code in a separate process: `python -m tidegate.entry.check_job_code ANSWER FOLDER PACKAGE ...`.

Job code is searched in FOLDER before all other places. The answer goes as JSON into the file ANSWER, because job code
may print to standard output while it is imported.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from tidegate.bootstrap import target_support
from tidegate.jobs.loader import load_modules
from tidegate.jobs.registry import REGISTRY


def main() -> None:
    """Imports the packages and writes the registered types, the targets and the faults into the answer file."""
    answer, folder, *packages = sys.argv[1:]
    sys.path.insert(0, folder)
    faults = [asdict(fault) for fault in load_modules(*packages, support=target_support())]
    known = [found for name in REGISTRY.types() if (found := REGISTRY.find(name)) is not None]
    types = [{"type": found.name, "code": found.origin} for found in known]
    targets = [{"type": found.name, "arns": found.target.arns} for found in known if found.target is not None]
    Path(answer).write_text(
        json.dumps({"types": types, "targets": targets, "faults": faults}), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
