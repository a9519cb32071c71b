"""Converts DAG files of HTCondor's DAGMan. Source of the rules: the HTCondor manual, "DAGMan Workflows"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from tidegate.domain import limits
from tidegate_cli.importing.conditions import (
    ALWAYS,
    FAILURE,
    SUCCESS,
    Ended,
    Expression,
    every,
)
from tidegate_cli.importing.condor_submit import MAX_LINE_CHARACTERS, Submit, beside, read_submit
from tidegate_cli.importing.documents import shortened
from tidegate_cli.importing.model import (
    Command,
    Effect,
    ExitCode,
    ImportRefused,
    Notes,
    Plan,
    ReadFile,
    Task,
    amount_requirements,
    bounded_retries,
    bounded_timeout,
    refuse_too_many,
)

MAX_SPLICE_DEPTH = 10
MAX_EDGES = 200_000
MAX_NAMED = 1_000_000
_ALL_NODES = "ALL_NODES"
_SETTERS = frozenset({"RETRY", "PRIORITY", "CATEGORY", "VARS", "PRE_SKIP"})
_VARS = re.compile(r'(?<![\w+])([+A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"')
_CONCERNS_DAGMAN = frozenset(
    {"CONFIG", "DOT", "NODE_STATUS_FILE", "JOBSTATE_LOG", "SAVE_POINT_FILE", "SET_JOB_ATTR", "REJECT", "ENV"}
)
_SHARED_LIMIT = (
    "the limit became a concurrency key, so it holds for all submissions of this workflow together"
)
_SHARED_LIMIT_DO = "nothing, unless two of them must not slow each other down"


@dataclass(slots=True)
class _Node:
    name: str
    line: int
    file: str
    submit: str  # the name of its submit description
    text: str | None  # the description itself, where the DAG holds it
    folder: str | None
    noop: bool
    kind: str
    variables: dict[str, str] = field(default_factory=dict)
    retries: int = 0
    unless_exit: int | None = None
    priority: int | None = None
    category: str | None = None
    pre: tuple[str, ...] | None = None
    post: tuple[str, ...] | None = None
    pre_skip: int | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """One command of a DAG file, with the submit description that stands behind it in braces."""

    number: int
    text: str
    block: str | None


@dataclass(slots=True)
class _Dag:
    """A DAG with its splices put in. `entries` and `exits` are the nodes that stand for a splice, by its name."""

    notes: Notes
    read: ReadFile
    nodes: dict[str, _Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)
    entries: dict[str, list[str]] = field(default_factory=dict)
    exits: dict[str, list[str]] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    named: int = 0  # nodes that ALL_NODES stood for


def read_dagman(text: str, notes: Notes, read: ReadFile, settings: Mapping[str, str]) -> Plan:
    """Returns a DAG as a plan. `read` gives its submit files and splices. Raises ImportRefused.

    A node becomes a task, and each of its scripts one more: PRE, then the node, then POST, whose end is the node's.
    `settings` are variables that every node has.
    """
    dag = _Dag(notes, read)
    _read_file(dag, text, notes.file, "", 0)
    upstreams: dict[str, list[str]] = {name: [] for name in dag.nodes}
    for parent, child in dag.edges:
        upstreams[child].append(parent)
    tasks: list[Task] = []
    last = {name: _end_of(node) for name, node in dag.nodes.items()}
    for name, node in dag.nodes.items():
        needs = every(Ended(last[parent], SUCCESS) for parent in upstreams[name])
        waits: tuple[str, ...] = ()
        if node.kind == "FINAL":
            parents = {parent for parent, _ in dag.edges}
            waits = tuple(last[other] for other in dag.nodes if other not in parents and other != name)
            needs = ALWAYS
        tasks.extend(_tasks(dag, node, needs, waits, settings))
        refuse_too_many(len(tasks), notes.file, node.line)
    return Plan(notes.file.rpartition("/")[2], tuple(tasks))


def _key_of(node: _Node) -> str:
    return shortened(node.name, limits.MAX_KEY_CHARACTERS - len(".post"))


def _end_of(node: _Node) -> str:
    return f"{_key_of(node)}.post" if node.post else _key_of(node)


def _read_file(dag: _Dag, text: str, file: str, prefix: str, depth: int) -> None:
    if depth > MAX_SPLICE_DEPTH:
        raise ImportRefused(
            file, None, f"splices stand more than {MAX_SPLICE_DEPTH} deep in each other; flatten them"
        )
    later: list[_Line] = []
    for line in _logical_lines(text, file):
        words = line.text.split()
        command = words[0].upper()
        if line.block is not None:
            if command == "SUBMIT-DESCRIPTION" and len(words) > 1:
                dag.descriptions[words[1]] = line.block
                continue
            words[-1] = f"{file}:{line.number}"
            dag.descriptions[words[-1]] = line.block
        if command in ("JOB", "NODE", "FINAL", "PROVISIONER", "SERVICE", "SUBDAG"):
            _node(dag, words, file, line.number, prefix)
        elif command == "SPLICE":
            _splice(dag, words, file, line.number, prefix, depth)
        elif command == "INCLUDE" and len(words) == 2:
            _read_file(dag, _needed(dag, words[1], file, line.number), words[1], prefix, depth + 1)
        else:
            later.append(line)
        refuse_too_many(len(dag.nodes), file, line.number)
    for line in later:
        _about(dag, line.text.split(), line.text, file, line.number, prefix)


def _logical_lines(text: str, file: str) -> list[_Line]:
    """Returns the commands of a file. A line that ends with a backslash goes on in the next one."""
    found: list[_Line] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        number, line = at + 1, lines[at].strip()
        at += 1
        while line.endswith("\\") and at < len(lines):
            line = f"{line[:-1]} {lines[at].strip()}"
            at += 1
            if len(line) > MAX_LINE_CHARACTERS:
                raise ImportRefused(file, number, f"a line is longer than {MAX_LINE_CHARACTERS:,} characters")
        if not line.strip() or line.startswith("#"):
            continue
        last = line.split()[-1]
        block = None
        if last == "{" or last.startswith("@="):
            end = "}" if last == "{" else f"@{last[2:]}"
            start = at
            while at < len(lines) and lines[at].strip() != end:
                at += 1
            block = "\n".join(lines[start:at])
            at += 1
        found.append(_Line(number, line, block))
    return found


def _needed(dag: _Dag, name: str, file: str, line: int) -> str:
    text = dag.read(name)
    if text is None:
        raise ImportRefused(
            file, line, f"there is no file {name!r} in the folder of the imported file; put it there"
        )
    return text


def _node(dag: _Dag, words: list[str], file: str, line: int, prefix: str) -> None:
    kind = words[0].upper()
    if kind == "SUBDAG":
        words = words[1:]  # SUBDAG EXTERNAL name file
    if len(words) < 3:
        raise ImportRefused(file, line, f"{kind} has too few words; write {kind} NAME FILE")
    name = prefix + words[1]
    if name in dag.nodes:
        raise ImportRefused(file, line, f"there are two nodes {words[1]!r}; rename one")
    options = [word.upper() for word in words[3:]]
    folder = words[3:][options.index("DIR") + 1] if "DIR" in options[:-1] else None
    if "DONE" in options:
        dag.notes.add(
            line,
            f"{words[1]} DONE",
            Effect.CHANGED,
            "a workflow begins with nothing done; the job does nothing",
            "leave it so, or let it run again",
            file=file,
        )
    if kind in ("SUBDAG", "PROVISIONER", "SERVICE"):
        why = "a workflow starts no other one" if kind == "SUBDAG" else "it has no counterpart"
        dag.notes.add(
            line,
            " ".join(words),
            Effect.LEFT_OUT,
            f"{why}; the job does nothing and keeps the order",
            "make it a SPLICE, or import that file by itself",
            file=file,
        )
    if kind == "FINAL" and any(node.kind == "FINAL" for node in dag.nodes.values()):
        raise ImportRefused(file, line, "there is a second FINAL node; a DAG has one")
    dag.nodes[name] = _Node(
        name,
        line,
        file,
        words[2],
        dag.descriptions.get(words[2]),
        folder,
        bool({"NOOP", "DONE"} & set(options)) or kind in ("SUBDAG", "PROVISIONER", "SERVICE"),
        kind,
    )


def _splice(dag: _Dag, words: list[str], file: str, line: int, prefix: str, depth: int) -> None:
    if len(words) < 3:
        raise ImportRefused(file, line, "SPLICE has too few words; write SPLICE NAME FILE")
    name = prefix + words[1]
    if len(words) > 3:
        dag.notes.add(
            line,
            " ".join(words[3:]),
            Effect.LEFT_OUT,
            "the DIR of a splice is not carried over",
            "give its nodes a DIR",
            file=file,
        )
    nodes_before, edges_before = len(dag.nodes), len(dag.edges)
    _read_file(dag, _needed(dag, words[2], file, line), words[2], f"{name}+", depth + 1)
    inner = list(islice(reversed(dag.nodes), len(dag.nodes) - nodes_before))[::-1]
    if not inner:
        raise ImportRefused(file, line, f"the splice {words[1]!r} holds no node")
    edges = list(islice(reversed(dag.edges), len(dag.edges) - edges_before))
    parents, children = {parent for parent, _ in edges}, {child for _, child in edges}
    dag.entries[name] = [node for node in inner if node not in children]
    dag.exits[name] = [node for node in inner if node not in parents]


def _about(dag: _Dag, words: list[str], text: str, file: str, line: int, prefix: str) -> None:
    """Reads a command that says something of nodes which stand anywhere in its file."""
    command = words[0].upper()
    if command == "PARENT":
        _parent(dag, words, file, line, prefix)
        return
    try:
        if command in _SETTERS and len(words) >= 3:
            for node in _named(dag, words[1], file, line, prefix):
                _set(node, command, words, text)
            return
        if command == "SCRIPT" and len(words) >= 4:
            _script(dag, words, file, line, prefix)
            return
        if command == "MAXJOBS" and len(words) == 3:
            dag.most[words[1]] = int(words[2])
            dag.notes.add(line, text, Effect.CHANGED, _SHARED_LIMIT, _SHARED_LIMIT_DO, file=file)
            return
    except ValueError as error:
        raise ImportRefused(file, line, f"{text!r} has no whole number where one is needed") from error
    concerns = command in _CONCERNS_DAGMAN
    dag.notes.add(
        line,
        text,
        Effect.LEFT_OUT,
        "it concerns how DAGMan works" if concerns else "it has no counterpart",
        "nothing, unless you rely on it" if concerns else "see whether the workflow needs it",
        file=file,
    )


def _named(dag: _Dag, name: str, file: str, line: int, prefix: str) -> list[_Node]:
    if name.upper() == _ALL_NODES:
        dag.named += len(dag.nodes)
        if dag.named > MAX_NAMED:
            raise ImportRefused(
                file, line, f"{_ALL_NODES} stands too often for so many nodes; name each node once"
            )
        return [node for key, node in dag.nodes.items() if key.startswith(prefix)]
    node = dag.nodes.get(prefix + name)
    if node is None:
        raise ImportRefused(file, line, f"there is no node {name!r}; correct its name")
    return [node]


def _parent(dag: _Dag, words: list[str], file: str, line: int, prefix: str) -> None:
    upper = [word.upper() for word in words]
    if "CHILD" not in upper[2:]:
        raise ImportRefused(file, line, "PARENT has no CHILD; write PARENT A CHILD B")
    at = upper.index("CHILD", 2)

    def nodes(names: list[str], splices: Mapping[str, list[str]]) -> list[str]:
        found: list[str] = []
        for name in names:
            inner = splices.get(prefix + name)
            found += inner or [each.name for each in _named(dag, name, file, line, prefix)]
        return found

    for parent in nodes(words[1:at], dag.exits):
        for child in nodes(words[at + 1 :], dag.entries):
            dag.edges[(parent, child)] = None
            if len(dag.edges) > MAX_EDGES:
                raise ImportRefused(file, line, f"has more than {MAX_EDGES:,} edges: put a node between")


def _set(node: _Node, command: str, words: list[str], text: str) -> None:
    """Sets what a command says of one node. Raises ValueError where it lacks a whole number."""
    if command == "RETRY":
        node.retries = int(words[2])
        if len(words) >= 5 and words[3].upper() == "UNLESS-EXIT":
            node.unless_exit = int(words[4])
    elif command == "PRIORITY":
        node.priority = int(words[2])
    elif command == "PRE_SKIP":
        node.pre_skip = int(words[2])
    elif command == "CATEGORY":
        node.category = words[2]
    else:
        for match in _VARS.finditer(text.split(None, 2)[2]):
            value = re.sub(r"\\(.)", r"\1", match[2])
            node.variables[match[1]] = value.replace("$(JOB)", node.name)


def _script(dag: _Dag, words: list[str], file: str, line: int, prefix: str) -> None:
    upper = [word.upper() for word in words]
    at = next((index for index, word in enumerate(upper) if word in ("PRE", "POST", "HOLD")), None)
    if at is None or len(words) < at + 3:
        raise ImportRefused(file, line, "SCRIPT lacks PRE or POST, its node or its program")
    if at > 1 or upper[at] == "HOLD":
        why = "tidegate has no such script" if upper[at] == "HOLD" else "DEFER and DEBUG are not carried over"
        dag.notes.add(line, " ".join(words), Effect.LEFT_OUT, why, "see whether the job needs it", file=file)
    argv = tuple(words[at + 2 :])
    for node in _named(dag, words[at + 1], file, line, prefix):
        made = (beside(argv[0]), *(part.replace("$JOB", node.name) for part in argv[1:]))
        for part in made:
            if part.startswith("$"):
                dag.notes.add(
                    line,
                    part,
                    Effect.UNFINISHED,
                    "only DAGMan knows its value",
                    "write the value into targets.yaml",
                    file=file,
                )
        if upper[at] == "PRE":
            node.pre = made
        elif upper[at] == "POST":
            node.post = made


def _tasks(
    dag: _Dag, node: _Node, needs: Expression, waits: tuple[str, ...], settings: Mapping[str, str]
) -> list[Task]:
    key = _key_of(node)
    found: list[Task] = []
    if node.pre_skip is not None:
        dag.notes.add(
            node.line,
            f"PRE_SKIP {node.name} {node.pre_skip}",
            Effect.LEFT_OUT,
            "an exit code of a PRE script can't skip its node",
            "let the program itself see that nothing is to do",
            file=node.file,
        )
    if (node.pre or node.post) and node.retries:
        dag.notes.add(
            node.line,
            f"RETRY {node.name}",
            Effect.CHANGED,
            "DAGMan runs the scripts of a node again too; tidegate retries its job alone",
            "put the scripts into the job's own program if they must run again",
            file=node.file,
        )
    if node.pre:
        found.append(Task(f"{key}.pre", Command(node.pre, f"{node.name}-pre"), needs, waits))
        needs, waits = Ended(f"{key}.pre", SUCCESS), ()
    jobs = _jobs_of(dag, node, key, needs, waits, settings)
    found.extend(jobs)
    if node.post:  # it runs once the node's jobs have run, however they ended
        running = [task.key for task in jobs if task.command is not None] or [key]
        ran = every(Ended(own, SUCCESS | FAILURE) for own in running)
        found.append(Task(f"{key}.post", Command(node.post, f"{node.name}-post"), ran))
    return found


def _jobs_of(
    dag: _Dag,
    node: _Node,
    key: str,
    needs: Expression,
    waits: tuple[str, ...],
    settings: Mapping[str, str],
) -> list[Task]:
    priority = _priority_of(dag, node)
    most = dag.most.get(node.category or "")
    limited = {
        "priority": priority,
        "concurrency_key": f"{dag.notes.file}/{node.category}" if most else None,
        "concurrency_limit": min(max(1, most or 1), limits.MAX_CONCURRENCY_LIMIT),
        "tags": {"category": node.category} if node.category else {},
    }
    if node.noop:
        return [Task(key, None, needs, waits, **limited)]  # type: ignore[arg-type]
    submit = _submit(dag, node, settings)
    unless = () if node.unless_exit is None else (_unless(node.unless_exit),)
    retries = node.retries if node.retries else submit.max_retries or 0
    tasks = []
    for process in range(submit.queued):
        argv = tuple(_of_process(part, process) for part in submit.argv)
        if submit.environment:
            pairs = (f"{name}={_of_process(value, process)}" for name, value in submit.environment)
            argv = ("env", *pairs, *argv)
        own = key if submit.queued == 1 else f"{key}.{process}"
        tasks.append(
            Task(
                own,
                Command(argv, node.name.rpartition("+")[2], unless),
                needs,
                waits,
                max_retries=bounded_retries(retries, dag.notes, node.line, f"RETRY {node.name} {retries}"),
                timeout_seconds=None
                if submit.seconds is None
                else bounded_timeout(submit.seconds, dag.notes, node.line, "allowed_execute_duration"),
                requires=amount_requirements(submit.cores, submit.memory_mb),
                **limited,  # type: ignore[arg-type]
            )
        )
    if submit.queued > 1:  # one job stands for all of them, so that edges name the node
        tasks.append(Task(key, None, every(Ended(task.key, SUCCESS) for task in tasks)))
    return tasks


def _submit(dag: _Dag, node: _Node, settings: Mapping[str, str]) -> Submit:
    text = dag.descriptions.get(node.submit, node.text)
    file = node.file if text is not None else node.submit
    if text is None:
        text = _needed(dag, node.submit, node.file, node.line)
    macros = {"JOB": node.name, "NODE": node.name, **settings, **node.variables}
    return read_submit(text, file, dag.notes, macros, node.folder)


def _priority_of(dag: _Dag, node: _Node) -> int | None:
    if node.priority is None:
        return None
    wanted = limits.DEFAULT_PRIORITY + node.priority
    kept = min(max(limits.MIN_PRIORITY, wanted), limits.MAX_PRIORITY)
    if kept != wanted:
        dag.notes.add(
            node.line,
            f"PRIORITY {node.name} {node.priority}",
            Effect.CHANGED,
            f"priorities are {limits.MIN_PRIORITY} to {limits.MAX_PRIORITY}, and DAGMan's 0 is "
            f"{limits.DEFAULT_PRIORITY} here",
            f"nothing, unless jobs beyond {kept} must differ",
            file=node.file,
        )
    return kept


def _unless(code: int) -> ExitCode:
    return ExitCode(code, retry=False, code=f"exit-code-{code}")


def _of_process(text: str, process: int) -> str:
    return re.sub(r"\$\((?:Process|ProcId)\)", str(process), text, flags=re.IGNORECASE)
