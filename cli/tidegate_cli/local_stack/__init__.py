"""The local stack: the real template, deployed to an AWS emulator on this machine.

`up` starts it, `down` stops it, `deploy` brings changed code to it, `status` and `logs` look at it. Several
stacks live side by side under different homes; the home is `.tidegate` in the project, or TIDEGATE_HOME.
"""

from tidegate_cli.local_stack.errors import LocalStackError
from tidegate_cli.local_stack.logs import FUNCTIONS, LogEvent, logs
from tidegate_cli.local_stack.model import LocalState, LocalStatus, Progress, StackInfo
from tidegate_cli.local_stack.places import Places
from tidegate_cli.local_stack.stack import deploy, down, status, up

__all__ = [
    "FUNCTIONS",
    "LocalStackError",
    "LocalState",
    "LocalStatus",
    "LogEvent",
    "Places",
    "Progress",
    "StackInfo",
    "deploy",
    "down",
    "logs",
    "status",
    "up",
]
