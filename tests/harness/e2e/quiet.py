"""Switches off the events that wake the functions of a stack by themselves."""

from __future__ import annotations

from typing import Any, Literal

from tidegate_devstack import StackInfo

SCHEDULES = ("dispatcher", "reaper")


def set_schedule(stack: StackInfo, name: str, state: Literal["ENABLED", "DISABLED"]) -> None:
    """Switches a schedule on or off, and leaves the rest of it unchanged."""
    scheduler = stack.session().client("scheduler", endpoint_url=stack.endpoint_url)
    found = scheduler.get_schedule(Name=name, GroupName=stack.outputs["ScheduleGroupName"])
    kept: dict[str, Any] = {
        field: found[field]
        for field in ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    }
    scheduler.update_schedule(**kept, State=state)


def quieten(stack: StackInfo) -> None:
    """Makes sure that no schedule, stream or queue calls a function of this stack any more."""
    for name in SCHEDULES:
        set_schedule(stack, name, "DISABLED")
    functions = stack.session().client("lambda", endpoint_url=stack.endpoint_url)
    for page in functions.get_paginator("list_event_source_mappings").paginate():
        for mapping in page["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
