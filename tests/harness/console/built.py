"""A made-up build of the console: a page, a hashed script with its compressed form, a style and a picture."""

from __future__ import annotations

import gzip
from pathlib import Path

SCRIPT = "assets/index-Ab3_x9-Q.js"
STYLE = "assets/index-0f1e2d3c.css"
PICTURE = "assets/mark-00112233.svg"
NOTICES = "third-party.txt"
PAGE = f"""<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>tidegate</title>
    <script type="module" crossorigin src="./{SCRIPT}"></script>
    <link rel="stylesheet" crossorigin href="./{STYLE}">
    <style>body {{ margin: 0 }}</style>
  </head>
  <body><div id="root"></div></body>
</html>
"""
CONTENTS = {
    "index.html": PAGE,
    SCRIPT: "console.log('tidegate')\n" * 100,
    STYLE: "body { color: black }\n",
    PICTURE: '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    NOTICES: "MIT\n",
}


def build_in(folder: Path) -> Path:
    """Writes the build into a folder, and returns the folder."""
    for name, text in CONTENTS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (folder / "built-from").write_text("0" * 64, encoding="utf-8")
    (folder / f"{SCRIPT}.gz").write_bytes(gzip.compress(CONTENTS[SCRIPT].encode(), mtime=0))
    return folder
