"""Argo Workflows become jobs with the same graph and the same conditions."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from tests.harness.cli.importing import argv, constructs, edges, imported, jobs, must_submit
from tests.harness.cli.random_dags import Dag, dags
from tidegate_cli.errors import MalformedFile
from tidegate_cli.importing.formats import Format
from tidegate_cli.importing.model import Effect, ImportRefused

ECHO = {
    "name": "echo",
    "inputs": {"parameters": [{"name": "m", "value": "nothing"}]},
    "container": {"command": ["echo", "it's"], "args": ["{{inputs.parameters.m}}"]},
}
FLIP = {"name": "flip", "script": {"command": ["python3"], "source": "print('\"heads\"')\n"}}


def workflow(*templates: dict[str, Any], **spec: Any) -> str:
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "sample-"},
        "spec": {"entrypoint": templates[0]["name"], "templates": list(templates), **spec},
    }
    return str(yaml.safe_dump(document, sort_keys=False))


def dag(*tasks: dict[str, Any], name: str = "main", **more: Any) -> dict[str, Any]:
    return {"name": name, "dag": {"failFast": False, "tasks": list(tasks), **more}}


def task(name: str, depends: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "template": "echo", **({"depends": depends} if depends else {}), **more}


def condition(made: Any, key: str, upstream: str) -> str | None:
    edge = next(each for each in jobs(made)[key]["depends_on"] if each["key"] == upstream)
    return edge.get("condition", edge["type"])  # type: ignore[no-any-return]


def test_a_diamond_keeps_its_edges_and_commands() -> None:
    text = workflow(
        dag(
            task("A"),
            task("B", "A", arguments={"parameters": [{"name": "m", "value": "$(rm -rf /)"}]}),
            {"name": "C", "template": "echo", "dependencies": ["A"]},
            task("D", "B && C"),
        ),
        ECHO,
    )
    made, notes = imported(Format.ARGO, text)
    assert made.workflow["name"] == "sample"
    assert edges(made) == {("A", "B"), ("A", "C"), ("B", "D"), ("C", "D")}
    assert {condition(made, key, each) for each, key in edges(made)} == {"MUST_SUCCEED"}
    assert argv(made, "B") == ["echo", "it's", "$(rm -rf /)"]
    assert jobs(made)["A"]["type"] == jobs(made)["C"]["type"]
    assert len(made.targets["targets"]) == 2
    assert constructs(notes) == []
    must_submit(made)


def test_the_results_of_depends_become_conditions() -> None:
    made, _ = imported(
        Format.ARGO, workflow(dag(task("A"), task("B"), task("C", "A.Succeeded && B.Failed")), ECHO)
    )
    assert condition(made, "C", "A") == "MUST_SUCCEED"
    assert condition(made, "C", "B") == 'upstream.status in ["FAILED", "TIMED_OUT"]'
    must_submit(made)


def test_an_or_over_two_tasks_becomes_a_gate() -> None:
    made, _ = imported(Format.ARGO, workflow(dag(task("A"), task("B"), task("C", "A.Failed || B")), ECHO))
    assert jobs(made)["gate-1"]["type"] == "tidegate.noop"
    assert edges(made) == {("A", "gate-1"), ("B", "gate-1"), ("gate-1", "C"), ("A", "C"), ("B", "C")}
    must_submit(made)


def test_steps_follow_each_other_and_a_skipped_one_lets_the_next_run() -> None:
    text = workflow(
        {
            "name": "main",
            "steps": [
                [{"name": "flip", "template": "flip"}],
                [
                    {"name": "heads", "template": "echo", "when": "{{steps.flip.outputs.result}} == heads"},
                    {"name": "tails", "template": "echo", "when": "{{steps.flip.outputs.result}} != heads"},
                ],
                [{"name": "end", "template": "echo"}],
            ],
        },
        FLIP,
        ECHO,
    )
    made, notes = imported(Format.ARGO, text)
    assert (
        condition(made, "heads", "flip") == '(upstream.status == "SUCCEEDED") && (upstream.result == "heads")'
    )
    assert (
        condition(made, "end", "tails")
        == 'upstream.status == "SUCCEEDED" || upstream.code == "branch-not-taken"'
    )
    assert edges(made) == {("flip", "heads"), ("flip", "tails"), ("heads", "end"), ("tails", "end")}
    assert {note.effect for note in notes.kept if "when" in note.construct} == {Effect.CHANGED}
    must_submit(made)


def test_items_are_expanded_and_judged_together() -> None:
    arguments = {"parameters": [{"name": "m", "value": "{{item.os}}-{{item.n}}"}]}
    items = [{"os": "a", "n": 1}, {"os": "b", "n": 2}]
    text = workflow(
        dag(
            task("A", withItems=items, arguments=arguments),
            task("B", "A.AnySucceeded"),
            task("C", "A"),
            task("D", withSequence={"count": "3", "format": "n%02d"}, arguments=_item()),
            task("E", withParam='["x"]', arguments=_item()),
        ),
        ECHO,
    )
    made, _ = imported(Format.ARGO, text)
    assert [argv(made, f"A.{n}")[-1] for n in (0, 1)] == ["a-1", "b-2"]
    assert [argv(made, f"D.{n}")[-1] for n in (0, 1, 2)] == ["n00", "n01", "n02"]
    assert argv(made, "E.0")[-1] == "x"
    assert {("A.0", "C"), ("A.1", "C")} <= edges(made)
    assert any(job.startswith("gate") for job in jobs(made))
    must_submit(made)


def _item() -> dict[str, Any]:
    return {"parameters": [{"name": "m", "value": "{{item}}"}]}


def test_a_graph_inside_a_graph_is_put_in() -> None:
    inner = dag(task("p"), task("q", "p"), name="inner")
    text = workflow(
        dag(task("A"), {"name": "N", "template": "inner", "depends": "A"}, task("Z", "N")), inner, ECHO
    )
    made, _ = imported(Format.ARGO, text)
    assert edges(made) == {("A", "N.p"), ("N.p", "N.q"), ("N.q", "Z")}
    failed, _ = imported(
        Format.ARGO, workflow(dag({"name": "N", "template": "inner"}, task("Z", "N.Failed")), inner, ECHO)
    )
    assert ("N.p", "Z") in edges(failed)
    must_submit(failed)


def test_retries_time_limits_amounts_and_the_rest_of_a_template() -> None:
    template = {
        "name": "main",
        "retryStrategy": {
            "limit": 4,
            "retryPolicy": "OnError",
            "backoff": {"duration": "1m30s", "factor": 2, "cap": "1h"},
        },
        "activeDeadlineSeconds": 90,
        "metadata": {"labels": {"team": "data"}},
        "synchronization": {"mutex": {"name": "one"}},
        "nodeSelector": {"disk": "ssd"},
        "container": {
            "image": "alpine:3",
            "command": ["sh", "-c"],
            "args": ["echo $A"],
            "env": [
                {"name": "A", "value": "1 2"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"key": "k"}}},
            ],
            "resources": {"limits": {"cpu": "1500m", "memory": "1Gi", "nvidia.com/gpu": 1}},
            "workingDir": "/src",
        },
    }
    made, notes = imported(Format.ARGO, workflow(template, priority=7, parallelism=3, nonsense=1))
    job = jobs(made)["main"]
    assert job["max_retries"] == 4
    assert job["retry"] == {"backoff_seconds": 90, "max_backoff_seconds": 3_600}
    assert job["timeout_seconds"] == 90
    assert job["requires"] == ["cores-2", "memory-1024mb"]
    assert job["tags"] == {"team": "data"}
    assert (job["concurrency_key"], job["concurrency_limit"]) == ("one", 1)
    assert made.workflow["priority"] == 7
    assert argv(made, "main")[:2] == ["env", "A=1 2"]
    assert argv(made, "main")[5:] == ["sh", "/src", "sh", "-c", "echo $A"]
    assert {each.split(":")[0] for each in constructs(notes)} >= {
        "retryPolicy",
        "nodeSelector",
        "image",
        "env B",
        "nvidia.com/gpu",
        "nonsense",
        "parallelism",
        "cores-2, memory-1024mb",
    }
    must_submit(made)


def test_every_other_kind_of_template_keeps_the_order_and_says_so() -> None:
    made, notes = imported(
        Format.ARGO,
        workflow(
            dag(task("A", template="wait"), task("B", "A"), task("C", "B", template=None)),
            {"name": "wait", "suspend": {"duration": "20"}},
            ECHO,
        ),
    )
    assert edges(made) == {("A", "B"), ("B", "C")}
    assert [jobs(made)[key]["type"] for key in "AC"] == ["tidegate.noop"] * 2
    assert any("suspend" in each for each in constructs(notes))
    must_submit(made)


def test_a_variable_without_a_value_is_named_and_can_be_given() -> None:
    arguments = {"parameters": [{"name": "m", "value": "{{workflow.uid}}"}]}
    text = workflow(dag(task("A", arguments=arguments)), ECHO)
    made, notes = imported(Format.ARGO, text)
    assert argv(made, "A")[-1] == "{{workflow.uid}}"
    assert [note.effect for note in notes.kept if note.construct == "{{workflow.uid}}"] == [Effect.UNFINISHED]
    made, notes = imported(Format.ARGO, text, settings={"workflow.uid": "7"})
    assert argv(made, "A")[-1] == "7"
    assert constructs(notes) == []


def test_a_condition_of_known_values_is_decided_and_one_of_unknown_values_leaves_the_job_out() -> None:
    text = workflow(
        dag(
            task("A", when="{{workflow.parameters.env}} == prod && 2 > 1"),
            task("B", "A", when="'{{workflow.parameters.env}}' != 'prod'"),
            task("C", "B", when="{{workflow.status}} == x"),
            task("D", "B"),
        ),
        ECHO,
        arguments={"parameters": [{"name": "env", "value": "prod"}]},
    )
    made, notes = imported(Format.ARGO, text)
    assert edges(made) == {("A", "D")}
    assert "C" in constructs(notes)
    assert imported(Format.ARGO, text, settings={"env": "test"})[0].job_count == 2


def test_a_handler_for_the_end_waits_for_the_end_of_all_others() -> None:
    made, _ = imported(
        Format.ARGO, workflow(dag(task("A"), task("B", "A"), task("C", "A")), ECHO, onExit="echo")
    )
    assert {each for each in edges(made) if each[1] == "onExit"} == {("B", "onExit"), ("C", "onExit")}
    assert condition(made, "onExit", "B") == "MUST_COMPLETE"
    must_submit(made)


def test_a_long_script_fits_and_means_the_same() -> None:
    source = "".join(f"print({number})\n" for number in range(2_000))
    made, _ = imported(
        Format.ARGO, workflow({"name": "main", "script": {"command": ["python3"], "source": source}})
    )
    command = argv(made, "main")
    assert command[:2] == ["sh", "-c"]
    assert "".join(command[6:]) == source
    must_submit(made)


@settings(max_examples=40, deadline=None)
@given(dags())
def test_any_graph_is_read_back_as_it_was(dag_: Dag) -> None:
    tasks = [task(f"t{node}", " && ".join(f"t{up}" for up in ups)) for node, ups in enumerate(dag_)]
    made, notes = imported(Format.ARGO, workflow(dag(*tasks), ECHO))
    assert edges(made) == {(f"t{up}", f"t{node}") for node, ups in enumerate(dag_) for up in ups}
    assert made.job_count == len(dag_)
    assert constructs(notes) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Deployment", "no Argo workflow"),
        (workflow(dag(task("A", "B"), task("B", "A")), ECHO), "cycle"),
        (workflow(dag(task("A", "X")), ECHO), "'X', which is no task"),
        (workflow(dag(task("A", "B ||"), task("B")), ECHO), "ends too early"),
        (workflow(dag(task("A", template="gone")), ECHO), "no template 'gone'"),
        (workflow(dag(task("A", template="main"))), "20 levels deep"),
        (workflow(dag(task("A", withSequence={"count": "99999"})), ECHO), "10,000 jobs"),
        (workflow(dag(task("A"), task("A")), ECHO), "that of another one"),
        (workflow(dag(task("A", "(" * 60 + "B" + ")" * 60), task("B")), ECHO), "50 levels deep"),
    ],
)
def test_a_file_that_makes_no_workflow_is_refused(text: str, said: str) -> None:
    with pytest.raises(ImportRefused, match=said):
        imported(Format.ARGO, text)


def test_aliases_that_grow_without_bound_are_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    with pytest.raises(MalformedFile, match="aliases"):
        imported(Format.ARGO, bomb)


def test_templates_that_double_at_each_level_are_refused() -> None:
    levels = [
        dag(
            {"name": "l", "template": f"t{n + 1}"},
            {"name": "r", "template": f"t{n + 1}"},
            name=f"t{n}",
        )
        for n in range(18)
    ]
    with pytest.raises(ImportRefused):
        imported(Format.ARGO, workflow(*levels, {**ECHO, "name": "t18"}))
