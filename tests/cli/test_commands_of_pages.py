"""Every command line of tidegate that a page or the console shows exists, with each of its options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tidegate_cli.commands.root import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")})
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"(?:^|[|;(] *|&& *)tidegate ([^|;)&#\n]+)", re.MULTILINE)
OPTION = re.compile(r"--?[a-z][a-z-]*")
COMMANDS: Any = get_command(app)


def calls(page: Path) -> list[str]:
    """Returns what follows `tidegate` in each call in the page's shell blocks."""
    text = page.read_text(encoding="utf-8")
    return [call.strip() for block in SHELL.findall(text) for call in CALL.findall(block)]


def unknown_of(call: str) -> list[str]:
    """Returns the command or the options of a call that the command line does not have."""
    command, words = COMMANDS, call.split()
    valued = {name for parameter in command.params if not parameter.is_flag for name in parameter.opts}
    known = {name for parameter in command.params for name in parameter.opts}
    given: list[str] = []
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):  # an option before the command, with its value
            given.append(words.pop(0))
            del words[: 1 if given[-1] in valued else 0]
            continue
        if words[0] not in command.commands:
            return [words[0]]
        command = command.commands[words.pop(0)]
        known |= {name for parameter in command.params for name in parameter.opts}
    given += words
    names = [word.partition("=")[0] for word in given]
    return [name for name in names if OPTION.fullmatch(name) and name not in known]


def test_calls_are_found() -> None:
    assert len({call for page in PAGES for call in calls(page)}) >= 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_commands_that_there_are(page: Path) -> None:
    wrong = {call: unknown_of(call) for call in calls(page)}
    assert not {call: unknown for call, unknown in wrong.items() if unknown}


def test_each_question_has_a_command_that_there_is() -> None:
    page = (ROOT / "docs" / "reference" / "queries.md").read_text(encoding="utf-8")
    asked = re.findall(r"\| `tidegate ([^`]+)` \|$", page, re.MULTILINE)
    rows = [line for line in page.splitlines() if line.startswith("| ") and re.search("`(GET|POST) ", line)]
    assert len(asked) == len(rows) > 25
    assert not {call: unknown_of(call) for call in asked if unknown_of(call)}


def test_the_console_shows_commands_that_there_are() -> None:
    sources = (ROOT / "clients" / "console" / "src").rglob("*.ts*")
    texts = [path.read_text(encoding="utf-8") for path in sources if ".test." not in path.name]
    shown = {call for text in texts for call in re.findall(r'"tidegate ([a-z][^"]*)"', text)}
    for words in (found for text in texts for found in re.findall(r'\(\["tidegate", ([^\]]+)\]\)', text)):
        shown.add(
            " ".join(word.strip().strip('"') for word in words.split(","))
        )  # names stand for their values
    assert len(shown) > 10
    assert not {call: unknown_of(call) for call in shown if unknown_of(call)}
    files = {word for call in shown for word in call.split() if word.startswith("examples/")}
    assert not {file for file in files if not (ROOT / file).is_file()}


def test_an_unknown_command_or_option_is_noticed() -> None:
    assert unknown_of("pools halt ecs") == ["halt"]
    assert unknown_of("pools list --wait") == ["--wait"]
    assert unknown_of("--profile prod pools list --wait") == ["--wait"]
    assert unknown_of("--profil prod") == ["prod"]
