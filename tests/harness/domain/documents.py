"""Reads the tables and diagrams of the documents that tests compare with the code."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).resolve().parents[3] / "docs"


def read_document(name: str) -> str:
    """Returns the text of a page; the name counts from docs, as in "reference/api.md"."""
    return (DOCS / name).read_text(encoding="utf-8")


def table_rows(document: str, first_heading: str, *, table: int = 0) -> list[list[str]]:
    """Returns the cells of the table whose first column has this heading, without the heading.

    `table` is its number among the tables with that heading.
    """
    lines = document.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith(f"| {first_heading} |")]
    start = starts[table]
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows
