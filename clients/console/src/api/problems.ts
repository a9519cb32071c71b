/** The refusals of the API as errors, each with what to do. */

import type { components } from "./schema";

/** The body of a refusal, with all of its fields. */
export type Problem = Required<components["schemas"]["Problem"]>;

/** The API refused a request, and says why. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ApiProblem";
    this.status = problem.status;
    this.problem = problem;
  }

  /** The error's code, such as `not-yours`, which never changes. */
  get code(): string {
    return this.problem.type.split(":").at(-1) ?? this.problem.type;
  }
}

/** No answer came, or one that the API can't have given. */
export class Unreachable extends Error {
  constructor(why: string) {
    super(`no answer from the API: ${why}`);
    this.name = "Unreachable";
  }
}

function isProblem(value: unknown): value is components["schemas"]["Problem"] {
  return (
    typeof value === "object" && value !== null && "type" in value && "detail" in value && "status" in value
  );
}

/** Returns the error for an answer that is no success. */
export function problemOf(status: number, body: unknown): ApiProblem | Unreachable {
  if (isProblem(body)) return new ApiProblem({ instance: null, errors: [], ...body });
  if (status === 401 || status === 403) {
    const detail =
      status === 401
        ? "You are not signed in, or your session has ended. Sign in again."
        : "The gateway refused the call: your role may not do this.";
    return new ApiProblem({
      type: `urn:tidegate:problem:status-${status}`,
      title: "",
      status,
      detail,
      instance: null,
      errors: [],
    });
  }
  return new Unreachable(`status ${status}`);
}

/** Returns whether asking again can help. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof Unreachable ||
    (error instanceof ApiProblem && (error.status >= 500 || error.status === 429))
  );
}
