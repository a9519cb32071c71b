/** What several screens read: each under one key, so that an answer serves all of them. */

import { useQuery } from "@tanstack/react-query";
import { answerOf } from "../api/client";
import { useApi } from "../api/context";
import { useLive } from "../api/live";
import type { components } from "../api/schema";
import { isBusy } from "../domain/gauges";

export type Pool = components["schemas"]["PoolOut"];
export type JobType = components["schemas"]["TypeOut"];
export type Worker = components["schemas"]["WorkerOut"];

export const POOLS = ["pools"] as const;
export const TYPES = ["types"] as const;

/** Returns the key of a workflow's progress, which the screen of the workflow reads. */
export function progressKey(workflowId: string) {
  return ["workflow", workflowId, "states"] as const;
}

/** Reads all pools with their load. */
export function usePools() {
  const api = useApi();
  return useLive({
    key: POOLS,
    read: (signal) => answerOf(api.GET("/v1/pools", { signal })),
    moves: ({ pools }) => isBusy(pools),
  });
}

/** Reads all job types with their rules, which change by acts of operators alone. */
export function useTypes() {
  const api = useApi();
  return useLive({ key: TYPES, read: (signal) => answerOf(api.GET("/v1/types", { signal })) });
}

/** Reads one job type with the schema of its parameters, which a deploy alone changes. */
export function useType(name: string) {
  const api = useApi();
  return useQuery({
    queryKey: [...TYPES, name],
    queryFn: ({ signal }) =>
      answerOf(api.GET("/v1/types/{job_type}", { params: { path: { job_type: name } }, signal })),
    enabled: name !== "",
  });
}

/** Reads the names of all pools once, for a field to choose one. */
export function usePoolNames(): readonly string[] {
  const api = useApi();
  const pools = useQuery({
    queryKey: POOLS,
    queryFn: ({ signal }) => answerOf(api.GET("/v1/pools", { signal })),
    staleTime: NAMES_MS,
  });
  return pools.data?.pools.map((pool) => pool.name) ?? [];
}

const NAMES_MS = 300_000;
