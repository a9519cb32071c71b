"""The assumptions behind `make mutants`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.mutation.run import LEAST_KILLED, follow, lay_out, outcomes_of, run, verdict


def outcomes(killed: int, timeout: int = 0, survived: int = 0, untested: int = 0) -> dict[str, str]:
    all_of_them = (
        *["killed"] * killed,
        *["timeout"] * timeout,
        *["survived"] * survived,
        *["no tests"] * untested,
    )
    return {f"mutant-{number}": outcome for number, outcome in enumerate(all_of_them)}


@pytest.mark.parametrize(("killed", "survived", "enough"), [(82, 10, True), (81, 11, False)])
def test_less_than_what_is_wanted_is_not_enough(killed: int, survived: int, enough: bool) -> None:
    assert LEAST_KILLED == 0.85
    assert verdict(outcomes(killed, timeout=3, survived=survived, untested=5))[0] is enough


def test_where_no_mistake_was_made_nothing_is_proven() -> None:
    assert not verdict({})[0]


def test_the_mutation_tester_finds_the_domain_and_its_tests(tmp_path: Path) -> None:
    (tmp_path / "work" / "left").mkdir(parents=True)
    lay_out(tmp_path / "work")
    assert (tmp_path / "work" / "src" / "tidegate" / "domain" / "transitions" / "base.py").is_file()
    assert (tmp_path / "work" / "tests" / "domain" / "test_transitions.py").is_file()
    assert not (tmp_path / "work" / "left").exists()


def test_a_tester_that_fails_is_no_success_and_what_it_said_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "mutmut"
    tool.write_text(f"#!{sys.executable}\nimport sys\nprint('3/9 so far')\nsys.exit('it broke')\n")
    tool.chmod(0o700)
    with pytest.raises(subprocess.CalledProcessError):
        follow(run(tool, tmp_path, "*"))
    said = capsys.readouterr().out
    assert "3/9 so far" in said
    assert "it broke" in said


def test_of_a_part_of_the_mistakes_only_those_made_are_judged(tmp_path: Path) -> None:
    tool = tmp_path / "mutmut"
    told = "    rank.x_rank__mutmut_1: killed\n    rank.x_rank__mutmut_2: not checked\n"
    tool.write_text(f"#!{sys.executable}\nprint({told!r})\n")
    tool.chmod(0o700)
    assert outcomes_of(tool, tmp_path, "*[147]") == {"rank.x_rank__mutmut_1": "killed"}
    assert not verdict(outcomes_of(tool, tmp_path, "*"))[0]
