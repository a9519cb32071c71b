"""GitHub workflows become jobs with the same needs, conditions and matrices."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.cli.importing import argv, constructs, edges, imported, jobs, must_submit
from tests.harness.cli.random_dags import Dag, dags
from tidegate_cli.importing.formats import Format
from tidegate_cli.importing.model import Effect, ImportRefused


def workflow(jobs_: dict[str, Any], **more: Any) -> str:
    return str(yaml.safe_dump({"name": "ci", **more, "jobs": jobs_}, sort_keys=False))


def job(run: Any = "true", **more: Any) -> dict[str, Any]:
    return {"steps": [{"run": run}], **more}


def conditions(made: Any, key: str) -> dict[str, str]:
    return {
        edge["key"]: edge.get("condition", edge["type"]) for edge in jobs(made)[key].get("depends_on", ())
    }


def test_needs_become_edges_and_the_time_limit_is_githubs() -> None:
    text = workflow(
        {"a": job(), "b": job(needs="a"), "c": job("true", **{"needs": ["a", "b"], "timeout-minutes": 5})}
    )
    made, notes = imported(Format.GITHUB, text)
    assert edges(made) == {("a", "b"), ("a", "c"), ("b", "c")}
    assert set(conditions(made, "c").values()) == {"MUST_SUCCEED"}
    assert [each["timeout_seconds"] for each in made.workflow["jobs"]] == [21_600, 21_600, 300]
    assert [each["max_retries"] for each in made.workflow["jobs"]] == [0, 0, 0]
    assert constructs(notes) == []
    must_submit(made)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("always()", {"a": "MUST_COMPLETE"}),
        ("${{ failure() }}", {"a": 'upstream.status in ["FAILED", "TIMED_OUT"]'}),
        ("cancelled()", {"a": 'upstream.status == "CANCELLED"'}),
        ("needs.a.result == 'success' || failure()", None),
        ("always() && needs.a.result == 'skipped'", {"a": 'upstream.status == "SKIPPED"'}),
        ("!cancelled()", {"a": '!(upstream.status == "CANCELLED")'}),
        ("true && 'x' == 'X'", {"a": "MUST_SUCCEED"}),
        ("contains('hello', 'ell')", {"a": "MUST_SUCCEED"}),
    ],
)
def test_the_status_functions_become_conditions(condition: str, expected: dict[str, str] | None) -> None:
    made, _ = imported(Format.GITHUB, workflow({"a": job(), "b": job(needs="a", **{"if": condition})}))
    if expected is not None:
        assert conditions(made, "b") == expected
    must_submit(made)


def test_success_after_a_job_with_a_condition_asks_for_all_before_it() -> None:
    text = workflow({"a": job(), "b": job(needs="a", **{"if": "always()"}), "c": job(needs="b")})
    assert conditions(imported(Format.GITHUB, text)[0], "c") == {"b": "MUST_SUCCEED", "a": "MUST_SUCCEED"}


def test_failure_asks_for_all_jobs_before() -> None:
    text = workflow({"a": job(), "b": job(needs="a"), "c": job(needs="b", **{"if": "failure()"})})
    made, _ = imported(Format.GITHUB, text)
    assert edges(made) >= {("a", "gate-1"), ("b", "gate-1"), ("gate-1", "c")}


def test_an_output_is_read_from_the_result() -> None:
    text = workflow({"a": job(), "b": job(needs="a", **{"if": "needs.a.outputs.changed == 'true'"})})
    made, notes = imported(Format.GITHUB, text)
    assert 'upstream.result["changed"] == "true"' in conditions(made, "b")["a"]
    assert [note.effect for note in notes.kept if note.construct.startswith("if:")] == [Effect.CHANGED]
    must_submit(made)


def test_a_job_whose_condition_only_github_knows_is_left_out_with_those_that_need_it() -> None:
    text = workflow(
        {
            "a": job(),
            "deploy": job(needs="a", **{"if": "github.ref == 'refs/heads/main'"}),
            "after": job(needs="deploy"),
            "clean": job(needs=["a", "deploy"], **{"if": "always()"}),
        }
    )
    made, notes = imported(Format.GITHUB, text)
    assert edges(made) == {("a", "clean")}
    assert "job deploy" in constructs(notes)
    assert "job after" in constructs(notes)
    given_, _ = imported(Format.GITHUB, text, settings={"github.ref": "refs/heads/main"})
    assert edges(given_) == {("a", "deploy"), ("deploy", "after"), ("deploy", "clean"), ("a", "clean")}


def test_a_matrix_is_expanded_by_the_rules_of_include_and_exclude() -> None:
    matrix = {
        "fruit": ["apple", "pear"],
        "animal": ["cat", "dog"],
        "include": [
            {"color": "green"},
            {"color": "pink", "animal": "cat"},
            {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ],
        "exclude": [{"fruit": "pear", "animal": "dog"}],
    }
    run = "echo ${{ matrix.fruit }} ${{ matrix['animal'] }} ${{ matrix.color }} ${{ matrix.shape }}"
    text = workflow({"m": job(run, strategy={"matrix": matrix, "max-parallel": 2}), "z": job(needs="m")})
    made, notes = imported(Format.GITHUB, text)
    commands = [argv(made, f"m.{number}")[-1] for number in range(1, 6)]
    assert commands == [
        "echo apple cat pink circle",
        "echo apple dog green circle",
        "echo pear cat pink ${{ matrix.shape }}",
        "echo banana ${{ matrix['animal'] }} ${{ matrix.color }} ${{ matrix.shape }}",
        "echo banana cat ${{ matrix.color }} ${{ matrix.shape }}",
    ]
    assert jobs(made)["m.1"]["name"] == "m (apple, cat, pink, circle)"
    assert jobs(made)["m.1"]["concurrency_limit"] == 2
    assert edges(made) == {(f"m.{number}", "z") for number in range(1, 6)}
    assert "m: fail-fast" in constructs(notes)
    must_submit(made)


def test_steps_run_one_after_the_other_each_as_its_own_process(tmp_path: Any) -> None:
    steps = [
        {"run": "X=1; cd /; echo one > $OUT/a", "env": {"OUT": str(tmp_path)}},
        {"run": "false", "continue-on-error": True},
        {"run": 'echo "${X:-unset} $PWD it\'s" > b', "working-directory": str(tmp_path)},
        {"run": "open('c', 'w').write('py')", "shell": "python", "working-directory": str(tmp_path)},
        {"run": "exit 7"},
        {"run": "echo never > never", "working-directory": str(tmp_path)},
    ]
    made, _ = imported(Format.GITHUB, workflow({"a": {"steps": steps}}))
    ended = subprocess.run(argv(made, "a"), check=False, cwd=tmp_path)
    assert ended.returncode == 7
    assert (tmp_path / "a").read_text() == "one\n"
    assert (tmp_path / "b").read_text() == f"unset {tmp_path} it's\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]
    must_submit(made)


def test_all_that_is_not_carried_over_is_named_with_its_line() -> None:
    text = """\
