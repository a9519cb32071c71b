import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { type Api, answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { components } from "../../api/schema";
import { plain, shortened } from "../../domain/text";
import { toldIn } from "../../domain/times";
import { aboutOf, evidenceOf, type Remedy, remedyOf } from "../../domain/why";
import { ActButton } from "../../shared/ActButton";
import { JobLink } from "../../shared/JobLink";
import { ErrorNotice, Loading } from "../../shared/Notices";
import { usePaced } from "../../shared/paced";
import { useSettings } from "../../shared/settings";
import { TextLink } from "../../shared/TextLink";
import type { Job } from "./types";

type FactOut = components["schemas"]["FactOut"];

const MOST_JOBS = 10;
const WHY_MS = 7_500;

/** Says what holds a job that waits or makes one late, with the evidence, and offers the changes that would help. */
export function WhyCard({ job }: { job: Job }) {
  const api = useApi();
  const { zone } = useSettings();
  const why = usePaced({
    // The page's own poll sees a change of the job, and why is asked with the next turn.
    key: ["why", job.job_id],
    everyMs: () => WHY_MS,
    read: (signal) =>
      answerOf(api.GET("/v1/jobs/{job_id}/why", { params: { path: { job_id: job.job_id } }, signal })),
  });
  return (
    <Paper variant="outlined" component="section" aria-labelledby="why" sx={{ p: 2 }}>
      <Typography id="why" component="h2" variant="h2" gutterBottom>
        {job.state === "RUNNING" ? "Why it has not ended" : "Why it is not running"}
      </Typography>
      {why.data === undefined ? (
        why.error === null ? (
          <Loading lines={3} />
        ) : (
          <ErrorNotice error={why.error} onRetry={() => void why.refetch()} />
        )
      ) : (
        <>
          <Typography sx={{ overflowWrap: "anywhere" }}>{plain(toldIn(why.data.sentence, zone))}</Typography>
          <Box component="ol" sx={{ m: 0, mt: 1, pl: 3, display: "flex", flexDirection: "column", gap: 1.5 }}>
            {why.data.facts.map((fact) => (
              <FactItem key={`${fact.code} ${fact.message}`} fact={fact} job={job} />
            ))}
          </Box>
          {why.data.complete ? null : (
            <Alert severity="info" sx={{ mt: 1 }}>
              A list was too long to be read whole, so the numbers are the least that are needed.
            </Alert>
          )}
        </>
      )}
    </Paper>
  );
}

function FactItem({ fact, job }: { fact: FactOut; job: Job }) {
  const { zone } = useSettings();
  const about = aboutOf(fact);
  const evidence = evidenceOf(fact);
  const remedy = remedyOf(fact.change);
  return (
    <Box component="li" sx={{ overflowWrap: "anywhere" }}>
      <Typography>{plain(toldIn(fact.message, zone))}</Typography>
      {about.jobs.length === 0 ? null : (
        <div>
          held by{" "}
          {about.jobs.slice(0, MOST_JOBS).map((id, place) => (
            <span key={id}>
              {place === 0 ? "" : ", "}
              <JobLink job={{ job_id: id, key: fact.evidence.job_id === id ? keyOf(fact) : null }} />
            </span>
          ))}
          {about.jobs.length > MOST_JOBS ? ` and ${about.jobs.length - MOST_JOBS} more` : null}
        </div>
      )}
      {about.pool === null ? null : (
        <div>
          <TextLink to="/pools" search={{ pool: about.pool }}>
            pool {plain(about.pool)}
          </TextLink>
        </div>
      )}
      {about.type === null ? null : (
        <div>
          <TextLink to="/types" search={{ type: about.type }}>
            type {plain(about.type)}
          </TextLink>
        </div>
      )}
      {fact.change.action === "add-slots" ? (
        <div>
          <TextLink to="/workers" search={{ pool: about.pool ?? job.pool }}>
            workers of the pool {plain(about.pool ?? job.pool)}
          </TextLink>
        </div>
      ) : null}
      {evidence.length === 0 ? null : (
        <Typography variant="body2" color="text.secondary">
          {evidence.map(([name, value]) => `${plain(name)} ${toldIn(wordsOf(value), zone)}`).join(" · ")}
        </Typography>
      )}
      {remedy === null ? null : (
        <Box sx={{ mt: 0.5 }}>
          <RemedyButton remedy={remedy} job={job} sentence={fact.change.sentence} />
        </Box>
      )}
    </Box>
  );
}

function keyOf(fact: FactOut): string | null {
  return typeof fact.evidence.key === "string" ? fact.evidence.key : null;
}

function wordsOf(value: unknown): string {
  return shortened(plain(typeof value === "string" ? value : JSON.stringify(value)), 300);
}

function RemedyButton({ remedy, job, sentence }: { remedy: Remedy; job: Job; sentence: string }) {
  const api = useApi();
  const { zone } = useSettings();
  const forbidden = useForbidden(remedy.role);
  return (
    <ActButton
      label={plain(remedy.label)}
      impossible={forbidden}
      ask={{
        title: plain(remedy.label),
        content: () => <Typography>{plain(toldIn(sentence, zone))}</Typography>,
        confirm: plain(remedy.label),
      }}
      run={() => apply(api, remedy, job.job_id)}
    />
  );
}

function apply(api: Api, remedy: Remedy, jobId: string): Promise<unknown> {
  switch (remedy.act) {
    case "unhold":
      return answerOf(api.POST("/v1/jobs/{job_id}/unhold", { params: { path: { job_id: jobId } } }));
    case "retry":
      return answerOf(
        api.POST("/v1/jobs/{job_id}/retry", { params: { path: { job_id: remedy.jobId } }, body: {} }),
      );
    case "resume-pool":
      return answerOf(api.POST("/v1/pools/{pool}/resume", { params: { path: { pool: remedy.pool } } }));
    case "resume-type":
      return answerOf(
        api.POST("/v1/types/{job_type}/resume", { params: { path: { job_type: remedy.type } } }),
      );
    case "limit-type":
      return answerOf(
        api.PUT("/v1/types/{job_type}/limit", {
          params: { path: { job_type: remedy.type } },
          body: { max_running: remedy.maxRunning },
        }),
      );
  }
}
