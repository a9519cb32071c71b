import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { useRef } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import { type JobAct, whyNot } from "../../domain/jobActs";
import { type ChangeForm, changeOf } from "../../domain/jobChange";
import { joined } from "../../domain/jobFilters";
import { timeText } from "../../domain/times";
import { ActButton } from "../../shared/ActButton";
import { useSettings } from "../../shared/settings";
import { cancelDownstream, type RerunWish, rerun, wrongForm } from "./calls";
import { CancelPreview, ChangeFields, type Mark, MarkFields, RerunForm, RetryPreview } from "./Previews";
import type { Job } from "./types";

const UNDERSTOOD = "The worker sees this at its next heartbeat, and ends the job within a grace period.";

/** The acts on one job. Those that its state or the caller's role does not allow stay, with the reason. */
export function Acts({ job }: { job: Job }) {
  const api = useApi();
  const forbidden = useForbidden("client");
  const impossible = (act: JobAct) => forbidden ?? whyNot(act, job);
  const params = { path: { job_id: job.job_id } };
  return (
    <Box role="group" aria-label="acts" sx={{ display: "flex", flexWrap: "wrap", gap: 1 }}>
      <ActButton
        label="Retry"
        impossible={impossible("retry")}
        ask={{
          title: "Retry the job",
          content: () => <RetryPreview jobId={job.job_id} />,
          confirm: "Retry",
        }}
        run={() => answerOf(api.POST("/v1/jobs/{job_id}/retry", { params, body: {} }))}
      />
      <Rerun job={job} impossible={impossible("rerun")} />
      {job.on_hold ? (
        <ActButton
          label="Take off hold"
          impossible={impossible("unhold")}
          run={() => answerOf(api.POST("/v1/jobs/{job_id}/unhold", { params }))}
        />
      ) : (
        <ActButton
          label="Hold"
          impossible={impossible("hold")}
          run={() => answerOf(api.POST("/v1/jobs/{job_id}/hold", { params }))}
        />
      )}
      <ChangeAct job={job} impossible={impossible("change")} />
      <MarkAct job={job} impossible={impossible("mark")} />
      <ActButton
        label="Cancel"
        color="error"
        impossible={impossible("cancel")}
        ask={{
          title: "Cancel the job",
          content: () => (
            <Typography>
              {job.state === "RUNNING" ? UNDERSTOOD : "It does not run yet, so it ends at once."}
            </Typography>
          ),
          confirm: "Cancel the job",
        }}
        run={() => answerOf(api.POST("/v1/jobs/{job_id}/cancel", { params, body: {} }))}
      />
      <ActButton
        label="Cancel downstream"
        color="error"
        impossible={impossible("cancel downstream")}
        ask={{
          title: "Cancel the job and all that waits on it",
          content: () => <CancelPreview job={job} />,
          confirm: "Cancel all of them",
        }}
        run={() => cancelDownstream(api, job.job_id, false)}
      />
    </Box>
  );
}

interface ActProps {
  readonly job: Job;
  readonly impossible: string | null;
}

const USUAL_WISH: RerunWish = { downstream: true };
const NO_MARK: Mark = { state: "SUCCEEDED", reason: "" };

function Rerun({ job, impossible }: ActProps) {
  const api = useApi();
  const wish = useRef<RerunWish | null>(USUAL_WISH);
  return (
    <ActButton
      label="Rerun"
      impossible={impossible}
      ask={{
        title: "Run the job again",
        begin: () => {
          wish.current = USUAL_WISH;
        },
        content: () => (
          <RerunForm
            jobId={job.job_id}
            onWish={(changed) => {
              wish.current = changed;
            }}
          />
        ),
        confirm: "Rerun",
      }}
      run={async () => {
        if (wish.current === null) throw wrongForm("The parameters are no JSON object.");
        await rerun(api, job.job_id, wish.current, false);
      }}
    />
  );
}

function ChangeAct({ job, impossible }: ActProps) {
  const api = useApi();
  const { zone } = useSettings();
  const typed = useRef<{ readonly before: ChangeForm; readonly after: ChangeForm } | null>(null);
  const before: ChangeForm = {
    priority: String(job.priority),
    notBefore: job.not_before === null ? "" : timeText(job.not_before, zone),
    pool: job.pool,
    description: job.description ?? "",
    tags: joined(Object.entries(job.tags).map(([name, value]) => `${name}=${value}`)),
  };
  return (
    <ActButton
      label="Change"
      impossible={impossible}
      ask={{
        title: "Change the job while it waits",
        begin: () => {
          typed.current = null;
        },
        content: () => (
          <ChangeFields
            before={typed.current?.before ?? before}
            onForm={(after) => {
              // The form is compared with the job as it was when somebody began to type.
              typed.current = { before: typed.current?.before ?? before, after };
            }}
          />
        ),
        confirm: "Change",
      }}
      run={async () => {
        const form = typed.current ?? { before, after: before };
        const { change, faults } = changeOf(form.before, form.after, zone);
        const [fault] = Object.entries(faults);
        if (fault !== undefined) throw wrongForm(`${fault[0]}: ${fault[1]}`);
        if (Object.keys(change).length === 0) throw wrongForm("No field was changed.");
        await answerOf(
          api.PATCH("/v1/jobs/{job_id}", { params: { path: { job_id: job.job_id } }, body: change }),
        );
      }}
    />
  );
}

function MarkAct({ job, impossible }: ActProps) {
  const api = useApi();
  const mark = useRef<Mark>(NO_MARK);
  return (
    <ActButton
      label="End by hand"
      impossible={impossible}
      ask={{
        title: "End the job by hand",
        begin: () => {
          mark.current = NO_MARK;
        },
        content: () => (
          <MarkFields
            onMark={(changed) => {
              mark.current = changed;
            }}
          />
        ),
        confirm: "End it",
      }}
      run={async () => {
        const reason = mark.current.reason.trim();
        if (reason === "") throw wrongForm("A reason is needed.");
        await answerOf(
          api.POST("/v1/jobs/{job_id}/mark", {
            params: { path: { job_id: job.job_id } },
            body: { state: mark.current.state, reason },
          }),
        );
      }}
    />
  );
}
