"""ECS and CloudWatch Logs as container targets call them. They keep the rules that AWS documents, and run nothing."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/batch"
STACK = "tidegate-test"
GROUP = f"/tidegate/{STACK}/jobs"
EXITED = {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}
_STARTED_BY = re.compile("[A-Za-z0-9_/-]{1,128}")
_TOKEN = re.compile("[!-~]{1,64}")
_PAGE_LINES = 2
Answer = tuple[int, Mapping[str, Any]]


def exited(code: int, **more: str) -> dict[str, Any]:
    """Returns the description of a task whose program ended with `code`."""
    return {**EXITED, "lastStatus": "STOPPED", "containers": [{"name": "job", "exitCode": code, **more}]}


def failed_to_start(reason: str) -> dict[str, Any]:
    """Returns the description of a task that never ran."""
    stopped = {"stopCode": "TaskFailedToStart", "stoppedReason": reason}
    return {**stopped, "lastStatus": "STOPPED", "containers": [{"name": "job"}]}


@dataclass
class Containers:
    """The state of both services.

    `families` are the registered ones; None knows all. `end` describes how a task ends at once; without it a task goes
    on. `printed` is what each task prints. `failures` are those of RunTask in place of a task. The first `lost` answers
    of RunTask are lost on the way, the first `unseen` questions about a task find none. `denied` names the action that
    IAM refuses.
    """

    families: set[str] | None = None
    end: Mapping[str, Any] | None = None
    printed: list[str] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)
    lost: int = 0
    unseen: int = 0
    denied: str = ""
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    starts: list[dict[str, Any]] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)

    def answer(self, action: str, given: Mapping[str, Any]) -> Answer | None:
        """Answers one call; None loses the answer."""
        if action == self.denied:
            return 400, {"__type": "AccessDeniedException"}
        if action == "GetLogEvents":
            return self._events(given)
        if given["cluster"] != CLUSTER:
            return 400, {"__type": "ClusterNotFoundException"}
        match action:
            case "RunTask":
                return self._run(given)
            case "ListTasks":
                found = [
                    arn
                    for arn, task in self.tasks.items()
                    if task["startedBy"] == given["startedBy"] and task["lastStatus"] != "STOPPED"
                ]
                return 200, {"taskArns": found}
            case "DescribeTasks":
                return self._describe(given["tasks"])
        task = self.tasks[given["task"]]
        if task["lastStatus"] != "STOPPED":
            task.update(
                lastStatus="STOPPED", stopCode="UserInitiated", stoppedReason=given["reason"], containers=[{}]
            )
        return 200, {"task": task}

    def leave(self, started_by: str) -> dict[str, Any]:
        """Adds a task that a lost worker has left running; returns its description."""
        arn = f"{CLUSTER.replace(':cluster/', ':task/')}/{len(self.tasks):032x}"
        self.tasks[arn] = {"taskArn": arn, "startedBy": started_by, "lastStatus": "RUNNING"}
        return self.tasks[arn]

    def _run(self, given: Mapping[str, Any]) -> Answer | None:
        family = given["taskDefinition"]
        if self.families is not None and family not in self.families:
            return 400, {"__type": "ClientException", "message": "TaskDefinition not found."}
        fits = _STARTED_BY.fullmatch(given["startedBy"]) and _TOKEN.fullmatch(given["clientToken"])
        if not fits or len(json.dumps(given["overrides"])) > 8_192:
            return 400, {"__type": "InvalidParameterException", "message": "a value is out of bounds"}
        if self.failures:
            return 200, {"tasks": [], "failures": self.failures}
        repeated = [task for task in self.tasks.values() if task.get("token") == given["clientToken"]]
        task = repeated[0] if repeated else self.leave(given["startedBy"])
        if not repeated:
            self.starts.append(dict(given))
            task.update(token=given["clientToken"], **(self.end or {}))
            self.began.set()
        if self.lost > 0:
            self.lost -= 1
            return None
        return 200, {"tasks": [task], "failures": []}

    def _describe(self, arns: list[str]) -> Answer:
        if self.unseen > 0:
            self.unseen -= 1
            return 200, {"tasks": [], "failures": [{"arn": arns[0], "reason": "MISSING"}]}
        return 200, {"tasks": [self.tasks[arn] for arn in arns], "failures": []}

    def _events(self, given: Mapping[str, Any]) -> Answer:
        known = {f"container/job/{arn.rpartition('/')[2]}" for arn in self.tasks}
        if given["logGroupName"] != GROUP or given["logStreamName"] not in known or not self.printed:
            return 400, {"__type": "ResourceNotFoundException"}
        first = int(given.get("nextToken", "f/0").partition("/")[2])
        lines = self.printed[first : first + _PAGE_LINES]
        events = [{"timestamp": 1, "message": line, "ingestionTime": 1} for line in lines]
        return 200, {
            "events": events,
            "nextForwardToken": f"f/{first + len(lines)}",
            "nextBackwardToken": "b/0",
        }
