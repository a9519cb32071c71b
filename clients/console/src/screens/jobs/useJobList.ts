/** The list of jobs as somebody scrolls through it, and what is new since it was read. */

import { type InfiniteData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import type { components } from "../../api/schema";
import { addressOf, type JobFilters, type JobQuery, queryOf } from "../../domain/jobFilters";
import { compareFirstPage } from "../../domain/rows";
import { TERMINAL } from "../../domain/states";

export type JobRow = components["schemas"]["JobRowOut"];

const ROWS_OF_PAGE = 100;
const KEPT_MS = 30 * 60_000;

interface JobPage {
  readonly jobs: readonly JobRow[];
  readonly lookedAt: number;
  readonly cursor: string | null;
  /** All pages of a walk ask the same, so the time that `since` counts back to is that of the first page. */
  readonly query: JobQuery;
}

type Next = { readonly cursor: string; readonly query: JobQuery } | null;

export interface JobList {
  readonly rows: readonly JobRow[];
  readonly lookedAt: number;
  readonly atEnd: boolean;
  readonly isPending: boolean;
  readonly isReading: boolean;
  readonly error: unknown;
  readonly query: JobQuery | undefined;
  readonly changed: { readonly fresh: number; readonly gone: number };
  readonly freshness: ReturnType<typeof useLive<unknown>>;
  readonly readOn: () => void;
  readonly showChanged: () => Promise<unknown>;
  readonly retry: () => void;
}

/**
 * Reads the jobs that filters name, page by page. The rows that are shown keep their places: a cheap poll of the first
 * page renews them where they are, and counts what is new.
 */
export function useJobList(filters: JobFilters): JobList {
  const api = useApi();
  const queries = useQueryClient();
  const address = JSON.stringify(addressOf(filters));
  const key = useMemo(() => ["jobs", address], [address]);
  const read = useCallback(
    async (query: JobQuery, cursor: string | undefined, signal: AbortSignal): Promise<JobPage> => {
      const asked = { ...query, limit: ROWS_OF_PAGE, ...(cursor === undefined ? {} : { cursor }) };
      const page = await answerOf(api.GET("/v1/jobs", { params: { query: asked }, signal }));
      return { jobs: page.jobs, lookedAt: page.looked_at, cursor: page.cursor, query };
    },
    [api],
  );
  const list = useInfiniteQuery({
    queryKey: key,
    initialPageParam: null as Next,
    queryFn: ({ pageParam, signal }) =>
      read(pageParam?.query ?? queryOf(filters, Date.now()), pageParam?.cursor, signal),
    getNextPageParam: (last): Next | undefined =>
      last.cursor === null ? undefined : { cursor: last.cursor, query: last.query },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: KEPT_MS,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });

  const pages = list.data?.pages;
  const first = pages?.[0];
  const latest = useLive({
    key: ["jobs-changed", address],
    enabled: first !== undefined,
    read: (signal) => read(first?.query ?? queryOf(filters, Date.now()), undefined, signal),
    moves: (page) => page.jobs.some((job) => !TERMINAL.has(job.state)),
    known: first === undefined ? undefined : { data: first, atMs: list.dataUpdatedAt },
  });
  // What an earlier filter's poll found stays as a placeholder, and says nothing about this list.
  const now = latest.isPlaceholderData ? undefined : latest.data;

  const rows = useMemo(() => {
    const renewed = new Map(now?.jobs.map((job) => [job.job_id, job]));
    const seen = new Set<string>();
    const found: JobRow[] = [];
    for (const job of pages?.flatMap((page) => page.jobs) ?? []) {
      // A job that changed its state during the walk may come twice.
      if (seen.has(job.job_id)) continue;
      seen.add(job.job_id);
      found.push(renewed.get(job.job_id) ?? job);
    }
    return found;
  }, [pages, now]);
  const changed = useMemo(() => {
    if (first === undefined || now === undefined) return { fresh: 0, gone: 0 };
    const ids = (page: JobPage) => page.jobs.map((job) => job.job_id);
    return compareFirstPage(ids(first), ids(now), new Set(rows.map((job) => job.job_id)));
  }, [first, now, rows]);

  const { fetchNextPage, hasNextPage, refetch } = list;
  const readOn = useCallback(() => {
    if (hasNextPage) void fetchNextPage({ cancelRefetch: false });
  }, [fetchNextPage, hasNextPage]);
  const showChanged = useCallback(() => {
    queries.setQueryData<InfiniteData<JobPage, Next>>(key, (data) =>
      data === undefined ? data : { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) },
    );
    return refetch();
  }, [queries, key, refetch]);

  return {
    rows,
    lookedAt: pages?.reduce((sum, page) => sum + page.lookedAt, 0) ?? 0,
    atEnd: first !== undefined && !hasNextPage,
    isPending: list.isPending,
    isReading: list.isFetching,
    error: list.error,
    query: first?.query,
    changed,
    freshness: latest,
    readOn,
    showChanged,
    retry: () => void refetch(),
  };
}
