"""The places in the adapters that call AWS. `python -m tests.harness.faults.sites` lists them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import FrameType
from typing import TypeVar

from tidegate.adapters.aws.clients import AwsClients

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[3]
ADAPTERS = ROOT / "layers" / "core" / "tidegate" / "adapters"
USE_CASES = ROOT / "layers" / "core" / "tidegate" / "usecases"
DEPLOYED = (ROOT / "layers", ROOT / "functions", ROOT / "worker")
# The client of EventBridge is made when it is first needed, so it is no field.
SERVICES = frozenset(
    {"eventbridge", *(each.name for each in fields(AwsClients) if str(each.type).endswith("Client"))}
)
_MAKES_CLIENTS = ADAPTERS / "aws" / "clients.py"  # holds them, and calls nothing
_MAKERS = frozenset({"client", "resource", "create_client"})


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One call in the source: its function, and the client's method that it calls."""

    module: str
    function: str
    method: str
    line: int
    last_line: int

    def __str__(self) -> str:
        return f"{self.module}: {self.function} -> {self.method}"


@dataclass(frozen=True, slots=True, order=True)
class Loose:
    """A client that is used in another way than by a direct call, so that its calls can't be listed."""

    file: str
    line: int


@cache
def find_sites() -> tuple[frozenset[Site], frozenset[Loose]]:
    """Finds every call of a client's method in the adapters, and every other use of a client in deployed code."""
    sites: set[Site] = set()
    loose: set[Loose] = set()
    for root in DEPLOYED:
        for file in sorted(root.rglob("*.py")):
            if file == _MAKES_CLIENTS:
                continue
            is_adapter = ADAPTERS in file.parents
            finder = Finder(_name_of(file, ADAPTERS if is_adapter else root))
            finder.visit(ast.parse(file.read_text(encoding="utf-8")))
            sites |= finder.sites if is_adapter else set()
            lines = finder.uses - (finder.called if is_adapter else set())
            loose |= {Loose(str(file.relative_to(ROOT)), line) for line in lines}
    return frozenset(sites), frozenset(loose)


class Finder(ast.NodeVisitor):
    """Walks through one module. `sites` are its calls. Lines of `uses` that are not in `called` could hide a call."""

    def __init__(self, module: str) -> None:
        self.sites: set[Site] = set()
        self.uses: set[int] = set()
        self.called: set[int] = set()
        self._module = module
        self._within: list[str] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._enter(node.name, node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._enter(node.name, node)

    def visit_Call(self, node: ast.Call) -> None:
        method = node.func
        if isinstance(method, ast.Attribute) and _is_client(method.value):
            function = ".".join(self._within)
            last_line = node.end_lineno or node.lineno
            self.sites.add(Site(self._module, function, method.attr, node.lineno, last_line))
            self.called.add(method.value.lineno)
        name = method.attr if isinstance(method, ast.Attribute) else getattr(method, "id", "")
        if name in _MAKERS and any(isinstance(argument, ast.Constant) for argument in node.args):
            self.uses.add(node.lineno)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if _is_client(node):
            self.uses.add(node.lineno)
        self.generic_visit(node)

    def _enter(self, name: str, node: ast.AST) -> None:
        self._within.append(name)
        self.generic_visit(node)
        self._within.pop()


def _is_client(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in SERVICES


def _name_of(file: Path, folder: Path) -> str:
    return ".".join(file.relative_to(folder).with_suffix("").parts)


@cache
def _module_within(folder: Path, filename: str) -> str | None:
    file = Path(filename)
    return _name_of(file, folder) if folder in file.parents else None


class _Known(dict[str, T]):
    """What is known of each source file, by its name. Every call asks for every frame of its stack."""

    def __init__(self, find: Callable[[str], T]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, filename: str) -> T:
        found = self[filename] = self._find(filename)
        return found


@cache
def _sites_by_file(sites: frozenset[Site]) -> Mapping[str, tuple[Site, ...]]:
    def find(filename: str) -> tuple[Site, ...]:
        module = _module_within(ADAPTERS, filename)
        return tuple(sorted(site for site in sites if site.module == module))

    return _Known(find)


_use_case_of: Mapping[str, str | None] = _Known(lambda filename: _module_within(USE_CASES, filename))


def site_under_way(sites: frozenset[Site]) -> Site:
    """Finds the site whose call is running, from the stack of this thread."""
    by_file = _sites_by_file(sites)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        for site in by_file[frame.f_code.co_filename]:
            if site.line <= frame.f_lineno <= site.last_line:
                return site
        frame = frame.f_back
    raise AssertionError("a call of AWS that is not made by the adapters")


def use_cases_under_way() -> frozenset[str]:
    """Finds the modules of use cases that made a call, from the stack of this thread."""
    modules: set[str | None] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        modules.add(_use_case_of[frame.f_code.co_filename])
        frame = frame.f_back
    return frozenset(module for module in modules if module is not None)


def find_use_cases() -> frozenset[str]:
    """Finds the modules of use cases with a function that takes the services, or a class that holds them."""
    return frozenset(
        _name_of(file, USE_CASES)
        for file in sorted(USE_CASES.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.arg | ast.AnnAssign)
        and isinstance(node.annotation, ast.Name)
        and node.annotation.id == "Services"
    )


if __name__ == "__main__":
    found, unclear = find_sites()
    for each in sorted(found):
        sys.stdout.write(f"{each} (line {each.line})\n")
    for use in sorted(unclear):
        sys.stdout.write(f"unclear: {use.file}:{use.line}\n")
