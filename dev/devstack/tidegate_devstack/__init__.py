"""The local stack: the real template, deployed to an AWS emulator on this machine.

`up` starts it, `down` stops it, `deploy` deploys changed code to it, `status` and `logs` show it. Each stack has a home
folder: `.tidegate` in the project, or the one that TIDEGATE_HOME names. Stacks with different homes run side by side.

The emulator is ministack. The modules here patch parts of it, so that it behaves as AWS does. A comment that begins
with "Patches ministack" stands at each patch, and says which part it replaces and why.
"""

from tidegate_devstack.console_build import ConsoleBuild, building
from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.logs import FUNCTIONS, LogEvent, logs
from tidegate_devstack.model import LocalState, LocalStatus, Progress, StackInfo
from tidegate_devstack.places import Places
from tidegate_devstack.stack import deploy, down, status, up, up_with_console

__all__ = [
    "FUNCTIONS",
    "ConsoleBuild",
    "LocalStackError",
    "LocalState",
    "LocalStatus",
    "LogEvent",
    "Places",
    "Progress",
    "StackInfo",
    "building",
    "deploy",
    "down",
    "logs",
    "status",
    "up",
    "up_with_console",
]
