"""Starts, deploys, stops and inspects a local stack: `up`, `deploy`, `down` and `status`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tidegate_devstack import cloud, job_code, sam, saved_state
from tidegate_devstack import emulator as emulators
from tidegate_devstack.console_build import ConsoleBuild, add_console, building
from tidegate_devstack.emulator import Emulator
from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import LocalState, LocalStatus, Progress, StackInfo, read_info, write_info
from tidegate_devstack.places import Places
from tidegate_devstack.private_files import replace_private
from tidegate_devstack.root_key import read_root_secret

_GRACE_SECONDS = 1.0  # enough for a build that finds nothing changed


def up(
    progress: Progress,
    *,
    home: Path | None = None,
    parameters: Mapping[str, str] | None = None,
    salvage: bool = False,
    executions: int | None = None,
    console: ConsoleBuild | None = None,
) -> StackInfo:
    """Brings the stack up: starts the emulator if needed, deploys changes, and repairs an interrupted deployment.

    `progress` is called at each step. `home` is the stack's folder (default: TIDEGATE_HOME, else `.tidegate` in the
    project). `parameters` override the template's for this stack. `salvage` uses the readable part of a broken state.
    `executions` is how many functions run at once (default: the last number). The console is deployed as it was built
    last; `console` is a build of it that runs beside this call, which does not wait for its end.

    If this call started the emulator and then fails or is interrupted, it ends the emulator again. Raises
    LocalStackError with a message for the user. The stack's data stays.
    """
    places = Places.find(home)
    with places.lock_home(progress):
        with places.lock_build(progress):
            chosen = sam.local_parameters(places.project, parameters or {})
            of_build = sam.build_parameters(chosen)
            built_from = sam.content_hash(places.project, of_build)
            is_checked = job_code.check_source(places.project)
            sam.build(places, of_build, built_from, progress)
            if not is_checked:
                job_code.check_layer(places.build)
            running = emulators.find_running(places)
            if running is not None and executions not in (None, running.executions):
                raise LocalStackError(
                    f"the local stack runs with {running.executions} executions; another number needs a restart: "
                    "`tidegate local down`, then `up` again"
                )
            try:
                with cloud.readable_errors():
                    started = running or emulators.start(
                        places, progress, salvage=salvage, executions=executions
                    )
                    emulator = _whole(places, started, progress)
                    if console is not None and not console.wait(_GRACE_SECONDS):
                        progress("the console is still being built, and the stack does not wait for it")
                    digest = add_console(places, sam.deployment_hash(built_from, chosen))
                    info = _deploy_if_changed(places, emulator, chosen, digest, progress)
            except BaseException:
                if running is None or not running.is_running:
                    emulators.stop(places)
                raise
        progress(f"the local stack is up: {info.api_url}")
        return info


def up_with_console(
    progress: Progress, *, home: Path | None = None, salvage: bool = False, executions: int | None = None
) -> StackInfo:
    """Brings the stack up as `up` does, builds the console beside that, and deploys it even if it takes longer.

    Where the console can't be built, the stack is up without a new one, and `progress` is told why.
    """
    with building(home) as console:
        info = up(progress, home=home, salvage=salvage, executions=executions, console=console)
        if not console.is_over:
            progress("waiting for the console, to deploy it too; Ctrl-C leaves it out")
            console.wait()
            if console.failure is None:
                info = up(progress, home=home)
        if console.failure is not None:
            progress(f"the console was not built: {console.failure}")
    return info


def deploy(
    progress: Progress, *, home: Path | None = None, parameters: Mapping[str, str] | None = None
) -> StackInfo:
    """Builds and deploys changes to a stack that is up, as `up` does. Raises LocalStackError if the stack is not up."""
    places = Places.find(home)
    if emulators.find_running(places) is None:
        raise LocalStackError("the local stack is not up: run `tidegate local up`")
    return up(progress, home=places.home, parameters=parameters)


def down(progress: Progress, *, home: Path | None = None, wipe: bool = False) -> bool:
    """Stops the stack. Its data is saved for the next `up`, or removed with `wipe`. Returns False if it was not up.

    It ends only processes of this stack: each is checked to be the one that was recorded, not a later one with the same
    pid. Raises LocalStackError if some of them do not end, or no project is found.
    """
    places = Places.find(home)
    if not places.home.exists():
        progress(f"there is no local stack in {places.home}")
        return False
    with places.lock_home(progress):
        was_up = emulators.stop(places)
        if wipe:
            emulators.forget_state(places)
            places.root_secret.unlink(missing_ok=True)
    said = "the local stack is stopped" if was_up else "the local stack was not up"
    progress(f"{said}; its data is removed" if wipe else said)
    return was_up


def status(*, home: Path | None = None) -> LocalStatus:
    """Returns the state of the stack. It ends an emulator that hangs or checks no signatures, and changes nothing else.

    Raises LocalStackError if no project is found, or if the emulator fails.
    """
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
    """Returns an emulator with a stack that can be deployed to, or without a stack.

    A stack that was never complete holds no data yet, so it is removed. An interrupted update is treated as one that
    was rolled back, and the stack's data stays. In both cases the emulator is started again.

    Raises LocalStackError for any other stack that can't be deployed to.
    """
    deployment = cloud.describe(emulator.endpoint_url, read_root_secret(places))
    if deployment is None or deployment.is_usable:
        return emulator
    if not places.was_whole.exists() and not deployment.was_updated:
        progress(f"an earlier run left the first deployment half done ({deployment.status}): starting over")
        emulators.stop(places)
        emulators.forget_state(places)
        return emulators.start(places, progress)
    if not deployment.was_updated:
        raise LocalStackError(
            f"the stack is {deployment.status}, and can't be deployed to; nothing was changed. "
            "`tidegate local down --wipe` removes it with all its data"
        )
    progress(f"an earlier deployment was interrupted ({deployment.status}): deploying again")
    emulators.stop(places)
    saved_state.end_interrupted_update(places)
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
    replace_private(places.was_whole, "")
    return info
