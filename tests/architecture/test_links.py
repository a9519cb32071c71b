"""Relative links of pages lead to files, and to headings, that are there; the index of docs names every page."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OUTSIDE_DOCS = (
    *ROOT.glob("*.md"), *ROOT.glob("examples/**/*.md"), *ROOT.glob("layers/*/tidegate_*/README.md"),
)  # fmt: skip
PAGES = sorted({*OUTSIDE_DOCS, *DOCS.rglob("*.md")})
CODE = re.compile(r"^(```+).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ANOTHER_PLACE = re.compile(r"[a-z]+:")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
LINK_TEXT = re.compile(r"\[([^\]]*)\]\([^)]*\)")
LEFT_OUT_OF_ANCHORS = re.compile(r"[^\w\- ]")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = INLINE_CODE.sub("", _without_code(page))
    links = [link for link in LINK.findall(text) if not ANOTHER_PLACE.match(link)]
    assert not [link for link in links if not _leads_somewhere(page, link)]


def test_the_index_names_every_page_of_docs() -> None:
    index = DOCS / "README.md"
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in LINK.findall(_without_code(index))}
    decisions = DOCS / "decisions"
    pages = {page for page in DOCS.rglob("*.md") if page.parent != decisions or page.name == "README.md"}
    assert pages - {index} - linked == set()


def test_anchors_are_those_that_github_makes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A worker's [fault](x.md)\n## `a_b` (c)\n## Twice\n```sh\n# no heading\n```\n## Twice\n"
    )
    assert _anchors(page) == {"a-workers-fault", "a_b-c", "twice", "twice-1"}


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or (target.suffix == ".md" and anchor in _anchors(target))


@cache
def _anchors(page: Path) -> frozenset[str]:
    """Returns the anchors that GitHub gives to a page's headings; equal ones are numbered from the second on."""
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in HEADING.findall(_without_code(page)):
        words = LEFT_OUT_OF_ANCHORS.sub("", LINK_TEXT.sub(r"\1", heading).lower())
        anchor = words.replace(" ", "-")
        anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return frozenset(anchors)


def _without_code(page: Path) -> str:
    return CODE.sub("", page.read_text(encoding="utf-8"))
