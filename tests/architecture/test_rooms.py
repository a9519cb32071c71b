"""The picture in docs/explanation/architecture.md stays true: the allowed imports, and no clock in the core."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_imports_go_in_the_decided_directions() -> None:
    # It runs in a process of its own, because the linter silences every existing logger.
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout


def test_nobody_asks_for_the_time_or_chance_but_the_system_adapter() -> None:
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "layers/core", "functions"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout


def test_functions_do_not_import_each_other_or_the_adapters() -> None:
    for source in (ROOT / "functions").rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        assert "tidegate.adapters" not in text, f"{source.relative_to(ROOT)} must go through bootstrap"
        assert "from functions" not in text, f"{source.relative_to(ROOT)} must not import another function"
