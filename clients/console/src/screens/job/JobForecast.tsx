import { isOverdue, whyNoEnd } from "../../domain/forecast";
import { counted } from "../../domain/numbers";
import { durationText } from "../../domain/times";
import { Expected, FinishBy, Forecast, ForecastOnDemand } from "../../shared/Forecast";
import { useIsFewJobs, useJobForecast } from "../../shared/forecasts";
import { Mark } from "../../shared/Mark";
import { useNow } from "../../shared/now";
import { TextLink } from "../../shared/TextLink";
import type { Job } from "./types";

/**
 * Says when a job that has not ended starts and ends, and whether it is late already. With a workflow that may be large
 * it is forecast each time that somebody asks for it, and no more.
 */
export function JobForecast({ job }: { job: Job }) {
  const runs = job.state === "RUNNING";
  const isFew = useIsFewJobs(job.workflow_id);
  const forecast = useJobForecast(job.job_id, job.attempt, runs, isFew);
  const isUnasked = !isFew && forecast.data === undefined && forecast.error === null && !forecast.isFetching;
  return (
    <>
      <Overdue job={job} />
      <Straggler job={job} />
      {isUnasked ? (
        <ForecastOnDemand
          reason="A forecast reads all jobs of its workflow that are left, so it is made when you ask for it."
          onAsk={() => void forecast.refetch()}
        />
      ) : (
        <Forecast query={forecast}>
          {(answer) => (
            <>
              {runs ? null : <Expected what="Starts" at={answer.start} coverage={answer.coverage} />}
              <Expected what="Ends" at={answer.end} coverage={answer.coverage} />
              {whyNoEnd(answer, runs)}
              <FinishBy judged={answer.finish_by} />
            </>
          )}
        </Forecast>
      )}
    </>
  );
}

function Overdue({ job }: { job: Job }) {
  if (!isOverdue(job, useNow())) return null;
  return (
    <div>
      <Mark icon="clock" tone="wait">
        overdue
      </Mark>{" "}
      It runs longer than{" "}
      {job.estimate_source === "statistics" ? "the usual run time of its type, " : "its estimate of "}
      {durationText(job.estimated_duration_seconds ?? 0)}.{" "}
      <TextLink to="/jobs" search={{ state: "RUNNING", overdue: "true" }}>
        all overdue jobs
      </TextLink>
    </div>
  );
}

function Straggler({ job: { straggler } }: { job: Job }) {
  if (straggler == null) return null;
  return (
    <div>
      <Mark icon="clock" tone="bad">
        straggler
      </Mark>{" "}
      Of {counted(straggler.runs, "run")} of its type, 99 % took at most {durationText(straggler.p99_seconds)}
      .
    </div>
  );
}
