"""Pages name files of this project that exist: sample events, tests, scripts and pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = re.compile(
    r"(?<![\w/.-])((?:events|examples|functions|tests|scripts|benchmarks|cli|clients|dev|layers|worker|requirements|docs)/[\w./-]+\.\w+)\b"
)
# A block of code that begins with a comment of a file's name: a tutorial has its reader write that file.
TO_BE_WRITTEN = re.compile(r"^```\w+\n# (\S+)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_files_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(NAMED.findall(text)) - set(TO_BE_WRITTEN.findall(text))
    assert not [name for name in sorted(named) if not _is_there(name, page)]


def _is_there(name: str, page: Path) -> bool:
    """Says whether a name is a file of the project's folder or, as in a link, of the page's own folder."""
    return (ROOT / name).exists() or (page.parent / name).exists()
