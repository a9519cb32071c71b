"""Up, down, deploy and status of a local stack."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tidegate_cli.local_stack import cloud, job_code, sam
from tidegate_cli.local_stack import emulator as emulators
from tidegate_cli.local_stack.emulator import Emulator
from tidegate_cli.local_stack.errors import LocalStackError
from tidegate_cli.local_stack.model import (
    LocalState,
    LocalStatus,
    Progress,
    StackInfo,
    read_info,
    write_info,
)
from tidegate_cli.local_stack.places import Places
from tidegate_cli.local_stack.root_key import read_root_secret


def up(
    progress: Progress, *, home: Path | None = None, parameters: Mapping[str, str] | None = None
) -> StackInfo:
    """Brings the stack up: starts what does not run, deploys what changed, repairs what was left half done.

    `progress` hears of each step. `home` is the stack's folder (default: TIDEGATE_HOME, else `.tidegate` in
    the project). `parameters` override the template's for this stack. If this call started the emulator and
    then fails or is interrupted, it ends it again. Raises LocalStackError with a message for the user.
    """
    places = Places.find(home)
    with places.lock_home(progress):
        with places.lock_build(progress):
            chosen = sam.local_parameters(places.project, parameters or {})
            digest = sam.content_hash(places.project, chosen)
            is_checked = job_code.check_source(places.project)
            sam.build(places, chosen, digest, progress)
            if not is_checked:
                job_code.check_layer(places.build)
            running = emulators.find_running(places)
            try:
                with cloud.readable_errors():
                    emulator = _whole(places, running or emulators.start(places, progress), progress)
                    info = _deploy_if_changed(places, emulator, chosen, digest, progress)
            except BaseException:
                if running is None or not running.is_running:
                    emulators.stop(places)
                raise
        progress(f"the local stack is up: {info.api_url}")
        return info


def deploy(
    progress: Progress, *, home: Path | None = None, parameters: Mapping[str, str] | None = None
) -> StackInfo:
    """Builds and deploys what changed to a stack that is up; raises LocalStackError if it is not."""
    places = Places.find(home)
    if emulators.find_running(places) is None:
        raise LocalStackError("the local stack is not up: run `tidegate local up`")
    return up(progress, home=places.home, parameters=parameters)


def down(progress: Progress, *, home: Path | None = None, wipe: bool = False) -> bool:
    """Stops the stack; what it holds is saved for the next `up`, unless `wipe`. False if it was not up.

    Ends only the process that `up` recorded, after making sure that it is still that one.
    """
    places = Places.find(home)
    if not places.home.exists():
        return False
    with places.lock_home(progress):
        was_up = emulators.stop(places)
        if wipe:
            emulators.forget_state(places)
            places.root_secret.unlink(missing_ok=True)
    progress("the local stack is stopped" if was_up else "the local stack was not up")
    return was_up


def status(*, home: Path | None = None) -> LocalStatus:
    """How the stack is; changes nothing but an emulator that hangs or checks no signatures, which it ends."""
    places = Places.find(home)
    emulator = emulators.find_running(places)
    if emulator is None:
        return LocalStatus(state=LocalState.STOPPED, home=places.home)
    with cloud.readable_errors():
        deployment = cloud.describe(emulator.endpoint_url, read_root_secret(places))
    info = read_info(places.stack_info)
    if deployment is None or not deployment.is_usable or info is None or info.pid != emulator.pid:
        found = deployment.status if deployment is not None else None
        return LocalStatus(state=LocalState.INCOMPLETE, home=places.home, stack_status=found)
    return LocalStatus(state=LocalState.RUNNING, home=places.home, info=info, stack_status=deployment.status)


def _whole(places: Places, emulator: Emulator, progress: Progress) -> Emulator:
    """An emulator that holds a usable stack or none; a half-deployed one is thrown away with all it saved."""
    deployment = cloud.describe(emulator.endpoint_url, read_root_secret(places))
    if deployment is None or deployment.is_usable:
        return emulator
    progress(f"an earlier run left the stack half deployed ({deployment.status}): starting over")
    emulators.stop(places)
    emulators.forget_state(places)
    return emulators.start(places, progress)


def _deploy_if_changed(
    places: Places, emulator: Emulator, parameters: Mapping[str, str], digest: str, progress: Progress
) -> StackInfo:
    secret = read_root_secret(places)
    deployment = cloud.describe(emulator.endpoint_url, secret)
    if deployment is not None and deployment.digest == digest:
        progress("nothing changed since the last deployment")
    else:
        sam.deploy(places, parameters, digest, emulator.endpoint_url, progress)
    cloud.repair(emulator.endpoint_url, secret)
    info = cloud.read_stack_info(emulator, secret)
    write_info(places.stack_info, info)
    return info
