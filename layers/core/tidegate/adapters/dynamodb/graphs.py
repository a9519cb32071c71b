"""A workflow's graph as compressed JSON, in which parents are distances, because those repeat and compress well."""

from __future__ import annotations

import json
import zlib

from tidegate.adapters.aws.calls import compact_json
from tidegate.domain.dependency import DependencyType
from tidegate.domain.workflow_graph import OutsideEdge, ParentEdge, WorkflowGraph

_USUAL = DependencyType.MUST_SUCCEED


def packed_graph(graph: WorkflowGraph) -> bytes:
    """Returns the graph as it is stored."""
    types = sorted(set(graph.types))
    place_of = {name: place for place, name in enumerate(types)}
    stored = {
        "keys": graph.keys,
        "types": types,
        "type_of": [place_of[name] for name in graph.types],
        "estimates": graph.estimates,
        "parents": [[index - edge.parent for edge in edges] for index, edges in enumerate(graph.parents)],
        "edge_types": [
            [index, ordinal, edge.type]
            for index, edges in enumerate(graph.parents)
            for ordinal, edge in enumerate(edges)
            if edge.type is not _USUAL
        ],
        "outside": graph.outside,
        "critical_path": graph.critical_path,
        "critical_path_seconds": graph.critical_path_seconds,
    }
    return zlib.compress(compact_json(stored).encode(), 9)


def graph_from(packed: bytes) -> WorkflowGraph:
    """Returns the graph that `packed_graph` stored."""
    stored = json.loads(zlib.decompress(packed))
    unusual = {(index, ordinal): DependencyType(kind) for index, ordinal, kind in stored["edge_types"]}
    return WorkflowGraph(
        keys=tuple(stored["keys"]),
        types=tuple(stored["types"][place] for place in stored["type_of"]),
        estimates=tuple(stored["estimates"]),
        parents=tuple(
            tuple(
                ParentEdge(index - distance, unusual.get((index, ordinal), _USUAL))
                for ordinal, distance in enumerate(distances)
            )
            for index, distances in enumerate(stored["parents"])
        ),
        outside=tuple(
            OutsideEdge(index, job_id, DependencyType(kind)) for index, job_id, kind in stored["outside"]
        ),
        critical_path=tuple(stored["critical_path"]),
        critical_path_seconds=stored["critical_path_seconds"],
    )
