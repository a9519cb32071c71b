/** The API's errors, each beside the field of the form that it is about. */

import type { Field } from "./model";

export interface ApiFault {
  readonly field: string;
  readonly message: string;
}

/** Returns the paths of all fields of a form; `prefix` is the path of the whole. */
export function pathsOf(fields: readonly Field[], prefix: string): readonly string[] {
  return fields.flatMap((field) => {
    const path = prefix === "" ? field.name : `${prefix}.${field.name}`;
    return field.kind === "group" ? [path, ...pathsOf(field.fields, path)] : [path];
  });
}

/**
 * Returns the messages by the path of the field that shows them: that of the error, or the nearest one around it, where
 * the message names the inner part. Errors about something that the form does not show are left out.
 */
export function placed(
  faults: readonly ApiFault[],
  paths: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const known = new Set(paths);
  const at = new Map<string, string[]>();
  for (const fault of faults) {
    let path = fault.field;
    while (path !== "" && !known.has(path)) path = outer(path);
    if (path === "") continue;
    const inner = fault.field.slice(path.length).replace(/^\./, "");
    const message = inner === "" ? fault.message : `${inner}: ${fault.message}`;
    at.set(path, [...(at.get(path) ?? []), message]);
  }
  return at;
}

/** Returns the path around `path`: `a.b[2].c` → `a.b[2]` → `a.b` → `a` → nothing. */
function outer(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));
}

const JOB = /^jobs\[(\d+)\](?:\.(.*))?$/;

/** Returns where in a workflow an error stands, with the key of its job where the body names one. */
export function placeInWorkflow(fault: ApiFault, keys: readonly (string | null)[]): string {
  const found = JOB.exec(fault.field);
  if (found === null) return fault.field === "" ? "the whole workflow" : fault.field;
  const [, index = "", rest] = found;
  const key = keys[Number(index)] ?? null;
  const job = key === null ? `job number ${Number(index) + 1}` : `job ${key}`;
  return rest === undefined ? job : `${job}, ${rest}`;
}
