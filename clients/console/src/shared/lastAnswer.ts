/** Answers that stay shown while a later read of the same fails. */

import type { UseQueryResult } from "@tanstack/react-query";
import { useRef } from "react";

/**
 * Returns the answer of a query, or the last one to the question `of` while it has none. A query whose key changes while
 * the question stays, such as one that names the time until which it counts, has no answer under its new key once that
 * read has failed.
 */
export function useLastAnswer<T>(
  { data, isPlaceholderData }: Pick<UseQueryResult<T>, "data" | "isPlaceholderData">,
  of: string,
): T | undefined {
  const last = useRef<{ readonly of: string; readonly data: T } | null>(null);
  // A placeholder may be the answer to another question.
  if (data !== undefined && !isPlaceholderData) last.current = { of, data };
  if (data !== undefined) return data;
  return last.current?.of === of ? last.current.data : undefined;
}
