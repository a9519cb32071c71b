/**
 * What the overview reads. A tab may make 12 calls a minute while something moves, and 2 when idle. So the answers come
 * at three paces: the load of the pools often, what goes on in them less often, and what seldom changes seldom. The
 * third set is read after the first answers, so that no refresh has more than five calls.
 */

import type { UseQueryResult } from "@tanstack/react-query";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import type { components } from "../../api/schema";
import { isBusy } from "../../domain/gauges";
import { usePaced } from "../../shared/paced";
import { POOLS, TYPES } from "../../shared/reads";

const BUSY_MS = { load: 10_000, work: 30_000, rest: 120_000 };
const IDLE_MS = { load: 60_000, work: 360_000, rest: 360_000 };

/** The most failures that one answer of the API holds. */
export const MOST_FAILURES = 200;
export const MOST_OTHERS = 50;
export const MOST_WORKFLOWS = 10;

type Schemas = components["schemas"];

export interface Overview {
  readonly pools: UseQueryResult<Schemas["PoolList"]>;
  readonly failures: UseQueryResult<Schemas["JobsOut"]>;
  readonly workflows: UseQueryResult<Schemas["WorkflowListOut"]>;
  readonly lost: UseQueryResult<Schemas["WorkerPageOut"]>;
  readonly types: UseQueryResult<Schemas["TypeList"]>;
  readonly overdue: UseQueryResult<Schemas["JobsOut"]>;
  readonly status: UseQueryResult<Schemas["StatusOut"]>;
}

export function useOverview(): Overview {
  const api = useApi();
  const pools = usePaced({
    key: POOLS,
    read: (signal) => answerOf(api.GET("/v1/pools", { signal })),
    everyMs: (data) => (data === undefined || isBusy(data.pools) ? BUSY_MS : IDLE_MS).load,
  });
  const pace = pools.data === undefined || isBusy(pools.data.pools) ? BUSY_MS : IDLE_MS;
  const failures = usePaced({
    key: ["jobs", "failures", MOST_FAILURES],
    read: (signal) =>
      answerOf(
        api.GET("/v1/jobs", {
          params: { query: { state: ["FAILED", "TIMED_OUT"], order: "time", limit: MOST_FAILURES } },
          signal,
        }),
      ),
    everyMs: () => pace.work,
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
    everyMs: () => pace.work,
  });
  const enabled = pools.data !== undefined && !failures.isPending && !workflows.isPending;
  const everyMs = () => pace.rest;
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
