/** A workflow's graph, decoded from the compact answer of `GET /v1/workflows/{id}/graph`. */

import { at, type Dag, levelsOf, makeDag, orderOf } from "./dag";

/** The answer as the API writes it: columns in the order of the submission, parents as distances. */
export interface CompactGraph {
  readonly workflow_id: string;
  readonly job_count: number;
  readonly keys: readonly string[];
  readonly types: readonly string[];
  readonly type_of: readonly number[];
  readonly estimates: readonly (number | null)[];
  readonly parents: readonly (readonly number[])[];
  readonly edge_types: readonly (readonly (number | string)[])[];
  readonly outside: readonly (readonly (number | string)[])[];
  readonly critical_path: readonly number[];
  readonly critical_path_seconds: number | null;
}

/** An edge from a job of an earlier submission. */
export interface OutsideEdge {
  readonly job: number;
  readonly upstream: string;
  readonly type: string;
}

export interface Graph extends Dag {
  readonly workflowId: string;
  readonly keys: readonly string[];
  readonly types: readonly string[];
  readonly typeOf: readonly number[];
  /** In seconds; null where a job has none. */
  readonly estimates: readonly (number | null)[];
  readonly outside: readonly OutsideEdge[];
  readonly criticalPath: readonly number[];
  readonly order: Int32Array;
  readonly levels: Int32Array;
  readonly depth: number;
  /** The types of the edges that are not MUST_SUCCEED, by `edgeName`. */
  readonly edgeTypes: ReadonlyMap<string, string>;
}

const USUAL = "MUST_SUCCEED";

function edgeName(parent: number, child: number): string {
  return `${parent}>${child}`;
}

/** Returns the type of the edge between two jobs. */
export function edgeType(graph: Graph, parent: number, child: number): string {
  return graph.edgeTypes.get(edgeName(parent, child)) ?? USUAL;
}

/** Returns the id of a job, by its index in the submission. */
export function jobId(graph: Graph, job: number): string {
  return `${graph.workflowId}.${job}`;
}

export function typeName(graph: Graph, job: number): string {
  return graph.types[at(graph.typeOf, job)] ?? "";
}

/** Decodes the answer. Raises an error where it names a job that it does not have, or where its edges form a circle. */
export function decodeGraph(answer: CompactGraph): Graph {
  const count = answer.job_count;
  const from: number[] = [];
  const to: number[] = [];
  answer.parents.forEach((distances, job) => {
    for (const distance of distances) {
      const parent = job - distance;
      if (job >= count || parent < 0 || parent >= count) throw new Error(`job ${job} has an unknown parent`);
      from.push(parent);
      to.push(job);
    }
  });
  const dag = makeDag(count, from, to);
  const order = orderOf(dag);
  if (order === null) throw new Error("the dependencies form a circle");
  const levels = levelsOf(dag, order);
  return {
    ...dag,
    workflowId: answer.workflow_id,
    keys: answer.keys,
    types: answer.types,
    typeOf: answer.type_of,
    estimates: answer.estimates,
    outside: answer.outside.map(([job, upstream, type]) => ({
      job: Number(job),
      upstream: String(upstream),
      type: type === undefined ? USUAL : String(type),
    })),
    criticalPath: answer.critical_path,
    order,
    levels,
    depth: levels.reduce((most, level) => Math.max(most, level + 1), 0),
    edgeTypes: new Map(
      answer.edge_types.map(([job, place, type]) => {
        const child = Number(job);
        const distance = answer.parents[child]?.[Number(place)] ?? 0;
        return [edgeName(child - distance, child), String(type)];
      }),
    ),
  };
}
