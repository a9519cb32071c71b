import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { components } from "../../api/schema";
import { placeInWorkflow } from "../../domain/forms/faults";
import { isRecord, type Json } from "../../domain/forms/model";
import { readJson } from "../../domain/forms/values";
import { Command } from "../../shared/Notices";
import { Panel } from "../../shared/Panel";
import { KeyField } from "./Foreseen";
import { Outcome, SendButtons } from "./JobForm";
import { useSubmission } from "./useSubmission";

type WorkflowIn = components["schemas"]["WorkflowIn"];

const EXAMPLE = `{
  "name": "first",
  "jobs": [
    {"key": "extract", "type": "tidegate.sleep", "parameters": {"seconds": 2}},
    {"key": "load", "type": "tidegate.noop", "depends_on": [{"key": "extract"}]}
  ]
}`;

/** Returns whether a text's JSON can be a workflow at all; the API checks everything else, and says where it is wrong. */
function isWorkflow(value: unknown): value is WorkflowIn {
  return typeof value === "object" && value !== null && "jobs" in value && Array.isArray(value.jobs);
}

function keysOf(value: Json): readonly (string | null)[] {
  const jobs = isRecord(value) ? value.jobs : undefined;
  if (!Array.isArray(jobs)) return [];
  return jobs.map((job: Json) => (isRecord(job) && typeof job.key === "string" ? job.key : null));
}

/** Takes a workflow as JSON, checks it, and submits it. */
export function WorkflowForm() {
  const api = useApi();
  const navigate = useNavigate();
  const forbidden = useForbidden("client");
  const submission = useSubmission();
  const [text, setText] = useState("");
  const [keys, setKeys] = useState<readonly (string | null)[]>([]);

  /** Returns the body to send; null where the text is no workflow, which is then said. */
  const body = (): WorkflowIn | null => {
    const read = readJson(text);
    if ("broken" in read) {
      submission.refuse([
        { field: "", message: text.trim() === "" ? "paste a workflow first" : read.broken },
      ]);
      return null;
    }
    setKeys(keysOf(read.value));
    const value: unknown = read.value;
    if (isWorkflow(value)) return value;
    submission.refuse([{ field: "", message: "must be an object with a list of jobs" }]);
    return null;
  };
  const check = async () => {
    const sent = body();
    if (sent === null) return;
    const answer = await submission.attempt(() =>
      answerOf(api.POST("/v1/workflows", { params: { query: { dry_run: true } }, body: sent })),
    );
    if (answer !== undefined && "dry_run" in answer) submission.setForeseen(answer);
  };
  const submit = async () => {
    const sent = body();
    if (sent === null) return;
    const key = submission.idempotencyKey.trim();
    const answer = await submission.attempt(() =>
      answerOf(
        api.POST("/v1/workflows", {
          params: { header: key === "" ? {} : { "Idempotency-Key": key } },
          body: sent,
        }),
      ),
    );
    if (answer !== undefined && "workflow_id" in answer) {
      await navigate({ to: "/workflows/$workflowId", params: { workflowId: answer.workflow_id } });
    }
  };
  const faults = submission.faults.map((fault) => ({
    field: placeInWorkflow(fault, keys),
    message: fault.message,
  }));
  return (
    <Panel title="Workflow">
      <Box
        component="form"
        noValidate
        sx={{ display: "grid", gap: 2 }}
        onSubmit={(event) => event.preventDefault()}
      >
        <TextField
          label="workflow (JSON)"
          multiline
          rows={18}
          placeholder={EXAMPLE}
          value={text}
          error={submission.faults.length > 0}
          onChange={(event) => {
            setText(event.target.value);
            submission.changed();
          }}
          slotProps={{
            htmlInput: { spellCheck: false, style: { fontFamily: "monospace" } },
            inputLabel: { shrink: true },
          }}
        />
        <Outcome submission={submission} faults={faults} />
        <KeyField value={submission.idempotencyKey} onChange={submission.setIdempotencyKey} />
        <SendButtons
          submission={submission}
          forbidden={forbidden}
          check={check}
          submit={submit}
          what="workflow"
        />
        <div>
          This page takes JSON. The command line takes YAML too:
          <Command text="tidegate submit workflow.yaml --dry-run" />
        </div>
      </Box>
    </Panel>
  );
}
