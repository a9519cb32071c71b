/**
 * What the overview reads. The load of the pools leads: it says whether something moves and whether anything has
 * changed. What goes on in the pools follows it soon, and what seldom changes seldom. The last four are read after the
 * first answers, so that they don't hold those up.
 */

import type { UseQueryResult } from "@tanstack/react-query";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import type { components } from "../../api/schema";
import { usePaced } from "../../shared/paced";
import { TYPES, usePools } from "../../shared/reads";
import { type Failures, listsOf, readFailures } from "../failures/useFailures";

const WORK_MS = 30_000;
const REST_MS = 120_000;

/** The time of which failures are read, in steps of an hour. Muted groups are among them, and count. */
export const FAILED_SINCE = "24h";
const FAILED = { since: FAILED_SINCE, withMuted: true, most: 1 } as const;
export const MOST_OTHERS = 50;
export const MOST_WORKFLOWS = 10;

type Schemas = components["schemas"];

export interface Overview {
  readonly pools: UseQueryResult<Schemas["PoolList"]>;
  readonly failures: UseQueryResult<Failures>;
  readonly workflows: UseQueryResult<Schemas["WorkflowListOut"]>;
  readonly lost: UseQueryResult<Schemas["WorkerPageOut"]>;
  readonly types: UseQueryResult<Schemas["TypeList"]>;
  readonly overdue: UseQueryResult<Schemas["JobsOut"]>;
  readonly status: UseQueryResult<Schemas["StatusOut"]>;
}

export function useOverview(): Overview {
  const api = useApi();
  const pools = usePools();
  const failures = usePaced({
    key: ["failures", FAILED.since, FAILED.withMuted, FAILED.most],
    read: (signal) => readFailures(api, FAILED, signal),
    everyMs: (data) => listsOf(data) * WORK_MS,
  });
  const workflows = usePaced({
    key: ["workflows", "running", MOST_WORKFLOWS],
    read: (signal) =>
      answerOf(
        api.GET("/v1/workflows", {
          params: { query: { state: "RUNNING,HELD", limit: MOST_WORKFLOWS } },
          signal,
        }),
      ),
    everyMs: () => WORK_MS,
  });
  const enabled = pools.data !== undefined && !failures.isPending && !workflows.isPending;
  const everyMs = () => REST_MS;
  const lost = usePaced({
    key: ["workers", "lost", MOST_OTHERS],
    read: (signal) =>
      answerOf(api.GET("/v1/workers", { params: { query: { state: "LOST", limit: MOST_OTHERS } }, signal })),
    everyMs,
    enabled,
  });
  const types = usePaced({
    key: TYPES,
    read: (signal) => answerOf(api.GET("/v1/types", { signal })),
    everyMs,
    enabled,
  });
  const overdue = usePaced({
    key: ["jobs", "overdue", MOST_OTHERS],
    read: (signal) =>
      answerOf(
        api.GET("/v1/jobs", {
          params: { query: { state: ["RUNNING"], overdue: true, limit: MOST_OTHERS } },
          signal,
        }),
      ),
    everyMs,
    enabled,
  });
  const status = usePaced({
    key: ["status"],
    read: (signal) => answerOf(api.GET("/v1/status", { signal })),
    everyMs,
    enabled,
  });
  return { pools, failures, workflows, lost, types, overdue, status };
}
