"""One set of filters: what a listing takes, an act in bulk and the commands take too."""

from __future__ import annotations

from dataclasses import fields

from tidegate.contracts.act_requests import WantedIn
from tidegate.contracts.job_listing import PARAMETERS
from tidegate_cli.commands.job_filter import JobFilter

OF_THE_LIST_ALONE = {"straggler", "order", "direction", "fields", "limit", "cursor"}
OTHERWISE = {
    "state",
    "id",
}  # commands differ in whether a state must be named; the beginning of an id is for a search


def test_an_act_in_bulk_takes_each_filter_of_the_list() -> None:
    taken = {each.alias or name for name, each in WantedIn.model_fields.items()}
    assert taken == set(PARAMETERS) - OF_THE_LIST_ALONE


def test_commands_take_each_filter_of_the_list() -> None:
    options = {"from" if each.name == "since" else each.name for each in fields(JobFilter)}
    assert options == set(PARAMETERS) - OF_THE_LIST_ALONE - OTHERWISE


def test_what_was_not_given_does_not_narrow() -> None:
    assert JobFilter().given() == {}
    narrowed = JobFilter(name="", overdue=True, waits_longer_than=0.0, since="2026-01-01T00:00:00Z")
    assert narrowed.given() == {
        "name": "",
        "from": "2026-01-01T00:00:00Z",
        "overdue": True,
        "waits_longer_than": 0.0,
    }
    assert narrowed.as_parameters()["overdue"] == "true"
    assert narrowed.as_parameters()["waits_longer_than"] == "0.000"
