"""The entry point of `python -m tidegate_worker --pool NAME --slots N`."""

from __future__ import annotations

import os
import sys

from tidegate_worker.init import run_as_init

_FIRST_PROCESS = 1


def _work() -> int:
    from tidegate_worker.main import main  # the first process of a container stays small

    return main()


if __name__ == "__main__":
    sys.exit(run_as_init(_work) if os.getpid() == _FIRST_PROCESS else _work())
