"""The contestants of the comparison, and how a client looks for the end without burdening the store."""

from __future__ import annotations

import pytest

from dev.benchmarks.peers import __main__ as program
from dev.benchmarks.peers.contestants import PEERS, Store
from dev.benchmarks.peers.jobs.looking import all_exist


class _Redis:
    """A Redis that holds some keys, and remembers the keys it was asked for."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.asked: list[int] = []

    def exists(self, *keys: str) -> int:
        self.asked.append(len(keys))
        return len(self.there.intersection(keys))


def test_results_once_seen_are_not_asked_for_again() -> None:
    keys = [f"result-{number}" for number in range(50)]
    redis = _Redis()
    look = all_exist(redis, keys)
    assert not look()
    redis.there.update(keys[:30])
    assert not look()
    redis.there.update(keys)
    assert look()
    assert look()
    assert redis.asked == [20, 20, 20, 20, 10]


def test_without_a_redis_server_its_rows_are_left_out_and_the_user_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "find_redis", lambda: None)
    assert {peer.store for peer in program.with_redis(PEERS)} == {Store.AWS}
    assert "apt-get install redis-server" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "0"], "--rounds and --slots must be 1 or more"),
        (["--jobs", "0"], "--jobs must be 1 or more"),
        (["--chain", "-1"], "other counts 0"),
        (["--peer", "sidekiq"], "no peer is called 'sidekiq'"),
    ],
)
def test_bad_options_are_refused_with_the_reason(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        program.options(arguments)
    assert message in capsys.readouterr().err
