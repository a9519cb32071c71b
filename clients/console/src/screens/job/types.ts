import type { components } from "../../api/schema";

export type Job = components["schemas"]["JobOut"];

/** Returns whether an answer is a whole job. A slim row lacks the history, the parameters and the result. */
export function isWhole(answer: Job | components["schemas"]["JobRowOut"]): answer is Job {
  return "history" in answer;
}
