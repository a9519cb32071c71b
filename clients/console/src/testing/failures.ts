/** Failure groups as the API answers them. */

import type { components } from "../api/schema";

type Group = components["schemas"]["FailureGroupOut"];
type Page = components["schemas"]["FailuresOut"];

/** Returns a group of one job that failed on 2026-11-29, with `changes`. */
export function aFailureGroup(changes: Partial<Group> = {}): Group {
  return {
    fingerprint: "0123456789abcdef",
    type: "load",
    code: "raised",
    pattern: "row <number> is broken",
    message: "row 7 is broken",
    count: 1,
    first_at: "2026-11-29T08:00:00.000Z",
    last_at: "2026-11-29T08:00:00.000Z",
    over_time: [...Array<number>(23).fill(0), changes.count ?? 1],
    job_ids: ["6WRG02RMBSYB4S71Q0B9AKQ2TE.1"],
    workflow_count: 0,
    workflows: [{ workflow_id: "6WRG02RMBSYB4S71Q0B9AKQ2TE", jobs: 1 }],
    muted: null,
    ...changes,
  };
}

/** Returns a page with `groups` of a week, the last one where no cursor is among the `changes`. */
export function someFailures(groups: readonly Group[], changes: Partial<Page> = {}): Page {
  return {
    groups: [...groups],
    left_out: 0,
    mutes: {},
    since: "2026-11-22T10:00:00.000Z",
    until: "2026-11-29T10:00:00.000Z",
    step_seconds: 25_200,
    looked_at: groups.length,
    looked_back_to: null,
    cursor: null,
    ...changes,
  };
}
