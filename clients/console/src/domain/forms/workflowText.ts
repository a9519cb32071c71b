/** A workflow that somebody typed: what can be wrong with it before the API is asked, and its graph. */

import { makeDag, orderOf } from "../graph/dag";
import { decodeGraph, type Graph } from "../graph/graph";
import type { ApiFault } from "./faults";
import { isRecord, type Json } from "./model";

export const MOST_JOBS = 10_000;
/** So many errors are told at once; the rest comes when these are mended. */
const MOST_FAULTS = 20;

type JobText = Readonly<Record<string, Json>>;

function keyOf(job: Json | undefined): string | null {
  return isRecord(job) && typeof job.key === "string" ? job.key : null;
}

function jobsOf(value: Json): readonly Json[] {
  const jobs = isRecord(value) ? value.jobs : undefined;
  return Array.isArray(jobs) ? jobs : [];
}

/** Returns the keys of a workflow's jobs; null for a job that has none. */
export function keysOf(value: Json): readonly (string | null)[] {
  return jobsOf(value).map(keyOf);
}

function dependenciesOf(job: JobText): readonly Json[] {
  return Array.isArray(job.depends_on) ? job.depends_on : [];
}

/** Returns the indices of the jobs that each job waits for, in the order of its dependencies; null for other ones. */
function parentsOf(jobs: readonly Json[]): readonly (readonly (number | null)[])[] {
  const indices = new Map<string, number>();
  jobs.forEach((job, index) => {
    const key = keyOf(job);
    if (key !== null && !indices.has(key)) indices.set(key, index);
  });
  return jobs.map((job) =>
    isRecord(job) ? dependenciesOf(job).map((each) => indices.get(keyOf(each) ?? "") ?? null) : [],
  );
}

function faultsOfJob(
  job: Json,
  path: string,
  first: ReadonlyMap<string, number>,
  index: number,
  parents: readonly (number | null)[],
): readonly ApiFault[] {
  if (!isRecord(job)) return [{ field: path, message: "must be an object" }];
  const faults: ApiFault[] = [];
  const key = keyOf(job);
  if (key === null || key === "") {
    faults.push({ field: `${path}.key`, message: "a job of a workflow needs a key, which is a text" });
  } else if (first.get(key) !== index) {
    faults.push({
      field: `${path}.key`,
      message: `the key ${key} is that of job number ${(first.get(key) ?? 0) + 1} too`,
    });
  }
  if (typeof job.type !== "string" || job.type === "") {
    faults.push({ field: `${path}.type`, message: "a job needs a type, which is a text" });
  }
  if (job.depends_on !== undefined && !Array.isArray(job.depends_on)) {
    faults.push({ field: `${path}.depends_on`, message: "must be a list" });
  }
  dependenciesOf(job).forEach((each, place) => {
    const at = `${path}.depends_on[${place}]`;
    if (!isRecord(each)) {
      faults.push({ field: at, message: 'must be an object, such as {"key": "extract"}' });
    } else if (typeof each.key === "string" && parents[place] === null) {
      faults.push({ field: `${at}.key`, message: `no job of this workflow has the key ${each.key}` });
    } else if (parents[place] === index) {
      faults.push({ field: `${at}.key`, message: "the job would wait for itself" });
    }
  });
  return faults;
}

/** Returns what is wrong with a workflow, as far as that can be told without the API; nothing for one that may fit. */
export function faultsOfWorkflow(value: Json): readonly ApiFault[] {
  if (!isRecord(value) || !Array.isArray(value.jobs)) {
    return [{ field: "", message: "must be an object with a list of jobs" }];
  }
  const { jobs } = value;
  if (jobs.length === 0) return [{ field: "jobs", message: "a workflow needs at least one job" }];
  if (jobs.length > MOST_JOBS) {
    const most = MOST_JOBS.toLocaleString("en");
    return [{ field: "jobs", message: `has ${jobs.length.toLocaleString("en")} jobs; at most ${most}` }];
  }
  const first = new Map<string, number>();
  jobs.forEach((job, index) => {
    const key = keyOf(job);
    if (key !== null && !first.has(key)) first.set(key, index);
  });
  const parents = parentsOf(jobs);
  const faults: ApiFault[] = [];
  for (let index = 0; index < jobs.length && faults.length < MOST_FAULTS; index++) {
    faults.push(...faultsOfJob(jobs[index] as Json, `jobs[${index}]`, first, index, parents[index] ?? []));
  }
  if (faults.length > 0) return faults.slice(0, MOST_FAULTS);
  return faultsOfCircle(jobs, parents);
}

