import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useTurns } from "../../api/pace";
import { plain } from "../../domain/text";
import { JobLink } from "../../shared/JobLink";
import { Empty, Loading, ReadNotice } from "../../shared/Notices";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";
import type { Job } from "./types";

const JOBS_OF_PAGE = 50;
const FOLLOWS = { leads: false, everyMs: () => 10_000, moves: () => false, isFinal: () => false };

interface Neighbour {
  readonly job_id: string;
  readonly key: string | null;
  readonly name: string | null;
  readonly state: string | null;
  readonly type: string;
  readonly condition?: string | null;
  readonly satisfied?: boolean | null;
  readonly satisfied_at?: string | null;
}

interface NeighbourPage {
  readonly jobs: readonly Neighbour[];
  readonly cursor: string | null;
}

/** The jobs that this one depends on, and the jobs that depend on it, with their states. */
export function Neighbours({ job }: { job: Job }) {
  const api = useApi();
  const params = (cursor: string | null) => ({
    path: { job_id: job.job_id },
    query: { limit: JOBS_OF_PAGE, ...(cursor === null ? {} : { cursor }) },
  });
  return (
    <Box sx={{ display: "flex", flexDirection: "column", gap: 3 }}>
      {job.workflow_id === null ? null : (
        <TextLink
          to="/workflows/$workflowId"
          params={{ workflowId: job.workflow_id }}
          search={{ view: "graph", around: job.job_id }}
        >
          See it in the graph of its workflow
        </TextLink>
      )}
      <Side
        title="Depends on"
        empty="It depends on no job."
        queryKey={["dependencies", job.job_id]}
        read={async (cursor, signal) => {
          const page = await answerOf(
            api.GET("/v1/jobs/{job_id}/dependencies", { params: params(cursor), signal }),
          );
          return { jobs: page.dependencies, cursor: page.cursor };
        }}
        say={satisfactionOf}
      />
      <Side
        title="Depended on by"
        empty="No job depends on it."
        queryKey={["dependents", job.job_id]}
        read={async (cursor, signal) => {
          const page = await answerOf(
            api.GET("/v1/jobs/{job_id}/dependents", { params: params(cursor), signal }),
          );
          return { jobs: page.dependents, cursor: page.cursor };
        }}
        say={() => null}
      />
    </Box>
  );
}

interface SideProps {
  readonly title: string;
  readonly empty: string;
  readonly queryKey: readonly string[];
  readonly read: (cursor: string | null, signal: AbortSignal) => Promise<NeighbourPage>;
  readonly say: (neighbour: Neighbour) => ReactNode;
}

function Side({ title, empty, queryKey, read, say }: SideProps) {
  const list = useInfiniteQuery({
    queryKey,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    getNextPageParam: (last) => last.cursor,
  });
  // Pages that somebody turned to are not read again and again: a turn is one call.
  useTurns(queryKey, (list.data?.pages.length ?? 0) < 2 ? FOLLOWS : null);
  const jobs = list.data?.pages.flatMap((page) => page.jobs) ?? [];
  return (
    <Box component="section" aria-label={title}>
      <Typography component="h2" variant="h2" gutterBottom>
        {title}
      </Typography>
      {list.isPending ? <Loading lines={3} /> : null}
      <ReadNotice
        query={list}
        onDemand={list.isFetchNextPageError}
        onRetry={() => void (list.isFetchNextPageError ? list.fetchNextPage() : list.refetch())}
      />
      {list.data !== undefined && jobs.length === 0 ? <Empty title={empty} /> : null}
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {jobs.map((neighbour) => (
          <Box
            component="li"
            key={neighbour.job_id}
            sx={{
              display: "flex",
              flexWrap: "wrap",
              columnGap: 2,
              py: 0.75,
              borderBottom: 1,
              borderColor: "divider",
              overflowWrap: "anywhere",
            }}
          >
            <Box sx={{ minWidth: 130 }}>
              {neighbour.state === null ? "gone" : <StateMark state={neighbour.state} />}
            </Box>
            <JobLink job={neighbour} />
            <span>{plain(neighbour.type)}</span>
            {neighbour.condition == null ? null : <code>{plain(neighbour.condition)}</code>}
            {say(neighbour)}
          </Box>
        ))}
      </Box>
      {list.hasNextPage ? (
        <Button
          variant="outlined"
          disabled={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
          sx={{ mt: 1 }}
        >
          Show more than the first {jobs.length}
        </Button>
      ) : null}
    </Box>
  );
}

function satisfactionOf({ satisfied, satisfied_at }: Neighbour): ReactNode {
  if (satisfied === true) {
    return <span>satisfied {satisfied_at == null ? null : <Ago at={satisfied_at} />}</span>;
  }
  return <span>{satisfied === false ? "not satisfied yet" : "not known whether it is satisfied"}</span>;
}
