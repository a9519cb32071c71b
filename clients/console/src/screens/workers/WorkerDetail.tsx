import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import { ApiProblem } from "../../api/problems";
import type { components } from "../../api/schema";
import { plain } from "../../domain/text";
import { durationText } from "../../domain/times";
import { ActButton } from "../../shared/ActButton";
import { DetailPanel } from "../../shared/DetailPanel";
import { WorkerMark } from "../../shared/Mark";
import { ErrorNotice, Loading, ReadNotice } from "../../shared/Notices";
import { Facts } from "../../shared/Panel";
import { usePaced } from "../../shared/paced";
import type { Worker } from "../../shared/reads";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import { Ago, Time } from "../../shared/Time";
import { Slots } from "./Slots";

type WorkerJob = components["schemas"]["WorkerJobOut"];

const JOBS_MS = 15_000;
const ENTRY_MS = 60_000;
const MOST_ENDED = 50;

/** One worker: its load, its totals, and the jobs that it runs and ran. `name` is its pool and its id. */
export function WorkerDetail({
  name,
  listed,
  onClose,
}: {
  name: string;
  listed: Worker | undefined;
  onClose: () => void;
}) {
  const [pool = "", ...rest] = name.split("/");
  const id = rest.join("/");
  const api = useApi();
  const read = usePaced({
    key: ["workers", "one", pool, id],
    read: (signal) =>
      answerOf(
        api.GET("/v1/workers/{pool}/{worker_id}", { params: { path: { pool, worker_id: id } }, signal }),
      ).catch(
        // Execution environments of a function have no entry, and entries of workers that are gone are removed.
        (error: unknown) =>
          error instanceof ApiProblem && error.status === 404 ? null : Promise.reject(error),
      ),
    everyMs: () => ENTRY_MS,
    enabled: listed === undefined && id !== "",
  });
  const worker = listed ?? read.data;
  return (
    <DetailPanel title={`Worker ${plain(name)}`} onClose={onClose}>
      {listed === undefined ? <ReadNotice query={read} /> : null}
      {worker === null ? (
        <p>The worker has no entry: it is gone, or it is an execution environment of a function.</p>
      ) : null}
      {worker === undefined || worker === null ? null : <Known worker={worker} />}
      {id === "" ? (
        <p>A worker is named by its pool and its id, as POOL/ID.</p>
      ) : (
        <Jobs pool={pool} id={id} />
      )}
    </DetailPanel>
  );
}

function Known({ worker }: { worker: Worker }) {
  const api = useApi();
  const forbidden = useForbidden("operator");
  const cannot =
    worker.state === "DRAINING"
      ? "it drains already"
      : worker.state === "ACTIVE" && worker.drain_requested_at !== null
        ? "it was asked to drain already"
        : worker.state === "ACTIVE"
          ? null
          : `the worker is ${worker.state}`;
  const all = worker.all_sessions;
  return (
    <>
      <Slots worker={worker} />
      <Box sx={{ my: 1.5 }}>
        <ActButton
          label="Drain"
          color="error"
          impossible={forbidden ?? cannot}
          ask={{
            title: `Drain worker ${plain(worker.worker_id)}?`,
            content: () => (
              <p>
                It takes no more jobs, finishes the {worker.running} that it runs within its grace period, and
                leaves. Nobody can take this back.
              </p>
            ),
            confirm: "Drain the worker",
          }}
          run={() =>
            answerOf(
              api.POST("/v1/workers/{pool}/{worker_id}/drain", {
                params: { path: { pool: worker.pool, worker_id: worker.worker_id } },
              }),
            )
          }
        />
      </Box>
      <Facts
        rows={[
          ["state", <WorkerMark key="state" worker={worker} />],
          ["heartbeat", <Time key="heartbeat" at={worker.heartbeat_at} />],
          ["started", <Time key="started" at={worker.started_at} />],
          ["host", plain(worker.host)],
          ["fault", worker.fault === null ? "none" : plain(worker.fault)],
          ["lacks types", plain(worker.lacking.join(", ")) || "none"],
          [
            "drain asked for",
            worker.drain_requested_at === null ? (
              "no"
            ) : (
              <span key="drain">
                by {plain(worker.drain_requested_by ?? "nobody known")},{" "}
                <Time at={worker.drain_requested_at} />
              </span>
            ),
          ],
          [
            "this session",
            `${worker.claimed} claimed, ${worker.succeeded} succeeded, ${worker.failed} failed, ${worker.handed_back} handed back`,
          ],
          [
            "all sessions",
            `${all.sessions}: ${all.claimed} claimed, ${all.succeeded} succeeded, ${all.failed} failed, ${all.lost} lost`,
          ],
          [
            "claim to start",
            worker.response_seconds === null ? "no job yet" : durationText(worker.response_seconds),
          ],
          ["clock", worker.clock_off_seconds === 0 ? "right" : `${worker.clock_off_seconds} s off`],
          ["capabilities", plain(worker.capabilities.join(", ")) || "none"],
          [
            "tags",
            Object.entries(worker.tags)
              .map(([tag, value]) => plain(`${tag}=${value}`))
              .join(", ") || "none",
          ],
        ]}
      />
    </>
  );
}

