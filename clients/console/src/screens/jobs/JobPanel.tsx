import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import Typography from "@mui/material/Typography";
import { useRef } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useKept } from "../../api/live";
import { useTurns } from "../../api/pace";
import { labelOf, timesOf } from "../../domain/jobHistory";
import { TERMINAL, WAITING } from "../../domain/states";
import { plain, shortened } from "../../domain/text";
import { durationText } from "../../domain/times";
import { CopyButton } from "../../shared/CopyButton";
import { Facts } from "../../shared/Facts";
import { Icon } from "../../shared/icons";
import { ErrorNotice, Loading } from "../../shared/Notices";
import { useNow } from "../../shared/now";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";
import { useEscape } from "../../shared/useEscape";
import { useLentFocus } from "../../shared/useLentFocus";
import type { JobRow } from "./useJobList";

const LONGEST = 600;
const ROW_MS = 15_000;

const isMoving = (job: unknown) => !TERMINAL.has((job as JobRow).state);

/** A short version of one job beside the list. A row of the list is shown at once; the job is read behind it. */
export function JobPanel({
  jobId,
  row,
  onClose,
}: {
  jobId: string;
  row: JobRow | undefined;
  onClose: () => void;
}) {
  const api = useApi();
  const key = ["job-row", jobId];
  // The list renews its own rows, so the panel of one of them asks seldom.
  useTurns(key, { leads: row === undefined, everyMs: () => ROW_MS, moves: isMoving, isFinal: () => false });
  const read = useKept(
    key,
    (signal) =>
      answerOf(
        api.GET("/v1/jobs/{job_id}", {
          params: { path: { job_id: jobId }, query: { fields: "slim" } },
          signal,
        }),
      ),
    true,
  );
  const panel = useRef<HTMLElement>(null);
  useLentFocus(panel);
  useEscape(onClose);
  // The list asks more often than the panel, so the newer of the two is shown.
  const own: JobRow | undefined = read.isPlaceholderData ? undefined : read.data;
  const job = row !== undefined && (row.updated_at ?? "") >= (own?.updated_at ?? "") ? row : own;
  return (
    <Box
      component="section"
      ref={panel}
      tabIndex={-1}
      aria-label={`job ${jobId}`}
      // A phone has no room beside the list, so there the panel lies over the whole of it.
      sx={{
        position: { xs: "fixed", md: "static" },
        inset: 0,
        zIndex: { xs: 1_100, md: "auto" },
        border: { xs: 0, md: 1 },
        borderColor: { md: "divider" },
        borderRadius: { xs: 0, md: 1 },
        bgcolor: "background.paper",
        p: 2,
        overflow: "auto",
        display: "flex",
        flexDirection: "column",
        gap: 1.5,
        flex: { md: "0 0 380px" },
        minWidth: 0,
      }}
    >
      <Box sx={{ display: "flex", alignItems: "start", justifyContent: "space-between", gap: 1 }}>
        <Typography component="h2" variant="h2" sx={{ overflowWrap: "anywhere" }}>
          {job === undefined ? jobId : shortened(plain(labelOf(job)), 200)}
        </Typography>
        <Button variant="text" onClick={onClose} startIcon={<Icon name="close" />}>
          Close
        </Button>
      </Box>
      {job !== undefined ? <Short job={job} /> : read.error === null ? <Loading /> : null}
      {job === undefined && read.error !== null ? <ErrorNotice error={read.error} /> : null}
    </Box>
  );
}

function Short({ job }: { job: JobRow }) {
  const times = timesOf(job, useNow());
  const seconds = (value: number | null) => (value === null ? "-" : durationText(value));
  return (
    <>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <StateMark state={job.state} />
        {job.on_hold ? <StateMark state="HELD" /> : null}
        <TextLink to="/jobs/$jobId" params={{ jobId: job.job_id }} sx={{ fontWeight: 600 }}>
          Open the whole job
        </TextLink>
      </Box>
      {job.error === null ? null : (
        <Alert severity="error" sx={{ overflowWrap: "anywhere" }}>
          <AlertTitle>{plain(job.error.code)}</AlertTitle>
          {shortened(plain(job.error.message), LONGEST)}
        </Alert>
      )}
      {WAITING.has(job.state) || job.state === "QUEUED" ? (
        <TextLink to="/jobs/$jobId" params={{ jobId: job.job_id }}>
          Why is it not running?
        </TextLink>
      ) : null}
      <Facts
        facts={[
          ["id", <span key="id">{job.job_id}</span>],
          ["type", plain(job.type)],
          ["pool", plain(job.pool)],
          ["priority", job.priority],
          [
            "workflow",
            job.workflow_id === null ? (
              "-"
            ) : (
              <TextLink
                key="workflow"
                to="/workflows/$workflowId"
                params={{ workflowId: job.workflow_id }}
                search={{ job: job.job_id }}
              >
                {job.workflow_id}
              </TextLink>
            ),
          ],
          ["submitted", <Time key="submitted" at={job.created_at} relative={false} />],
          ["waited", seconds(times.waited)],
          ["ran", seconds(times.ran)],
          ["attempt", `${job.attempt}, ${job.tries} of ${job.max_retries + 1} tries used`],
          ["worker", job.worker === null ? "-" : plain(job.worker)],
          ["progress", progressOf(job)],
          ["tags", tagsOf(job.tags)],
          ["submitted by", plain(job.submitted_by ?? "-")],
        ]}
      />
      <CopyButton label="Copy the id" text={job.job_id} />
    </>
  );
}

function progressOf(job: JobRow): string {
  if (job.progress === null) return "-";
  const message = job.progress.message === null ? "" : ` ${shortened(plain(job.progress.message), 200)}`;
  return `${Math.round(job.progress.fraction * 100)} %${message}`;
}

function tagsOf(tags: Readonly<Record<string, string>>): string {
  const all = Object.entries(tags).map(([name, value]) => `${name}=${value}`);
  return all.length === 0 ? "-" : plain(all.join(", "));
}
