"""What `make mutants` leans on."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.mutation.project import bare_classes, lay_out
from tests.mutation.run import LEAST_KILLED, verdict

MODULE = '''
from dataclasses import dataclass, field

@dataclass(frozen=True, slots=True)
class One:
    """Says."""

    size: int = 1
    names: tuple[str, ...] = field(default=())

    def twice(self) -> int:
        return 2 * self.size

class Plain:
    pass
'''
STATS = {"killed": 80, "timeout": 3, "segfault": 2, "survived": 10, "no_tests": 5, "total": 100}


def test_a_class_is_the_same_without_its_decorator_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = bare_classes(MODULE)
    assert "@dataclass" not in bare
    module: Any = ModuleType("bare")
    monkeypatch.setitem(sys.modules, "bare", module)
    module.__dict__["__name__"] = "bare"
    exec(compile(bare, "bare", "exec"), vars(module))  # noqa: S102
    one = module.One(3)
    assert (one.twice(), one) == (6, module.One(3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.size = 4


def test_every_transition_can_be_mutated(tmp_path: Path) -> None:
    lay_out(tmp_path)
    copies = tmp_path / "src" / "tidegate" / "domain" / "transitions"
    assert not [path for path in copies.glob("*.py") if "@dataclass" in path.read_text(encoding="utf-8")]
    assert (tmp_path / "tests" / "domain" / "test_transitions.py").is_file()


@pytest.mark.parametrize(("killed", "enough"), [(80, True), (79, False)])
def test_less_than_what_is_wanted_is_not_enough(killed: int, enough: bool) -> None:
    assert LEAST_KILLED == 0.85
    assert verdict({**STATS, "killed": killed})[0] is enough