/** Returns an error that names the jobs of a circle of dependencies; nothing where there is none. */
function faultsOfCircle(
  jobs: readonly Json[],
  parents: readonly (readonly (number | null)[])[],
): readonly ApiFault[] {
  const from: number[] = [];
  const to: number[] = [];
  parents.forEach((each, job) => {
    for (const parent of each) {
      if (parent === null) continue;
      from.push(parent);
      to.push(job);
    }
  });
  if (orderOf(makeDag(jobs.length, from, to)) !== null) return [];
  const circle = circleIn(parents);
  const keys = circle.map((index) => keyOf(jobs[index]) ?? String(index + 1));
  return [
    {
      field: `jobs[${circle[0] ?? 0}].depends_on`,
      message: `the jobs wait for each other in a circle: ${[...keys, keys[0]].join(" waits for ")}`,
    },
  ];
}

/** Returns the jobs of one circle, each of which waits for the next. There must be one. */
function circleIn(parents: readonly (readonly (number | null)[])[]): readonly number[] {
  // Jobs that wait for nothing are taken away until each job that is left waits for another one that is left.
  const waits = parents.map((each) => each.filter((parent) => parent !== null).length);
  const children: number[][] = parents.map(() => []);
  parents.forEach((each, job) => {
    for (const parent of each) if (parent !== null) children[parent]?.push(job);
  });
  const free = waits.flatMap((count, job) => (count === 0 ? [job] : []));
  for (let job = free.pop(); job !== undefined; job = free.pop()) {
    for (const child of children[job] ?? []) {
      const left = (waits[child] ?? 0) - 1;
      waits[child] = left;
      if (left === 0) free.push(child);
    }
  }
  const isLeft = (job: number | null) => job !== null && (waits[job] ?? 0) > 0;
  const way: number[] = [];
  const seen = new Map<number, number>();
  let job = waits.findIndex((count) => count > 0);
  while (!seen.has(job)) {
    seen.set(job, way.length);
    way.push(job);
    job = parents[job]?.find(isLeft) ?? job;
  }
  return way.slice(seen.get(job));
}

/** Returns the graph of a workflow without errors, as the screen of a workflow has it after the submission. */
export function graphOf(value: Json): Graph {
  const jobs = jobsOf(value).filter(isRecord);
  const parents = parentsOf(jobs);
  const types: string[] = [];
  const places = new Map<string, number>();
  const typeOf = jobs.map((job) => {
    const type = String(job.type);
    const known = places.get(type);
    if (known !== undefined) return known;
    places.set(type, types.length);
    types.push(type);
    return types.length - 1;
  });
  return decodeGraph({
    workflow_id: "",
    job_count: jobs.length,
    keys: jobs.map((job) => keyOf(job) ?? ""),
    types,
    type_of: typeOf,
    estimates: jobs.map((job) =>
      typeof job.estimated_duration_seconds === "number" ? job.estimated_duration_seconds : null,
    ),
    parents: parents.map((each, job) => each.flatMap((parent) => (parent === null ? [] : [job - parent]))),
    edge_types: [],
    outside: jobs.flatMap((job, index) =>
      dependenciesOf(job).flatMap((each) =>
        isRecord(each) && typeof each.job_id === "string" ? [[index, each.job_id]] : [],
      ),
    ),
    critical_path: [],
    critical_path_seconds: null,
  });
}
