/** The lines of one attempt, read page by page and followed while it runs. No line is ever read twice. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { Pace } from "../../api/pace";
import { isTransient } from "../../api/problems";
import type { components } from "../../api/schema";
import type { Job } from "./types";

export type LogLine = components["schemas"]["LogLineOut"];

export const MOST_LINES = 10_000;
const LINES_OF_PAGE = 1_000;

interface Read {
  readonly lines: readonly LogLine[];
  /** How many of the first lines were let go, so that the page stays light. */
  readonly dropped: number;
  readonly missing: number;
  /** Undefined before the first answer; null where no attempt has begun. */
  readonly attempt: number | null | undefined;
  readonly hasLog: boolean;
  readonly isOver: boolean;
  readonly cursor: string | null;
}

const NOTHING: Read = {
  lines: [],
  dropped: 0,
  missing: 0,
  attempt: undefined,
  hasLog: false,
  isOver: false,
  cursor: null,
};

export interface LogTailState extends Read {
  readonly following: boolean;
  readonly setFollowing: (following: boolean) => void;
  readonly error: unknown;
}

/** Reads the log of an attempt of a job, or of its latest one. A pause reads nothing, and goes on where it stopped. */
export function useLogTail(
  job: Pick<Job, "job_id" | "state" | "attempt">,
  attempt: number | null,
): LogTailState {
  const api = useApi();
  const queries = useQueryClient();
  const [following, setFollowing] = useState(true);
  const [error, setError] = useState<unknown>(null);
  // A new attempt is another log, also where the latest one is asked for.
  const subject = `${job.job_id} ${attempt ?? `latest ${job.attempt}`}`;
  const [kept, setKept] = useState<{ subject: string; read: Read }>({ subject, read: NOTHING });
  const latest = useRef(kept);
  const state = useRef(job.state);
  state.current = job.state;

  useEffect(() => {
    if (latest.current.subject !== subject) latest.current = { subject, read: NOTHING };
    if (!following || latest.current.read.isOver) return;
    const stop = new AbortController();
    const pace = Pace.of(queries);
    let standing = { readAtMs: Date.now(), failures: 0 };
    // An answer may take longer than a turn, and a second read from the same cursor would show its lines twice.
    let underWay: Promise<void> | null = null;
    const readOn = (): Promise<void> => {
      underWay ??= step().finally(() => {
        underWay = null;
      });
      return underWay;
    };
    const end = pace.add({
      reading: () => ({ ...standing, leads: true, everyMs: 0, moves: true, changedAtMs: 0 }),
      read: readOn,
      // While the log is followed it tells first that the job's state has changed.
      insteadOf: ["job", job.job_id],
    });
    const step = async (): Promise<void> => {
      try {
        for (let full = true; full && !stop.signal.aborted; ) {
          const { cursor } = latest.current.read;
          const page = await answerOf(
            api.GET("/v1/jobs/{job_id}/logs", {
              params: {
                path: { job_id: job.job_id },
                query: {
                  limit: LINES_OF_PAGE,
                  ...(attempt === null ? {} : { attempt }),
                  ...(cursor === null ? {} : { cursor }),
                },
              },
              signal: stop.signal,
            }),
          );
          if (stop.signal.aborted) return;
          standing = { readAtMs: Date.now(), failures: 0 };
          setError(null);
          latest.current = { subject, read: joined(latest.current.read, page) };
          setKept(latest.current);
          if (page.state !== state.current) void queries.invalidateQueries({ queryKey: ["job", job.job_id] });
          // Before the first attempt there is no cursor, and the page of the job says when one begins.
          if (page.cursor === null) return end();
          full = page.lines.length >= LINES_OF_PAGE;
        }
      } catch (raised) {
        if (stop.signal.aborted) return;
        setError(raised);
        if (!isTransient(raised)) return end();
        standing = { readAtMs: Date.now(), failures: standing.failures + 1 };
      }
    };
    void readOn();
    return () => {
      stop.abort();
      end();
    };
  }, [api, queries, subject, attempt, job.job_id, following]);

  const read = kept.subject === subject ? kept.read : NOTHING;
  return { ...read, following, setFollowing, error };
}

function joined(before: Read, page: components["schemas"]["LogPageOut"]): Read {
  const all = [...before.lines, ...page.lines];
  const over = Math.max(0, all.length - MOST_LINES);
  return {
    lines: over > 0 ? all.slice(over) : all,
    dropped: before.dropped + over,
    missing: page.missing,
    attempt: page.attempt,
    hasLog: page.log_group !== null,
    isOver: page.cursor === null,
    cursor: page.cursor,
  };
}
