"""The domain and its tests, laid out as the mutation tester wants them, in a folder of their own."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "layers" / "core" / "tidegate"
SETTINGS = """\
[tool.pytest.ini_options]
pythonpath = [".", "src"]
addopts = ["--import-mode=importlib"]

[tool.mutmut]
source_paths = ["src/tidegate/domain"]
pytest_add_cli_args_test_selection = ["tests/domain"]
also_copy = ["src/tidegate", "tests", "docs"]
"""


def lay_out(folder: Path) -> None:
    """Copies what is needed, over whatever is there; mutants are made of the copy."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in sorted(PACKAGE.rglob("*.py")):
        copy = folder / "src" / "tidegate" / path.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        copy.write_text(bare_classes(text) if "domain" in path.parts else text, encoding="utf-8")
    for name in ("tests/domain", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")


def bare_classes(text: str) -> str:
    """The same module with each `@dataclass` called after its class, not above it.

    The mutation tester passes over decorated classes, and with them over every transition.
    """
    lines = text.splitlines()
    for node in reversed(ast.parse(text).body):
        if not isinstance(node, ast.ClassDef) or len(node.decorator_list) != 1:
            continue
        call = ast.unparse(node.decorator_list[0])
        if not call.startswith("dataclass") or node.end_lineno is None:
            continue
        lines.insert(node.end_lineno, f"\n\n{node.name} = {call}({node.name})")
        del lines[node.decorator_list[0].lineno - 1 : node.lineno - 1]
    return "\n".join(lines) + "\n"
