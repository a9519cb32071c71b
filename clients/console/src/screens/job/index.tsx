import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { answerOf } from "../../api/client";
import { useApi, useConnection } from "../../api/context";
import { useLive } from "../../api/live";
import { ApiProblem } from "../../api/problems";
import { curlCommand, jobCommand } from "../../domain/commands";
import { labelOf } from "../../domain/jobHistory";
import { TERMINAL, WAITING } from "../../domain/states";
import { plain, shortened } from "../../domain/text";
import { CopyButton } from "../../shared/CopyButton";
import { Freshness } from "../../shared/Freshness";
import { ErrorNotice, Loading } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import { Acts } from "./Acts";
import { History } from "./History";
import { JobForecast } from "./JobForecast";
import { JsonView } from "./JsonView";
import { LogTail } from "./LogTail";
import { Neighbours } from "./Neighbours";
import { Outside } from "./Outside";
import { StateStrip } from "./StateStrip";
import { ErrorCard, Summary } from "./Summary";
import { isWhole, type Job } from "./types";
import { WhyCard } from "./WhyCard";

const TABS = [
  ["summary", "Summary"],
  ["log", "Log"],
  ["data", "Parameters and result"],
  ["neighbours", "Neighbours"],
  ["history", "History"],
] as const;

type Tab = (typeof TABS)[number][0];

const LONGEST_TITLE = 200;

/** The page of one job. */
export function JobScreen() {
  const { jobId } = useParams({ strict: false });
  // Another job is another page, so that nothing of the one before is shown or acted on.
  return jobId === undefined ? null : <OneJob key={jobId} jobId={jobId} />;
}

function OneJob({ jobId }: { jobId: string }) {
  const api = useApi();
  const search = useSearch({ strict: false });
  const tab = TABS.find(([name]) => name === search.tab)?.[0] ?? "summary";
  const read = useLive({
    key: ["job", jobId],
    read: async (signal) => {
      const answer = await answerOf(
        api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: jobId } }, signal }),
      );
      if (!isWhole(answer)) throw new Error("the API answered with a row in place of the job");
      return answer;
    },
    moves: (job) => !TERMINAL.has(job.state),
  });
  if (read.data === undefined) {
    return (
      <Page title={`Job ${jobId}`}>
        {read.error === null ? (
          <Loading lines={10} />
        ) : (
          <ErrorNotice error={read.error} onRetry={() => void read.refetch()} />
        )}
        {read.error instanceof ApiProblem && read.error.status === 404 && !jobId.includes(".") ? (
          <TextLink to="/workflows/$workflowId" params={{ workflowId: jobId }}>
            Look for a workflow with this id
          </TextLink>
        ) : null}
      </Page>
    );
  }
  const job = read.data;
  return (
    <Page title={shortened(plain(labelOf(job)), LONGEST_TITLE)} aside={<Freshness query={read} />}>
      {WAITING.has(job.state) || job.state === "QUEUED" || job.straggler != null ? (
        <WhyCard job={job} />
      ) : null}
      <Header job={job} />
      <Outside job={job} />
      <Acts job={job} />
      <StateStrip job={job} />
      {/* A forecast knows the time in a worker, not that of a person or of another system. */}
      {TERMINAL.has(job.state) || job.outside !== null ? null : <JobForecast job={job} />}
      <ErrorCard job={job} />
      <Parts job={job} tab={tab} attempt={attemptOf(search.attempt, job)} />
    </Page>
  );
}

function attemptOf(text: string | undefined, job: Job): number | null {
  const attempt = Number(text);
  return Number.isInteger(attempt) && attempt >= 1 && attempt <= job.attempt ? attempt : null;
}

function Header({ job }: { job: Job }) {
  const { config } = useConnection();
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", alignItems: "center", columnGap: 2, rowGap: 0.5 }}>
      <StateMark state={job.state} />
      {job.on_hold ? <Box component="span">on hold</Box> : null}
      {job.cancel_requested_at !== null && !TERMINAL.has(job.state) ? (
        <Alert severity="info" sx={{ py: 0 }}>
          its worker was asked to stop it
        </Alert>
      ) : null}
      <Box component="span" sx={{ fontFamily: "monospace", overflowWrap: "anywhere" }}>
        {job.job_id}
      </Box>
      {job.workflow_id === null ? null : (
        <TextLink
          to="/workflows/$workflowId"
          params={{ workflowId: job.workflow_id }}
          search={{ job: job.job_id }}
        >
          its workflow
        </TextLink>
      )}
      <Box sx={{ display: "flex", flexWrap: "wrap" }}>
        <CopyButton label="Copy id" text={job.job_id} />
        <CopyButton label="Copy as CLI" text={jobCommand(job.job_id)} />
        <CopyButton
          label="Copy as curl"
          text={curlCommand(`/v1/jobs/${job.job_id}`, config.signIn !== null)}
        />
      </Box>
    </Box>
  );
}

function Parts({ job, tab, attempt }: { job: Job; tab: Tab; attempt: number | null }) {
  const navigate = useNavigate();
  const toAttempt = (chosen: number | null) =>
    void navigate({
      to: "/jobs/$jobId",
      params: { jobId: job.job_id },
      search: { tab: "log", ...(chosen === null ? {} : { attempt: String(chosen) }) },
      replace: true,
      resetScroll: false,
    });
  return (
    <>
      <Box
        component="nav"
        aria-label="parts of the job"
        sx={{ display: "flex", flexWrap: "wrap", gap: 0.5, borderBottom: 1, borderColor: "divider" }}
      >
        {TABS.map(([name, title]) => (
          <TextLink
            key={name}
            to="/jobs/$jobId"
            params={{ jobId: job.job_id }}
            search={name === "summary" ? {} : { tab: name }}
            resetScroll={false}
            activeOptions={{ exact: true, includeSearch: true }}
            aria-current={name === tab ? "page" : undefined}
            underline="none"
            color="text.primary"
            sx={{
              px: 1.5,
              py: 1,
              borderBottom: 3,
              borderColor: name === tab ? "primary.main" : "transparent",
              fontWeight: name === tab ? 700 : 400,
            }}
          >
            {title}
          </TextLink>
        ))}
      </Box>
      {tab === "summary" ? <Summary job={job} /> : null}
      {tab === "log" ? <LogTail job={job} attempt={attempt} onAttempt={toAttempt} /> : null}
      {tab === "data" ? (
        <Box sx={{ display: "flex", flexDirection: "column", gap: 3 }}>
          <JsonView label="parameters" value={job.parameters} />
          <JsonView label="result" value={job.result} />
        </Box>
      ) : null}
      {tab === "neighbours" ? <Neighbours job={job} /> : null}
      {tab === "history" ? <History job={job} /> : null}
    </>
  );
}
