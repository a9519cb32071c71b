"""Boolean logic over the ends of jobs, and its translation into tidegate's edges.

A job starts when all of its edges are satisfied, so an AND is a set of edges. An OR over several upstreams has no edge
of its own. It becomes a gate: a job that does nothing, whose edges state the negation. The gate is skipped exactly if
the OR holds (De Morgan), and one conditional edge on it says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MAX_SIZE = 2_000
"""The most leaves of one expression, so that the logic of a small file can't grow beyond all bounds."""


class Outcome(StrEnum):
    """The ends of a job that a condition can tell apart. SKIPPED is two: because of a branch, or for another reason."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    BRANCH = "branch"
    BARRED = "barred"


SUCCESS = frozenset({Outcome.SUCCEEDED})
FAILURE = frozenset({Outcome.FAILED, Outcome.TIMED_OUT})
SKIPPED = frozenset({Outcome.BRANCH, Outcome.BARRED})
ANY_END = frozenset(Outcome)


class TooLarge(ValueError):
    """The error for an expression of more than MAX_SIZE leaves."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known at the import. None is a value that only the source's own system knows."""

    value: bool | None


@dataclass(frozen=True, slots=True)
class Ended:
    """True if the job `upstream` ends in one of `outcomes`."""

    upstream: str
    outcomes: frozenset[Outcome]


@dataclass(frozen=True, slots=True)
class Test:
    """True if the CEL expression `cel` is true of the ended job `upstream`."""

    upstream: str
    cel: str

    __test__ = False  # no test class, whatever its name says to pytest


@dataclass(frozen=True, slots=True)
class All:
    """True if every part is."""

    parts: tuple[Expression, ...]
    size: int


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True if a part is."""

    parts: tuple[Expression, ...]
    size: int


Expression = Constant | Ended | Test | All | AnyOf
ALWAYS = Constant(True)
NEVER = Constant(False)
UNKNOWN = Constant(None)


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of the result: the upstream's key, the type of the dependency, and the condition of a CONDITIONAL one."""

    key: str
    type: str
    condition: str | None = None


def every(parts: Iterable[Expression]) -> Expression:
    """Returns the AND of `parts`. Raises TooLarge."""
    flat: list[Expression] = []
    unknown = False
    for part in parts:
        if isinstance(part, Constant):
            if part.value is False:
                return NEVER
            unknown = unknown or part.value is None
        else:
            flat.extend(part.parts if isinstance(part, All) else (part,))
    if unknown:
        return UNKNOWN
    merged = _merged(flat, _both)
    if merged is None:
        return NEVER
    if not merged:
        return ALWAYS
    return merged[0] if len(merged) == 1 else All(tuple(merged), _checked_size(merged))


def some(parts: Iterable[Expression]) -> Expression:
    """Returns the OR of `parts`. Raises TooLarge."""
    return negation(every(negation(part) for part in parts))


def negation(expression: Expression) -> Expression:
    """Returns the NOT of an expression, pushed down to the leaves."""
    match expression:
        case Constant(value):
            return UNKNOWN if value is None else Constant(not value)
        case Ended(upstream, outcomes):
            return Ended(upstream, ANY_END - outcomes)
        case Test(upstream, cel):
            return Test(upstream, f"!({cel})")
        case All(parts, size):
            return _single(AnyOf(tuple(negation(part) for part in parts), size))
        case AnyOf(parts, _):
            return every(negation(part) for part in parts)


def upstreams_of(expression: Expression) -> frozenset[str]:
    """Returns the keys of the jobs that an expression speaks of."""
    if isinstance(expression, Constant):
        return frozenset()
    if isinstance(expression, Ended | Test):
        return frozenset({expression.upstream})
    return frozenset().union(*(upstreams_of(part) for part in expression.parts))


def edges_of(
    expression: Expression,
    waits: Sequence[str],
    new_gate: Callable[[list[Edge]], str],
    *,
    is_gate: bool = False,
) -> list[Edge] | None:
    """Returns the edges that let a job run exactly if `expression` holds, or None if it never does.

    The edges also wait for the end of every job in `waits`. `new_gate` adds a job that does nothing with the given
    edges, and returns its key. All edges of a gate are conditional, so its being skipped never counts as a failure. An
    unknown value counts as false: nothing runs that the source might not have run.
    """
    if isinstance(expression, Constant) and expression.value is not True:
        return None
    parts: Sequence[Expression]
    if isinstance(expression, Constant):
        parts = ()
    else:
        parts = expression.parts if isinstance(expression, All) else (expression,)
    leaves: dict[str, Ended | Test] = {}
    for part in parts:
        if isinstance(part, AnyOf):
            inner = edges_of(negation(part), sorted(upstreams_of(part)), new_gate, is_gate=True)
            if inner is None:
                raise TypeError("an OR is never always true")  # some() makes a constant of such an OR
            leaf: Ended | Test = Ended(new_gate(inner), SKIPPED)
            waits = [*waits, *sorted(upstreams_of(part))]
        elif isinstance(part, Ended | Test):
            leaf = part
        else:
            raise TypeError("an AND holds no AND and no constant")  # every() flattens them
        held = leaves.get(leaf.upstream)
        leaves[leaf.upstream] = leaf if held is None else _both(held, leaf)
    for key in waits:
        leaves.setdefault(key, Ended(key, ANY_END))
    return [_edge(leaf, is_gate=is_gate) for leaf in leaves.values()]


