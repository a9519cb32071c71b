import Alert from "@mui/material/Alert";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Api, answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { counted } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { ActButton } from "../../shared/ActButton";
import { ErrorNotice, Loading } from "../../shared/Notices";

const PAGE = 200;
const MOST_PAGES = 10;

interface Redriven {
  readonly redriven: number;
  readonly lookedAt: number;
  readonly isWhole: boolean;
}

/** Redrives page by page, or counts what that would do; it looks at 2,000 failed jobs at most. */
async function redriveAll(api: Api, pool: string, dryRun: boolean): Promise<Redriven> {
  let cursor: string | null = null;
  const sum = { redriven: 0, lookedAt: 0 };
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query: { limit: number; cursor?: string } = { limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const answer: { redriven: number; looked_at: number; cursor: string | null } = await answerOf(
      api.POST("/v1/pools/{pool}/redrive", { params: { path: { pool }, query }, body: { dry_run: dryRun } }),
    );
    sum.redriven += answer.redriven;
    sum.lookedAt += answer.looked_at;
    cursor = answer.cursor;
    if (cursor === null) break;
  }
  return { ...sum, isWhole: cursor === null };
}

function words({ redriven, lookedAt, isWhole }: Redriven): string {
  const among = `${isWhole ? "all" : "the first"} ${counted(lookedAt, "failed job")} of the pool`;
  return `${counted(redriven, "undeliverable job")} among ${among}`;
}

/** Retries the jobs whose messages the pool's queue gave up, after a dry run has said how many they are. */
export function Redrive({ pool, impossible }: { pool: string; impossible: string | null }) {
  const api = useApi();
  const [done, setDone] = useState<Redriven | null>(null);
  return (
    <>
      <ActButton
        label="Redrive"
        impossible={impossible}
        ask={{
          title: `Redrive pool ${plain(pool)}?`,
          content: () => <Foreseen pool={pool} />,
          confirm: "Retry them",
        }}
        run={async () => setDone(await redriveAll(api, pool, false))}
      />
      {done === null ? null : <Alert severity="success">Retried {words(done)}.</Alert>}
    </>
  );
}

function Foreseen({ pool }: { pool: string }) {
  const api = useApi();
  const foreseen = useQuery({
    queryKey: ["redrive", pool],
    queryFn: () => redriveAll(api, pool, true),
    gcTime: 0,
    // After the act everything is read again, but nobody needs this count any more.
    staleTime: "static",
  });
  if (foreseen.isError) return <ErrorNotice error={foreseen.error} onRetry={() => void foreseen.refetch()} />;
  if (foreseen.data === undefined) return <Loading lines={2} />;
  return <p>This would retry {words(foreseen.data)}.</p>;
}
