"""Writes docs/reference/openapi.json, or with --check compares it with what it would write."""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from pathlib import Path

from dev.openapi.document import document

KEPT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.json"


def text() -> str:
    """Returns the document as it is checked in."""
    return json.dumps(document(version("tidegate")), indent=2, ensure_ascii=True) + "\n"


def main() -> int:
    """Writes or compares the document. Returns 1 where the checked-in one is another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where the file is not up to date"
    )
    if not parser.parse_args().check:
        KEPT.write_text(text(), encoding="utf-8")
        return 0
    if KEPT.is_file() and KEPT.read_text(encoding="utf-8") == text():
        return 0
    print(
        "docs/reference/openapi.json is not up to date; run: python -m dev.scripts.openapi", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
