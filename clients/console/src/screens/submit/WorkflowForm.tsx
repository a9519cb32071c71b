import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useRef, useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import { placeInWorkflow } from "../../domain/forms/faults";
import { boundsOfLine, lineOf, offsetOf } from "../../domain/forms/spots";
import { plain, shortened } from "../../domain/text";
import { Command, ErrorNotice, Loading } from "../../shared/Notices";
import { Panel } from "../../shared/Panel";
import { Foreseen, KeyField } from "./Foreseen";
import { SendButtons } from "./JobForm";
import { useSubmission } from "./useSubmission";
import { type Checked, type TextFault, useWorkflowText } from "./useWorkflowText";

const EXAMPLE = `name: first
jobs:
  - key: extract
    type: tidegate.sleep
    parameters: {seconds: 2}
  - key: load
    type: tidegate.noop
    depends_on: [{key: extract}]
`;
/** The longest part of a wrong line that is shown beside the error. */
const LONGEST_LINE = 120;
const LETTERS_BEFORE = 40;
const LINES_ABOVE = 4;

const Preview = lazy(async () => ({ default: (await import("./Preview")).Preview }));

/** Takes a workflow as JSON or YAML, checks it, shows its graph, and submits it. */
export function WorkflowForm() {
  const api = useApi();
  const navigate = useNavigate();
  const forbidden = useForbidden("client");
  const submission = useSubmission();
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState("");
  const { checked, check: checkHere } = useWorkflowText(text);
  const change = (typed: string) => {
    setText(typed);
    submission.forgive();
    submission.changed();
  };

  /** Returns the body to send; null where the page itself finds an error, which is then shown. */
  const body = async () => {
    const found = await checkHere();
    if (found.fits === null) submission.refuse(found.faults);
    return found.fits?.body ?? null;
  };
  const check = async () => {
    const sent = await body();
    if (sent === null) return;
    const answer = await submission.attempt(() =>
      answerOf(api.POST("/v1/workflows", { params: { query: { dry_run: true } }, body: sent })),
    );
    if (answer !== undefined && "dry_run" in answer) submission.setForeseen(answer);
  };
  const submit = async () => {
    const sent = await body();
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
  const goTo = (offset: number) => {
    const area = field.current;
    if (area === null) return;
    const { line } = lineOf(text, offset);
    area.focus();
    area.setSelectionRange(...boundsOfLine(text, line));
    const height = area.scrollHeight / text.split("\n").length;
    area.scrollTop = Math.max(0, (line - LINES_ABOVE) * height);
  };
  const faults = faultsOf(checked, submission.faults);
  const graph = checked?.fits?.graph;
  return (
    <Panel title="Workflow">
      <Box
        component="form"
        noValidate
        sx={{ display: "grid", gap: 2, gridTemplateColumns: "minmax(0, 1fr)" }}
        onSubmit={(event) => event.preventDefault()}
      >
        <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, alignItems: "center" }}>
          <label>
            from a file{" "}
            <input
              type="file"
              accept=".json,.yaml,.yml"
              onChange={async (event) => {
                const [file] = event.target.files ?? [];
                if (file !== undefined) change(await file.text());
              }}
            />
          </label>
          {text === "" ? (
            <Button variant="text" onClick={() => change(EXAMPLE)}>
              Begin with an example
            </Button>
          ) : null}
        </Box>
        <TextField
          label="workflow (JSON or YAML)"
          multiline
          rows={14}
          placeholder={EXAMPLE}
          value={text}
          error={faults.length > 0}
          onChange={(event) => change(event.target.value)}
          inputRef={field}
          slotProps={{
            htmlInput: {
              spellCheck: false,
              wrap: "off",
              style: { fontFamily: "monospace", whiteSpace: "pre", overflowX: "auto" },
            },
            inputLabel: { shrink: true },
          }}
        />
        <div role="status">
          {submission.error === null ? null : <ErrorNotice error={submission.error} />}
          <Faults
            title={checked?.fits === null ? "This is no workflow yet" : "Nothing was submitted"}
            text={text}
            faults={faults}
            keys={checked?.keys ?? []}
            onGo={goTo}
          />
          {submission.foreseen === null ? null : <Foreseen foreseen={submission.foreseen} />}
        </div>
        {graph === undefined ? null : (
          <Suspense fallback={<Loading lines={3} />}>
            <Preview
              graph={graph}
              onOpen={(job) => {
                if (checked?.spot) goTo(offsetOf(checked.spot, `jobs[${job}]`));
              }}
            />
          </Suspense>
        )}
        <KeyField value={submission.idempotencyKey} onChange={submission.setIdempotencyKey} />
        <SendButtons
          submission={submission}
          forbidden={forbidden}
          check={check}
          submit={submit}
          what="workflow"
        />
        <div>
          The command line does the same:
          <Command text="tidegate submit workflow.yaml --dry-run" />
        </div>
      </Box>
    </Panel>
  );
}

/** Returns the errors to show: those of the page, else those of the API, each with the place that it is about. */
function faultsOf(
  checked: Checked | null,
  told: readonly { readonly field: string; readonly message: string }[],
): readonly TextFault[] {
  if (checked !== null && checked.faults.length > 0) return checked.faults;
  return told.map((fault) => ({
    ...fault,
    at: checked?.spot && fault.field !== "" ? offsetOf(checked.spot, fault.field) : null,
  }));
}

function Faults({
  title,
  text,
  faults,
  keys,
  onGo,
}: {
  title: string;
  text: string;
  faults: readonly TextFault[];
  keys: readonly (string | null)[];
  onGo: (offset: number) => void;
}) {
  if (faults.length === 0) return null;
  return (
    <Alert severity="error" sx={{ "& .MuiAlert-message": { minWidth: 0, flex: 1 } }}>
      <AlertTitle>{title}</AlertTitle>
      <Box component="ul" sx={{ m: 0, pl: 2, overflowWrap: "anywhere" }}>
        {faults.map((fault) => (
          <li key={`${fault.field} ${fault.message}`}>
            {fault.at === null ? null : <Where text={text} at={fault.at} onGo={onGo} />}
            {plain(fault.field === "" ? fault.message : `${placeInWorkflow(fault, keys)}: ${fault.message}`)}
            {fault.at === null ? null : <LineText text={text} at={fault.at} />}
          </li>
        ))}
      </Box>
    </Alert>
  );
}

/** The line of an error, as a button that goes there. */
function Where({ text, at, onGo }: { text: string; at: number; onGo: (offset: number) => void }) {
  const { line, column } = lineOf(text, at);
  return (
    <>
      <Box
        component="button"
        type="button"
        onClick={() => onGo(at)}
        sx={{
          font: "inherit",
          fontWeight: 600,
          color: "inherit",
          bgcolor: "transparent",
          border: 0,
          p: 0,
          minHeight: 24,
          textDecoration: "underline",
          cursor: "pointer",
        }}
      >
        line {line}, column {column}
      </Box>{" "}
    </>
  );
}

function LineText({ text, at }: { text: string; at: number }) {
  const [start, end] = boundsOfLine(text, lineOf(text, at).line);
  const from = Math.max(start, at - LETTERS_BEFORE);
  const line = `${from > start ? "…" : ""}${text.slice(from, end).trim()}`;
  if (line === "") return null;
  return (
    <Box component="code" sx={{ display: "block", opacity: 0.85 }}>
      {shortened(plain(line), LONGEST_LINE)}
    </Box>
  );
}
