/** The facts that hold a job: what they are about, and which of their changes are acts of the API. */

export interface Change {
  readonly action: string;
  readonly pool: string | null;
  readonly type: string | null;
  readonly job_ids: readonly string[];
  readonly max_running: number | null;
}

export interface Fact {
  readonly code: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly change: Change;
}

/** An act that removes a fact, with the words of its button and the role that it needs. */
export type Remedy =
  | { readonly act: "unhold"; readonly label: string; readonly role: "client" }
  | { readonly act: "retry"; readonly label: string; readonly role: "client"; readonly jobId: string }
  | { readonly act: "resume-pool"; readonly label: string; readonly role: "operator"; readonly pool: string }
  | { readonly act: "resume-type"; readonly label: string; readonly role: "operator"; readonly type: string }
  | {
      readonly act: "limit-type";
      readonly label: string;
      readonly role: "operator";
      readonly type: string;
      readonly maxRunning: number | null;
    };

/** Returns the act that removes a fact; null where only time, other jobs or a deployment can. */
export function remedyOf(change: Change): Remedy | null {
  const { action, pool, type } = change;
  const jobId = change.job_ids[0];
  if (action === "unhold") return { act: "unhold", label: "Take it off hold", role: "client" };
  if (action === "retry-upstream" && jobId !== undefined) {
    return { act: "retry", label: "Retry the upstream", role: "client", jobId };
  }
  if (action === "resume-pool" && pool !== null) {
    return { act: "resume-pool", label: `Resume the pool ${pool}`, role: "operator", pool };
  }
  if (action === "resume-type" && type !== null) {
    return { act: "resume-type", label: `Resume the type ${type}`, role: "operator", type };
  }
  if (action === "limit-type" && type !== null) {
    const maxRunning = change.max_running;
    const label =
      maxRunning === null ? `Take the limit of ${type} off` : `Raise the limit of ${type} to ${maxRunning}`;
    return { act: "limit-type", label, role: "operator", type, maxRunning };
  }
  return null;
}

export interface About {
  readonly jobs: readonly string[];
  readonly pool: string | null;
  readonly type: string | null;
}

const ABOUT_A_TYPE: ReadonlySet<string> = new Set([
  "type-paused",
  "type-limit",
  "no-worker-with-type",
  "straggler",
]);

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Returns what a fact is about, so that links can lead there. */
export function aboutOf({ code, evidence, change }: Fact): About {
  const holders = Array.isArray(evidence.holders) ? evidence.holders : [];
  const jobs = [evidence.job_id, ...holders, ...change.job_ids].map(textOf).filter((id) => id !== null);
  return {
    jobs: [...new Set(jobs)],
    pool: textOf(evidence.pool) ?? change.pool,
    // The evidence of an upstream names the kind of the dependency as its type.
    type: ABOUT_A_TYPE.has(code) ? (textOf(evidence.type) ?? change.type) : change.type,
  };
}

/** The evidence that no link shows, as words; lists of jobs are shown as links. */
export function evidenceOf(fact: Fact): readonly (readonly [name: string, value: unknown])[] {
  return Object.entries(fact.evidence).filter(
    ([name, value]) => value !== null && name !== "holders" && name !== "job_id",
  );
}
