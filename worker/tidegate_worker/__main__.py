"""`python -m tidegate_worker --pool NAME --slots N`."""

from __future__ import annotations

import sys

from tidegate_worker.main import main

if __name__ == "__main__":
    sys.exit(main())
