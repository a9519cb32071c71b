"""The files of tidegate's own code that a function loads when it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.harness.tracked import ROOT

PRINT_FILES = """
import sys, app
print(*(module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] in ("app", "tidegate")))
"""


@cache
def loaded_by(function: str) -> frozenset[Path]:
    """Returns the files, relative to the project, that `functions/<function>` loads in a new process."""
    folders = [ROOT / "functions" / function, ROOT / "layers" / "core"]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, folders))}
    command = [sys.executable, "-c", PRINT_FILES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return frozenset(Path(file).relative_to(ROOT) for file in done.stdout.split())