def cel_of(leaf: Ended | Test) -> str:
    """Returns the condition that an edge states for a leaf."""
    if isinstance(leaf, Test):
        return leaf.cel
    if leaf.outcomes == ANY_END:
        return "true"
    if len(leaf.outcomes) > len(ANY_END) // 2 and Outcome.SUCCEEDED in leaf.outcomes:
        return f"!({cel_of(Ended(leaf.upstream, ANY_END - leaf.outcomes))})"
    named = [outcome for outcome in Outcome if outcome in leaf.outcomes - SKIPPED]
    terms = []
    if len(named) == 1:
        terms.append(f'upstream.status == "{named[0]}"')
    elif named:
        terms.append(f"upstream.status in {json.dumps([str(each) for each in named])}")
    if leaf.outcomes >= SKIPPED:
        terms.append('upstream.status == "SKIPPED"')
    elif Outcome.BRANCH in leaf.outcomes:
        terms.append('upstream.code == "branch-not-taken"')
    elif Outcome.BARRED in leaf.outcomes:
        terms.append('upstream.status == "SKIPPED" && upstream.code != "branch-not-taken"')
    return " || ".join(f"({term})" if "&&" in term and len(terms) > 1 else term for term in terms) or "false"


def _edge(leaf: Ended | Test, *, is_gate: bool) -> Edge:
    if isinstance(leaf, Ended) and leaf.outcomes == ANY_END:
        return Edge(leaf.upstream, "MUST_COMPLETE")
    if isinstance(leaf, Ended) and leaf.outcomes == SUCCESS and not is_gate:
        return Edge(leaf.upstream, "MUST_SUCCEED")
    return Edge(leaf.upstream, "CONDITIONAL", cel_of(leaf))


def _single(expression: AnyOf) -> Expression:
    """Returns an OR over one upstream as one leaf, and any other OR with its leaves merged by upstream."""
    flat: list[Expression] = []
    for part in expression.parts:
        flat.extend(part.parts if isinstance(part, AnyOf) else (part,))
    merged = _merged(flat, _either)
    if merged is None:
        return ALWAYS
    if len(merged) == 1:
        return merged[0]
    return AnyOf(tuple(merged), _checked_size(merged))


def _merged(
    parts: Sequence[Expression], join: Callable[[Ended | Test, Ended | Test], Ended | Test]
) -> list[Expression] | None:
    """Joins the leaves of each upstream.

    Returns None if one of them decides the whole: a leaf that is never true decides an AND, one that always is an OR.
    Leaves that decide nothing are kept, because they order the jobs.
    """
    leaves: dict[str, Ended | Test] = {}
    others: dict[Expression, None] = {}
    for part in parts:
        if isinstance(part, Ended | Test):
            held = leaves.get(part.upstream)
            leaves[part.upstream] = part if held is None else join(held, part)
        else:
            others[part] = None
    deciding = frozenset[Outcome]() if join is _both else ANY_END
    if any(isinstance(leaf, Ended) and leaf.outcomes == deciding for leaf in leaves.values()):
        return None
    return [*leaves.values(), *others]


def _both(left: Ended | Test, right: Ended | Test) -> Ended | Test:
    if isinstance(left, Ended) and isinstance(right, Ended):
        return Ended(left.upstream, left.outcomes & right.outcomes)
    if left == right:
        return left
    return Test(left.upstream, f"({cel_of(left)}) && ({cel_of(right)})")


def _either(left: Ended | Test, right: Ended | Test) -> Ended | Test:
    if isinstance(left, Ended) and isinstance(right, Ended):
        return Ended(left.upstream, left.outcomes | right.outcomes)
    if left == right:
        return left
    return Test(left.upstream, f"({cel_of(left)}) || ({cel_of(right)})")


def _checked_size(parts: Sequence[Expression]) -> int:
    size = sum(part.size if isinstance(part, All | AnyOf) else 1 for part in parts)
    if size > MAX_SIZE:
        raise TooLarge(f"a condition has more than {MAX_SIZE:,} terms")
    return size