function Jobs({ pool, id }: { pool: string; id: string }) {
  const api = useApi();
  const jobs = usePaced({
    key: ["workers", "jobs", pool, id],
    read: (signal) =>
      answerOf(
        api.GET("/v1/workers/{pool}/{worker_id}/jobs", {
          params: { path: { pool, worker_id: id }, query: { limit: MOST_ENDED } },
          signal,
        }),
      ),
    everyMs: () => JOBS_MS,
  });
  if (jobs.isError && jobs.data === undefined) {
    return <ErrorNotice error={jobs.error} onRetry={() => void jobs.refetch()} />;
  }
  if (jobs.data === undefined) return <Loading lines={3} />;
  const { running, ended, complete, ended_since: since } = jobs.data;
  return (
    <>
      <Typography component="h3" variant="h3" sx={{ mt: 2, mb: 1 }}>
        Runs now ({running.length})
      </Typography>
      <JobList label="jobs that it runs" jobs={running} empty="It runs no job." />
      {complete ? null : <p>More may run: only the first 1,000 active jobs of the pool were looked at.</p>}
      <Typography component="h3" variant="h3" sx={{ mt: 2, mb: 1 }}>
        Ran lately ({ended.length})
      </Typography>
      <JobList label="jobs that it ran" jobs={ended} empty="It ran no job lately." />
      <p>
        At most the latest {MOST_ENDED}.{" "}
        {since === null ? null : (
          <>
            Jobs that ended before <Time at={since} /> may be missing.{" "}
          </>
        )}
        <TextLink to="/jobs" search={{ state: "SUCCEEDED,FAILED,TIMED_OUT", worker: id }}>
          all jobs that it ran
        </TextLink>
      </p>
    </>
  );
}

function JobList({ label, jobs, empty }: { label: string; jobs: readonly WorkerJob[]; empty: string }) {
  if (jobs.length === 0) return <p>{empty}</p>;
  return (
    <Box component="ul" aria-label={label} sx={{ m: 0, p: 0, display: "grid", gap: 0.5 }}>
      {jobs.map((job) => (
        <Box
          component="li"
          key={`${job.job_id} ${job.attempt}`}
          sx={{ listStyle: "none", overflowWrap: "anywhere" }}
        >
          <StateMark state={job.state} />{" "}
          <TextLink to="/jobs/$jobId" params={{ jobId: job.job_id }}>
            {plain(job.key ?? job.name ?? job.job_id)}
          </TextLink>{" "}
          {plain(job.type)}, attempt {job.attempt}, <Ago at={job.finished_at ?? job.started_at} />
          {job.actual_duration_seconds === null ? "" : `, ran ${durationText(job.actual_duration_seconds)}`}
          {job.error_code === null ? "" : `, ${plain(job.error_code)}`}
        </Box>
      ))}
    </Box>
  );
}
