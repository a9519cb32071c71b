import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import { plain } from "../../domain/text";
import { ActButton } from "../../shared/ActButton";
import { Facts, Panel } from "../../shared/Panel";
import { Time } from "../../shared/Time";
import type { Job } from "./types";

/** The job type whose jobs wait for the decision of a person. */
const APPROVAL = "tidegate.approval";

/** What a job outside waits for; an approval with its question, and the acts that decide it. */
export function Outside({ job }: { job: Job }) {
  const { outside } = job;
  if (outside === null) return null;
  const isApproval = job.type === APPROVAL;
  return (
    <Panel title={isApproval ? "Waits for an approval" : "Runs outside"}>
      {isApproval ? <Question job={job} /> : <p style={{ marginTop: 0 }}>Its end is sent to the API.</p>}
      <Facts
        rows={[
          ["since", <Time key="since" at={outside.since} />],
          ...(isApproval
            ? []
            : [["lost without a heartbeat", <Time key="lease" at={outside.lease_expires_at} />] as const]),
          ["at the latest", <Time key="until" at={outside.until} />],
        ]}
      />
    </Panel>
  );
}

function Question({ job }: { job: Job }) {
  const { title, details } = job.parameters as { readonly title?: unknown; readonly details?: unknown };
  const ask = typeof title === "string" ? plain(title) : "";
  return (
    <>
      <p style={{ marginTop: 0, fontWeight: 600, overflowWrap: "anywhere" }}>{ask}</p>
      {typeof details === "string" && details !== "" ? (
        <p style={{ whiteSpace: "pre-line", overflowWrap: "anywhere" }}>
          {details.split("\n").map(plain).join("\n")}
        </p>
      ) : null}
      <Box sx={{ display: "flex", gap: 1, mb: 2 }}>
        <Decide job={job} act="approve" label="Approve" ask={ask} />
        <Decide job={job} act="reject" label="Reject" ask={ask} />
      </Box>
    </>
  );
}

interface DecideProps {
  readonly job: Job;
  readonly act: "approve" | "reject";
  readonly label: string;
  readonly ask: string;
}

function Decide({ job, act, label, ask }: DecideProps) {
  const api = useApi();
  const forbidden = useForbidden("client");
  const [comment, setComment] = useState("");
  return (
    <ActButton
      label={label}
      color={act === "reject" ? "error" : "primary"}
      impossible={forbidden}
      ask={{
        title: `${label}: ${ask}`,
        begin: () => setComment(""),
        content: () => (
          <TextField
            label="comment"
            helperText="for people; it may be empty"
            value={comment}
            onChange={(event) => setComment(event.target.value)}
            sx={{ mt: 1 }}
            fullWidth
            autoFocus
          />
        ),
        confirm: `${label} it`,
      }}
      run={() =>
        answerOf(
          api.POST(`/v1/jobs/{job_id}/${act}`, {
            params: { path: { job_id: job.job_id } },
            body: { comment },
          }),
        )
      }
    />
  );
}
