"""DAGMan's files become jobs with the same graph, scripts and submit descriptions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.harness.cli.importing import argv, constructs, edges, imported, jobs, must_submit
from tests.harness.cli.random_dags import Dag, dags
from tidegate_cli.importing.condor_submit import split_arguments
from tidegate_cli.importing.formats import Format
from tidegate_cli.importing.model import Effect, ImportRefused

SUBMIT = """\
# one program for all
executable = /bin/work
name = $(JOB)
arguments = "$(name) 'it''s one' ""quoted"" $(level:0)"
environment = "A=1 B='x y'"
request_cpus = 2
request_memory = 2 GB
output = out/$(JOB).txt
log = work.log
transfer_input_files = a.dat
queue
"""
DAG = """\
# a diamond
JOB A work.sub
JOB B work.sub DIR sub
JOB C work.sub NOOP
JOB D work.sub
PARENT A CHILD B C
PARENT B C CHILD D
VARS A level="4" other="a \\"b\\""
RETRY B 3 UNLESS-EXIT 2
PRIORITY D 10
PRIORITY A -500
CATEGORY B slow
MAXJOBS slow 2
SCRIPT PRE D /bin/before $JOB
SCRIPT POST B after.sh $RETURN
CONFIG dagman.config
NONSENSE D
"""


def test_a_diamond_with_scripts_keeps_its_graph() -> None:
    made, notes = imported(Format.DAGMAN, DAG, {"work.sub": SUBMIT})
    assert edges(made) == {
        ("A", "B"),
        ("A", "C"),
        ("B", "B.post"),
        ("B.post", "D.pre"),
        ("C", "D.pre"),
        ("D.pre", "D"),
    }
    found = jobs(made)
    assert argv(made, "D")[:3] == ["env", "A=1", "B=x y"]
    assert argv(made, "D")[3:6] == ["sh", "-c", 'exec "$@" >out/D.txt']
    assert argv(made, "D")[6:] == ["sh", "/bin/work", "D", "it's one", '"quoted"', "0"]
    assert argv(made, "B")[5] == 'cd sub && exec "$@" >out/B.txt'
    assert argv(made, "D.pre") == ["/bin/before", "D"]
    assert argv(made, "B.post")[3:] == ["sh", "./after.sh", "$RETURN"]
    assert (found["B"]["max_retries"], found["A"]["max_retries"]) == (3, 0)
    assert made.targets["targets"][found["B"]["type"]]["exit_codes"] == {
        "2": {"retry": False, "code": "exit-code-2"}
    }
    assert (found["D"]["priority"], found["A"]["priority"]) == (110, 1)
    assert (found["B"]["concurrency_key"], found["B"]["concurrency_limit"]) == ("work.dag/slow", 2)
    assert found["B"]["requires"] == ["cores-2", "memory-2048mb"]
    assert found["C"]["type"] == "tidegate.noop"
    assert found["B.post"]["depends_on"] == [
        {
            "key": "B",
            "type": "CONDITIONAL",
            "condition": 'upstream.status in ["SUCCEEDED", "FAILED", "TIMED_OUT"]',
        }
    ]
    named = {(note.file, note.line, note.construct): note.effect for note in notes.kept if note.line}
    assert named == {
        ("work.dag", 3, "RETRY B"): Effect.CHANGED,
        ("work.dag", 2, "PRIORITY A -500"): Effect.CHANGED,
        ("work.dag", 13, "MAXJOBS slow 2"): Effect.CHANGED,
        ("work.dag", 15, "$RETURN"): Effect.UNFINISHED,
        ("work.dag", 16, "CONFIG dagman.config"): Effect.LEFT_OUT,
        ("work.dag", 17, "NONSENSE D"): Effect.LEFT_OUT,
        ("work.sub", 9, "log = work.log"): Effect.LEFT_OUT,
        ("work.sub", 10, "transfer_input_files = a.dat"): Effect.LEFT_OUT,
    }
    must_submit(made)


def test_a_splice_is_put_in_and_an_external_dag_is_named() -> None:
    files = {
        "work.sub": SUBMIT,
        "inner.dag": "JOB X work.sub\nJOB Y work.sub\nJOB Z work.sub\nPARENT X CHILD Y Z\nRETRY ALL_NODES 2\n",
    }
    text = (
        "JOB A work.sub\nSPLICE S inner.dag\nSUBDAG EXTERNAL E other.dag\n"
        "PARENT A CHILD S\nPARENT S CHILD E\nFINAL F work.sub\n"
    )
    made, notes = imported(Format.DAGMAN, text, files)
    assert edges(made) == {
        ("A", "S+X"),
        ("S+X", "S+Y"),
        ("S+X", "S+Z"),
        ("S+Y", "E"),
        ("S+Z", "E"),
        ("E", "F"),
    }
    assert jobs(made)["F"]["depends_on"] == [{"key": "E", "type": "MUST_COMPLETE"}]
    assert (jobs(made)["S+Y"]["max_retries"], jobs(made)["A"]["max_retries"]) == (2, 0)
    assert any("other.dag" in each for each in constructs(notes))
    must_submit(made)


def test_several_jobs_of_one_description_are_one_node() -> None:
    submit = "executable = /bin/echo\narguments = part $(Process)\nqueue 3\n"
    made, _ = imported(
        Format.DAGMAN,
        "JOB A a.sub\nJOB B inline\nSUBMIT-DESCRIPTION inline {\nexecutable = /bin/b\n}\nPARENT A CHILD B\n",
        {"a.sub": submit},
    )
    assert [argv(made, f"A.{n}") for n in range(3)] == [["/bin/echo", "part", str(n)] for n in range(3)]
    assert edges(made) == {("A.0", "A"), ("A.1", "A"), ("A.2", "A"), ("A", "B")}
    assert argv(made, "B") == ["/bin/b"]
    must_submit(made)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b  c", ("a", "b", "c")),
        ('"a b"', ("a", "b")),
        ("\"'a b' c\"", ("a b", "c")),
        ("\"it''s 'it''s'\"", ("its", "it's")),
        ('""', ()),
        ("\"''\"", ("",)),
        ('"""x"""', ('"x"',)),
        ('a\\"b', ('a"b',)),
    ],
)
def test_arguments_are_split_by_both_syntaxes(text: str, expected: tuple[str, ...]) -> None:
    assert split_arguments(text, "f", 1) == expected


@settings(max_examples=40, deadline=None)
@given(dags())
def test_any_graph_is_read_back_as_it_was(dag: Dag) -> None:
    lines = [f"JOB n{node} s.sub" for node in range(len(dag))]
    lines += [
        f"PARENT {' '.join(f'n{up}' for up in ups)} CHILD n{node}" for node, ups in enumerate(dag) if ups
    ]
    made, notes = imported(Format.DAGMAN, "\n".join(lines), {"s.sub": "executable = /bin/true\nqueue\n"})
    assert edges(made) == {(f"n{up}", f"n{node}") for node, ups in enumerate(dag) for up in ups}
    assert constructs(notes) == []


ONE = {"a.sub": "executable = /bin/true\n"}


@pytest.mark.parametrize(
    ("text", "files", "said"),
    [
        ("JOB A gone.sub\n", {}, "work.dag:1: there is no file 'gone.sub'"),
        ("JOB A a.sub\nJOB A a.sub\n", ONE, "work.dag:2: there are two nodes 'A'"),
        ("JOB A a.sub\nPARENT A CHILD B\n", ONE, "work.dag:2: there is no node 'B'"),
        ("JOB A a.sub\nJOB B a.sub\nPARENT A CHILD B\nPARENT B CHILD A\n", ONE, "cycle"),
        ("JOB A a.sub\nRETRY A many\n", ONE, "work.dag:2: .* whole number"),
        ("SPLICE S s.dag\n", {"s.dag": "SPLICE S s.dag\n"}, "10 deep"),
        ("JOB A a.sub\n", {"a.sub": "queue\n"}, "no `executable`"),
        ("JOB A a.sub\n", {"a.sub": "executable = $(x)\nx = $(x)y\n"}, "longer than|itself"),
        ("JOB A a.sub\n", {"a.sub": "executable = /x\nqueue 5000\n"}, "1 to 1,000"),
        ("JOB A a.sub\n", {"a.sub": 'executable = /x\narguments = "\'open"\n'}, "open single quotation mark"),
        ("PARENT A\n", {}, "PARENT has no CHILD"),
    ],
)
def test_a_file_that_makes_no_workflow_is_refused(text: str, files: dict[str, str], said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        imported(Format.DAGMAN, text, files)
