from __future__ import annotations

import pytest

from tidegate.domain.errors import JobCancelled, JobTimedOut
from tidegate.domain.job import Progress
from tidegate.domain.states import State
from tidegate.jobs.context import JobContext, StopRequest, Upstream


class Fixture:
    def __init__(self, *upstreams: Upstream) -> None:
        self.remaining = 10.0
        self.stop = StopRequest()
        self.reported: list[Progress] = []
        self.context = JobContext(
            job_id="01JD.7",
            attempt=1,
            remaining_seconds=lambda: self.remaining,
            report_progress=self.reported.append,
            stop=self.stop,
            upstreams=upstreams,
        )


def test_upstreams_are_found_by_key_and_by_id() -> None:
    load = Upstream("01JD.1", "load", State.SUCCEEDED, 3)
    earlier = Upstream("01JC", None, State.FAILED, None)
    upstreams = Fixture(load, earlier).context.upstreams
    assert (upstreams["load"], upstreams["01JD.1"], upstreams["01JC"]) == (load, load, earlier)
    assert list(upstreams) == ["load", "01JC"]
    assert "absent" not in upstreams


def test_an_upstream_that_is_not_there_is_explained() -> None:
    with pytest.raises(KeyError, match="reads_upstreams=True"):
        Fixture().context.upstreams["load"]


def test_check_passes_while_nothing_is_asked() -> None:
    fixture = Fixture()
    fixture.context.check()
    assert not fixture.context.cancelled


def test_check_raises_once_a_stop_was_asked_for() -> None:
    fixture = Fixture()
    fixture.stop.ask("cancellation was asked for")
    assert fixture.context.cancelled
    with pytest.raises(JobCancelled, match="cancellation was asked for"):
        fixture.context.check()


def test_check_raises_once_the_time_is_over() -> None:
    fixture = Fixture()
    fixture.remaining = -1.0
    assert fixture.context.remaining_seconds == 0.0
    with pytest.raises(JobTimedOut):
        fixture.context.check()


@pytest.mark.parametrize(
    ("said", "kept"), [(-1.0, 0.0), (0.3, 0.3), (7, 1.0), (float("nan"), 0.0), (1e-200, 0.0)]
)
def test_progress_is_cut_to_its_range(said: float, kept: float) -> None:
    fixture = Fixture()
    fixture.context.progress(said, "m" * 500)
    assert fixture.reported == [Progress(kept, "m" * 200)]


def test_progress_holds_no_half_characters() -> None:
    fixture = Fixture()
    fixture.context.progress(0.5, "reading caf\udce9.txt")
    assert fixture.reported == [Progress(0.5, "reading caf?.txt")]
