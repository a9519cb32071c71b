import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import Box from "@mui/material/Box";
import LinearProgress from "@mui/material/LinearProgress";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { attemptsOf } from "../../domain/jobHistory";
import { plain, shortened } from "../../domain/text";
import { durationText } from "../../domain/times";
import { type Fact, Facts } from "../../shared/Facts";
import { JobLink } from "../../shared/JobLink";
import { useNow } from "../../shared/now";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";
import type { Job } from "./types";

const LONGEST_MESSAGE = 4_000;
const MOST_ATTEMPTS = 50;

/** Why a job ended without success: the code, the message line by line, and the last lines that it printed. */
export function ErrorCard({ job }: { job: Job }) {
  const { error } = job;
  if (error === null) return null;
  const lines = shortened(error.message, LONGEST_MESSAGE).split("\n").map(plain);
  return (
    <Alert
      severity={job.state === "SKIPPED" ? "info" : "error"}
      sx={{ "& .MuiAlert-message": { minWidth: 0, width: "100%" } }}
    >
      <AlertTitle sx={{ overflowWrap: "anywhere" }}>{plain(error.code)}</AlertTitle>
      <Printed lines={lines} label="message" />
      {error.upstream_id === null ? null : (
        <div>
          because of <JobLink job={{ job_id: error.upstream_id }} />
        </div>
      )}
      {error.last_lines.length === 0 ? null : (
        <>
          <Typography component="h2" variant="h3" sx={{ mt: 1 }}>
            Last lines of the attempt
          </Typography>
          <Printed lines={error.last_lines.map(plain)} label="last lines" />
        </>
      )}
      {job.attempt > 0 ? (
        <TextLink to="/jobs/$jobId" params={{ jobId: job.job_id }} search={{ tab: "log" }}>
          See the log of attempt {job.attempt}
        </TextLink>
      ) : null}
    </Alert>
  );
}

