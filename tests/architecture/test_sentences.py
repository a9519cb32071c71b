"""Sentences name their actor: few begin with What, Who, Whoever or That which, in pages and in comments."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.harness.tracked import ROOT, tracked

# Shares in percent. They may only fall: a change that needs a higher ceiling needs plainer sentences instead.
PAGES_CEILING = 0.2
COMMENTS_CEILING = 0.1

CODE_BLOCK = re.compile(r"^ *(```|~~~).*?^ *\1[^\n]*$", re.MULTILINE | re.DOTALL)
HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
# A heading, a row of a table, an item of a list or a quotation begins a text of its own.
BEGINS_ANEW = re.compile(r"\s*(?:#{1,6} |\||[-*+] |\d+[.)] |>)")
MARKER = re.compile(r"^\s*(?:#{1,6} |[-*+] |\d+[.)] |> ?)")
SENTENCE_END = re.compile(r"(?<=[.!?])[)\"'*_”]*\s+(?=[(\"'*_`“\[]*[A-Z0-9`])")
OPENER = re.compile(r"[(\"'*_“\[]*(?:what|who|whoever|that which)\b(?!:)", re.IGNORECASE)
# Directives of tools. A reason may follow them after a dash or a second hash.
DIRECTIVE = re.compile(r"^(?:noqa|type: ignore|pragma|nosec).*?(?: - | # |$)")
COMMENT = re.compile(r"(?P<before>^|^.*?\s)#+(?:\s+(?P<text>.*))?$")


def blocks(text: str) -> Iterator[str]:
    """Yields the paragraphs, headings, list items and table cells of a page, a docstring or a comment."""
    paragraph: list[str] = []
    for line in [*HIDDEN.sub("", CODE_BLOCK.sub("", text)).splitlines(), ""]:
        if not line.strip() or BEGINS_ANEW.match(line):
            yield " ".join(paragraph)
            paragraph = []
        if line.lstrip().startswith("|"):
            yield from line.strip().strip("|").split("|")
        elif line.strip():
            paragraph.append(MARKER.sub("", line).strip())


def sentences(text: str) -> list[str]:
    """Returns the sentences of a text, without its code blocks. A single word is no sentence."""
    found = [part.strip() for block in blocks(text) for part in SENTENCE_END.split(block)]
    return [sentence for sentence in found if re.search(r"\w.*\s.*\w", sentence)]


def hides_its_actor(sentence: str) -> bool:
    """Says whether a sentence begins with one of the four openers and is no question."""
    return bool(OPENER.match(sentence)) and not sentence.rstrip(")\"'*_”").endswith("?")


def comments_of_lines(source: str) -> Iterator[str]:
    """Yields the comments of a YAML, TOML or make file, neighbouring lines of comment joined to one."""
    joined: list[str] = []
    for line in [*source.splitlines(), ""]:
        found = COMMENT.match(line)
        if found and not found["before"].strip():
            joined.append(found["text"] or "")
            continue
        yield "\n".join(joined)
        joined = []
        if found:
            yield found["text"] or ""


def comments_of_python(source: str) -> Iterator[str]:
    """Yields the docstrings and comments of a Python file, neighbouring lines of comment joined to one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    joined: list[str] = []
    previous = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        alone = not token.line[: token.start[1]].strip()
        if not alone or token.start[0] != previous + 1:
            yield "\n".join(joined)
            joined = []
        joined.append(DIRECTIVE.sub("", token.string.lstrip("#! ")))
        previous = token.start[0] if alone else 0
    yield "\n".join(joined)


def _pages() -> Iterator[tuple[str, str]]:
    for page in tracked("docs/*.md", "README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        yield str(page.relative_to(ROOT)), page.read_text(encoding="utf-8")


def _comments() -> Iterator[tuple[str, str]]:
    for file in tracked("*.py", "template.yaml", "samconfig.toml", "Makefile"):
        source = file.read_text(encoding="utf-8")
        read = comments_of_python if file.suffix == ".py" else comments_of_lines
        for comment in read(source):
            yield str(file.relative_to(ROOT)), comment


def measure(texts: Iterator[tuple[str, str]]) -> tuple[float, int, list[str]]:
    """Returns the share of sentences that hide their actor in percent, the number of all, and those sentences."""
    found = [(name, sentence) for name, text in texts for sentence in sentences(text)]
    offenders = [f"{name}: {sentence[:90]}" for name, sentence in found if hides_its_actor(sentence)]
    return 100 * len(offenders) / max(1, len(found)), len(found), offenders


def test_pages_name_their_actors() -> None:
    share, number, offenders = measure(_pages())
    assert number > 500
    assert share <= PAGES_CEILING, "\n".join([f"{share:.2f} % of {number} sentences", *offenders])


def test_comments_and_docstrings_name_their_actors() -> None:
    share, number, offenders = measure(_comments())
    assert number > 1000
    assert share <= COMMENTS_CEILING, "\n".join([f"{share:.2f} % of {number} sentences", *offenders])


PAGE = """\
# What it costs

Nobody asks. What waits
is read. *Whoever* asks is told. Is it late? What then? Version 1.2 is out.

```python
# Who reads this is not counted.
```

| part | what |
|---|---|
| `a` | what the caller asked for |
| b | a queue. Who sends is not known |

- who may call it
- That which is left. This is not.
1. What is it?
"""


def test_the_counter_finds_the_openers_of_a_page() -> None:
    share, number, offenders = measure(iter([("page.md", PAGE)]))
    assert [offender.removeprefix("page.md: ") for offender in offenders] == [
        "What it costs",
        "What waits is read.",
        "*Whoever* asks is told.",
        "what the caller asked for",
        "Who sends is not known",
        "who may call it",
        "That which is left.",
    ]
    assert number == 14
    assert share == pytest.approx(50.0)


def test_the_counter_reads_comments_and_docstrings_of_python() -> None:
    source = (
        '"""What this file is.\n\nA second text."""\n\n'
        "# Held by the caller. Who\n# holds it is written.\n"
        'NAME = "# What is in a string is no comment."  # noqa: S607 - who knows why\n'
        'def f():\n    """Returns one.\n\n    Args: what is asked for."""\n'
    )
    _, number, offenders = measure(("a.py", comment) for comment in comments_of_python(source))
    assert offenders == ["a.py: What this file is.", "a.py: Who holds it is written.", "a.py: who knows why"]
    assert number == 7


def test_the_counter_reads_comments_of_other_files() -> None:
    source = (
        "# What it makes. It\n# is here.\nkey: value # who asks\nother: a#b\nhelp: setup ## list the tasks\n"
    )
    _, number, offenders = measure(("Makefile", comment) for comment in comments_of_lines(source))
    assert offenders == ["Makefile: What it makes.", "Makefile: who asks"]
    assert number == 4
