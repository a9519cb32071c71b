"""Prints what a command of a target gets."""

import json
import os
import sys
from pathlib import Path

NAMES = ("TIDEGATE_JOB_ID", "TIDEGATE_ATTEMPT", "TIDEGATE_JOB_KEY", "TIDEGATE_PARAMETERS", "TMPDIR")

given = sys.stdin.read()
sys.stdout.write("begins\n")
sys.stdout.write(
    json.dumps(
        {
            "given": json.loads(given),
            "arguments": sys.argv[1:],
            "variables": {name: os.environ[name] for name in NAMES if name in os.environ},
            "keys": sorted(name for name in os.environ if name.startswith("AWS_") and "KEY" in name),
            "folder": str(Path.cwd()),
            "targets": os.environ["TIDEGATE_TARGETS_FOLDER"],
            "leads_group": os.getpgid(0) == os.getpid(),
        }
    )
)