function Printed({ lines, label }: { lines: readonly string[]; label: string }) {
  return (
    <Box
      component="pre"
      tabIndex={0}
      aria-label={label}
      sx={{ m: 0, maxHeight: 320, overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
    >
      {lines.join("\n")}
    </Box>
  );
}

/** All that is known of a job but for its data, its log and its neighbours. */
export function Summary({ job }: { job: Job }) {
  return (
    // A time with its distance is wider than a phone, so it may take two lines here.
    <Box
      sx={{ display: "flex", flexDirection: "column", gap: 3, "& time": { whiteSpace: "normal !important" } }}
    >
      {job.progress === null ? null : (
        <Progress fraction={job.progress.fraction} message={job.progress.message} />
      )}
      <Attempts job={job} />
      <Box component="section" aria-label="details">
        <Typography component="h2" variant="h2" gutterBottom>
          Details
        </Typography>
        <Facts facts={factsOf(job)} />
      </Box>
    </Box>
  );
}

function Progress({ fraction, message }: { fraction: number; message: string | null }) {
  const percent = Math.round(Math.min(1, Math.max(0, fraction)) * 100);
  return (
    <div>
      <LinearProgress variant="determinate" value={percent} aria-label="progress that the job reported" />
      <Typography variant="body2" sx={{ overflowWrap: "anywhere" }}>
        {percent} %{message === null ? "" : `: ${shortened(plain(message), 500)}`}
      </Typography>
    </div>
  );
}

function Attempts({ job }: { job: Job }) {
  const attempts = attemptsOf(job.history, useNow());
  const shown = attempts.slice(-MOST_ATTEMPTS);
  return (
    <Box component="section" aria-label="attempts">
      <Typography component="h2" variant="h2" gutterBottom>
        Attempts
      </Typography>
      <Typography variant="body2" color="text.secondary">
        {job.attempt} {job.attempt === 1 ? "attempt" : "attempts"} · {job.tries} of {job.max_retries + 1}{" "}
        tries used · {job.worker_losses} lost workers · reopened {job.reopened} times
        {shown.length < job.attempt ? ` · the last ${shown.length} are shown` : ""}
      </Typography>
      <Box component="ul" sx={{ m: 0, p: 0, listStyle: "none" }}>
        {shown.map((each) => (
          <Box
            component="li"
            key={each.attempt}
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
            <TextLink
              to="/jobs/$jobId"
              params={{ jobId: job.job_id }}
              search={{ tab: "log", attempt: String(each.attempt) }}
            >
              attempt {each.attempt}
            </TextLink>
            <Time at={each.from} />
            <span>{durationText(each.seconds)}</span>
            <Box component="span" sx={{ display: "inline-flex", alignItems: "center", gap: 0.5 }}>
              {each.to === null ? null : "then"}
              <StateMark state={each.outcome} />
            </Box>
            {each.reason === null ? null : <span>{shortened(plain(each.reason), 300)}</span>}
          </Box>
        ))}
      </Box>
    </Box>
  );
}

function factsOf(job: Job): readonly Fact[] {
  const text = (value: string | number | null | undefined): ReactNode =>
    value === null || value === undefined || value === "" ? "-" : plain(String(value));
  const seconds = (value: number | null) => (value === null ? "-" : durationText(value));
  const { backoff_seconds, max_backoff_seconds, never_on, always_on } = job.retry;
  const retry = [
    `${job.max_retries} retries`,
    `backoff ${backoff_seconds} s to ${max_backoff_seconds} s`,
    ...(never_on.length === 0 ? [] : [`never on ${never_on.join(", ")}`]),
    ...(always_on.length === 0 ? [] : [`always on ${always_on.join(", ")}`]),
  ].join("; ");
  const worker =
    job.worker === null ? (
      "-"
    ) : (
      <TextLink to="/workers" search={{ worker: `${job.pool}/${job.worker}` }}>
        {plain(job.worker_name ?? job.worker)}
      </TextLink>
    );
  const tags = Object.entries(job.tags).map(([name, value]) => `${name}=${value}`);
  return [
    ["id", text(job.job_id)],
    ["key", text(job.key)],
    ["name", text(job.name)],
    ["description", text(job.description)],
    [
      "type",
      <TextLink key="type" to="/types" search={{ type: job.type }}>
        {plain(job.type)}
      </TextLink>,
    ],
    [
      "pool",
      <TextLink key="pool" to="/pools" search={{ pool: job.pool }}>
        {plain(job.pool)}
      </TextLink>,
    ],
    ["requires", text(job.requires.join(", "))],
    ["worker", worker],
    ["host of the worker", text(job.worker_host)],
    ["priority", priorityOf(job)],
    ["share", text(job.share)],
    [
      "concurrency key",
      job.concurrency_key === null
        ? "-"
        : plain(`${job.concurrency_key}, at most ${job.concurrency_limit ?? 1} at once`),
    ],
    ["held in", text(job.held_in)],
    ["tags", text(tags.join(", "))],
    ["submitted by", text(job.submitted_by)],
    ["namespace", text(job.namespace)],
    ["created", <Time key="created" at={job.created_at} />],
    ["not before", <Time key="not before" at={job.not_before} />],
    ...(job.latest_start === null
      ? []
      : ([["latest start", <Time key="latest start" at={job.latest_start} />]] as const)),
    ["due", <Time key="due" at={job.due_at} />],
    ["ready", <Time key="ready" at={job.ready_at} />],
    ["queued", <Time key="queued" at={job.queued_at} />],
    ["started", <Time key="started" at={job.started_at} />],
    ["its code began", <Time key="began" at={job.began_at} />],
    ["finished", <Time key="finished" at={job.finished_at} />],
    ["ran", seconds(job.actual_duration_seconds)],
    ["estimate", seconds(job.estimated_duration_seconds)],
    ["timeout", seconds(job.timeout_seconds)],
    ["retry", text(retry)],
    ...(job.cancel_requested_at === null
      ? []
      : ([
          ["cancellation asked", <Time key="asked" at={job.cancel_requested_at} />],
          ["asked by", text(job.cancel_requested_by)],
        ] as const)),
  ];
}

function priorityOf(job: Job): string {
  const parts = [String(job.priority)];
  if (job.critical_path_boost > 0) parts.push(`${job.critical_path_boost.toFixed(1)} for its critical path`);
  if (job.effective_priority !== null) {
    // The API tells their sum alone, and a job that starts early enough has no head start yet.
    const counted = job.latest_start === null ? "its wait" : "its wait and any head start";
    parts.push(`${job.effective_priority.toFixed(1)} now, with ${counted}`);
  }
  return parts.join("; ");
}
