"""Makeflow files become jobs that wait for the rules which make their source files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.harness.cli.importing import argv, constructs, edges, imported, jobs, must_submit
from tests.harness.cli.random_dags import Dag, dags
from tidegate_cli.importing.formats import Format
from tidegate_cli.importing.model import ImportRefused

IMAGES = """\
# An animation of one picture, turned twice.
CURL=/usr/bin/curl
CONVERT="convert"
URL = "http://example.com/a.jpg"
FILES = a.jpg
FILES += a.90.jpg
export LEVEL=9

a.gif: $(FILES) a.180.jpg
\tLOCAL $CONVERT -delay 10 ${FILES} a.180.jpg \\
\t  a.gif

CATEGORY="turn"
CORES=2
MEMORY=1000
.MAKEFLOW WALL_TIME 60
.MAKEFLOW DISK 5
a.90.jpg a.90.log: a.jpg
\t$CONVERT -swirl 90 a.jpg a.90.jpg > a.90.log && echo $$HOME $HOME
a.180.jpg: a.jpg->in.jpg
\t@CORES=4
\t$CONVERT -swirl 180 a.jpg a.180.jpg

.MAKEFLOW CATEGORY default
a.jpg:
\tLOCAL $CURL -o a.jpg $URL
"""


def test_an_animation_keeps_its_graph_its_commands_and_its_amounts() -> None:
    made, notes = imported(Format.MAKEFLOW, IMAGES, folder="/data")
    assert edges(made) == {
        ("a.jpg", "a.gif"),
        ("a.90.jpg", "a.gif"),
        ("a.180.jpg", "a.gif"),
        ("a.jpg", "a.90.jpg"),
        ("a.jpg", "a.180.jpg"),
    }
    assert argv(made, "a.gif") == [
        *("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", "/data"),
        *("env", "LEVEL=9", "sh", "-c", "convert -delay 10 a.jpg a.90.jpg a.180.jpg \t  a.gif"),
    ]
    assert argv(made, "a.90.jpg")[-1].endswith("echo $HOME $HOME")
    turn = jobs(made)["a.90.jpg"]
    assert (turn["requires"], turn["timeout_seconds"]) == (["cores-2", "memory-1000mb"], 60)
    assert (turn["tags"], turn["name"]) == ({"category": "turn"}, "a.90.jpg a.90.log")
    assert jobs(made)["a.180.jpg"]["requires"] == ["cores-4", "memory-1000mb"]
    assert "requires" not in jobs(made)["a.jpg"]
    assert {(note.line, note.construct) for note in notes.kept if note.line} == {
        (9, "LOCAL"),
        (17, "DISK 5"),
        (19, "$HOME"),
        (20, "a.jpg->in.jpg"),
        (25, "LOCAL"),
    }
    must_submit(made)


def test_a_variable_can_be_given() -> None:
    made, notes = imported(Format.MAKEFLOW, "A=1\nx:\n\techo $A $B\n", settings={"A": "2", "B": "3"})
    assert argv(made, "x") == ["sh", "-c", "echo 2 3"]
    assert constructs(notes) == []


def test_a_makeflow_inside_a_makeflow_is_named() -> None:
    made, notes = imported(Format.MAKEFLOW, "x: y\n\tMAKEFLOW inner.mf\nodd line\n")
    assert jobs(made)["x"]["type"] == "tidegate.noop"
    assert constructs(notes) == ["odd line", "MAKEFLOW inner.mf"]


@settings(max_examples=40, deadline=None)
@given(dags())
def test_any_graph_is_read_back_as_it_was(dag: Dag) -> None:
    rules = [
        f"f{node}.out: {' '.join(f'f{up}.out' for up in ups)}\n\tmake f{node}.out\n"
        for node, ups in enumerate(dag)
    ]
    made, notes = imported(Format.MAKEFLOW, "".join(reversed(rules)))
    assert edges(made) == {(f"f{up}.out", f"f{node}.out") for node, ups in enumerate(dag) for up in ups}
    assert constructs(notes) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\techo\n", "work.mf:1: a command stands before any rule"),
        ("x:\n", "work.mf:1: a rule has 0 commands"),
        ("x:\n\ta\n\tb\n", "has 2 commands"),
        ("x:\n\ta\nx:\n\tb\n", "work.mf:3: 'x' is also made by the rule in line 1"),
        ("x: x\n\ta\n", "makes itself"),
        ("x: y\n\ta\ny: x\n\tb\n", "cycle"),
        ("CORES=many\nx:\n\ta\n", "work.mf:1: CORES is 'many'"),
        ("# nothing\n", "no job"),
        ("A=xxxxxxxxxx\n" + "A=$A$A\n" * 20 + "x:\n\techo $A\n", "longer than"),
        ("".join(f"f{n}:\n\techo {n}\n" for n in range(501)), "more than 500 different commands"),
        ("".join(f"f{n}:\n\techo\n" for n in range(10_001)), "10,000 jobs"),
    ],
)
def test_a_file_that_makes_no_workflow_is_refused(text: str, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        imported(Format.MAKEFLOW, text)