name: ci
on: [push]
env: {TOKEN: "${{ secrets.TOKEN }}", SAFE: "yes"}
permissions: read-all
jobs:
  a:
    runs-on: ubuntu-latest
    container: node:20
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ secrets.KEY }} >> $GITHUB_ENV
        timeout-minutes: 3
      - run: tell
        if: failure()
      - run: always
        if: always()
  b:
    uses: ./.github/workflows/other.yml
    needs: a
"""
    made, notes = imported(Format.GITHUB, text)
    found = {(note.line, note.construct): note.effect for note in notes.kept}
    assert found == {
        (None, "the folder of the commands"): Effect.CHANGED,
        (2, "on: push"): Effect.LEFT_OUT,
        (3, "TOKEN: ${{ secrets.TOKEN }}"): Effect.LEFT_OUT,
        (4, "permissions: read-all"): Effect.LEFT_OUT,
        (7, "runs-on: ubuntu-latest"): Effect.LEFT_OUT,
        (8, "container: node:20"): Effect.LEFT_OUT,
        (10, "uses: actions/checkout@v4"): Effect.LEFT_OUT,
        (11, "${{ secrets.KEY }}"): Effect.UNFINISHED,
        (11, "$GITHUB_ENV"): Effect.UNFINISHED,
        (12, "timeout-minutes: 3"): Effect.LEFT_OUT,
        (14, "if: failure()"): Effect.LEFT_OUT,
        (16, "if: always()"): Effect.CHANGED,
        (18, "uses: ./.github/workflows/other.yml"): Effect.LEFT_OUT,
    }
    assert jobs(made)["b"]["type"] == "tidegate.noop"
    assert edges(made) == {("a", "b")}
    must_submit(made)


@settings(max_examples=40, deadline=None)
@given(dags())
def test_any_graph_is_read_back_as_it_was(dag: Dag) -> None:
    text = workflow({f"j{node}": job(needs=[f"j{up}" for up in ups]) for node, ups in enumerate(dag)})
    made, notes = imported(Format.GITHUB, text)
    assert edges(made) == {(f"j{up}", f"j{node}") for node, ups in enumerate(dag) for up in ups}
    assert constructs(notes) == []


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="abc.()!&|=<>'[] $\\{}0", max_size=40))
def test_any_condition_is_read_or_named(condition: str) -> None:
    text = workflow({"a": job(), "b": job(needs="a", **{"if": condition})})
    made, notes = imported(Format.GITHUB, text)
    assert "b" in jobs(made) or "job b" in constructs(notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("on: push", "no `jobs`"),
        (workflow({"a": job(needs="b"), "b": job(needs="a")}), "cycle"),
        (workflow({"a": job(needs="x")}), "'x', which is no job"),
        (
            workflow({"a": job(strategy={"matrix": {name: list(range(9)) for name in "xyz"}})}),
            "more than 256 jobs",
        ),
        (workflow({"a": job(strategy={"matrix": {name: list(range(99)) for name in "abcdefghi"}})}), "256"),
    ],
)
def test_a_file_that_makes_no_workflow_is_refused(text: str, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        imported(Format.GITHUB, text)
