import Alert from "@mui/material/Alert";
import AlertTitle from "@mui/material/AlertTitle";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { components } from "../../api/schema";
import { type ApiFault, pathsOf, placed } from "../../domain/forms/faults";
import { type Field, formOf, isRecord, type Json } from "../../domain/forms/model";
import { NO_OWN_FIELDS, OWN_PATHS, ownFieldsOf, sentOwnFields } from "../../domain/forms/ownFields";
import { emptyValues, type FormValues, parametersOf, readJson, valuesOf } from "../../domain/forms/values";
import { plain } from "../../domain/text";
import { ErrorNotice } from "../../shared/Notices";
import { TextLink } from "../../shared/TextLink";
import { FieldInputs } from "./FieldInput";
import { Foreseen, KeyField } from "./Foreseen";
import { OwnInputs } from "./OwnInputs";
import { type Submission, useSubmission } from "./useSubmission";

type Type = components["schemas"]["OneTypeOut"];
type Job = components["schemas"]["JobOut"];
type JobIn = components["schemas"]["JobIn"];

/** The parameters as they are typed: by the fields of the form, or as one text. */
type Typed =
  | { readonly by: "form"; readonly values: FormValues }
  | { readonly by: "json"; readonly text: string };

const RETRY: NonNullable<JobIn["retry"]> = {
  backoff_seconds: 5,
  max_backoff_seconds: 600,
  never_on: [],
  always_on: [],
};

/** Answers of the API are JSON, though their types say no more than that they are objects. */
function asJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** Begins with the parameters of `source`; as a text where the form has no place for a part of them. */
function begin(fields: readonly Field[] | null, source: Job | null): Typed {
  const given = source === null ? null : asJson(source.parameters);
  if (fields !== null) {
    const values = given === null ? emptyValues(fields) : valuesOf(fields, given);
    if (values !== null) return { by: "form", values };
  }
  return { by: "json", text: JSON.stringify(given ?? {}, null, 2) };
}

function sentParameters(fields: readonly Field[] | null, typed: Typed) {
  if (typed.by === "form") return parametersOf(fields ?? [], typed.values, "");
  const read = readJson(typed.text);
  const fault = (message: string) => ({ parameters: {}, faults: [{ path: "", message }] });
  if ("broken" in read) return fault(read.broken);
  return isRecord(read.value) ? { parameters: read.value, faults: [] } : fault("must be a JSON object");
}

/** Makes one job: its parameters by the type's schema, and its own fields. */
export function JobForm({ type, source }: { type: Type; source: Job | null }) {
  const api = useApi();
  const navigate = useNavigate();
  const forbidden = useForbidden("client");
  const submission = useSubmission();
  const fields = useMemo(
    () => (type.parameters_schema === null ? null : formOf(asJson(type.parameters_schema))),
    [type.parameters_schema],
  );
  const [typed, setTyped] = useState(() => begin(fields, source));
  const [own, setOwn] = useState(() => (source === null ? NO_OWN_FIELDS : ownFieldsOf(source)));
  const paths = [
    "type",
    ...OWN_PATHS,
    "parameters",
    ...pathsOf(typed.by === "form" ? (fields ?? []) : [], "parameters"),
  ];
  const withItems = [...paths, ...itemPaths(submission.faults, paths)];
  const at = placed(submission.faults, withItems);

  /** Returns the body to send; null where a field is wrong, which is then shown. */
  const body = (): JobIn | null => {
    const { sent, faults: ownFaults } = sentOwnFields(own);
    const { parameters, faults } = sentParameters(fields, typed);
    const found: ApiFault[] = [
      ...faults.map(({ path, message }) => ({
        field: path === "" ? "parameters" : `parameters.${path}`,
        message,
      })),
      ...ownFaults.map(({ path, message }) => ({ field: path, message })),
    ];
    if (found.length > 0) {
      submission.refuse(found);
      return null;
    }
    return { ...keptOf(source), ...sent, type: type.type, parameters, tags: { ...sent.tags } };
  };
  const check = async () => {
    const sent = body();
    if (sent === null) return;
    const answer = await submission.attempt(() =>
      answerOf(api.POST("/v1/jobs", { params: { query: { dry_run: true } }, body: sent })),
    );
    if (answer !== undefined && "dry_run" in answer) submission.setForeseen(answer);
  };
  const submit = async () => {
    const sent = body();
    if (sent === null) return;
    const header = submission.idempotencyKey.trim();
    const answer = await submission.attempt(() =>
      answerOf(
        api.POST("/v1/jobs", {
          params: { header: header === "" ? {} : { "Idempotency-Key": header } },
          body: sent,
        }),
      ),
    );
    if (answer !== undefined && "job_id" in answer) {
      await navigate({ to: "/jobs/$jobId", params: { jobId: answer.job_id } });
    }
  };
  const change =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      submission.changed();
    };
  return (
    <Box
      component="form"
      noValidate
      sx={{ display: "grid", gap: 2, mt: 2 }}
      onSubmit={(event) => event.preventDefault()}
    >
      {source === null ? null : <FromJob source={source} type={type.type} />}
      <Parameters fields={fields} typed={typed} faults={at} onChange={change(setTyped)} />
      <Typography component="h3" variant="h3">
        The job itself
      </Typography>
      <OwnInputs own={own} faults={at} onChange={change(setOwn)} />
      <Outcome submission={submission} faults={submission.faults} />
      <KeyField value={submission.idempotencyKey} onChange={submission.setIdempotencyKey} />
      <SendButtons submission={submission} forbidden={forbidden} check={check} submit={submit} what="job" />
    </Box>
  );
}

/** Returns the paths of the list items that errors are about, whose lists the form shows. */
function itemPaths(faults: readonly ApiFault[], paths: readonly string[]): readonly string[] {
  const known = new Set(paths);
  return faults.map(({ field }) => field).filter((field) => known.has(field.replace(/\[\d+\]$/, "")));
}

/** What a new job keeps of the job that it is made from; the defaults where there is none. */
function keptOf(
  source: Job | null,
): Omit<JobIn, "type" | "parameters" | "tags" | keyof typeof NO_OWN_FIELDS> {
  return {
    key: null,
    depends_on: [],
    requires: source?.requires ?? [],
    share: source?.share ?? null,
    concurrency_key: source?.concurrency_key ?? null,
    concurrency_limit: source?.concurrency_limit ?? 1,
    estimated_duration_seconds: source?.estimated_duration_seconds ?? null,
    retry: source?.retry ?? RETRY,
    namespace: source?.namespace ?? null,
  };
}

function FromJob({ source, type }: { source: Job; type: string }) {
  return (
    <Alert severity="info">
      Made from{" "}
      <TextLink to="/jobs/$jobId" params={{ jobId: source.job_id }}>
        {plain(source.key ?? source.name ?? source.job_id)}
      </TextLink>
      , with its share, requirements, concurrency key, estimate and backoff. Its dependencies are left out.
      {source.type === type ? "" : ` That job is of the type ${plain(source.type)}.`}
    </Alert>
  );
}

function Parameters({
  fields,
  typed,
  faults,
  onChange,
}: {
  fields: readonly Field[] | null;
  typed: Typed;
  faults: ReadonlyMap<string, readonly string[]>;
  onChange: (typed: Typed) => void;
}) {
  const [said, setSaid] = useState("");
  const messages = faults.get("parameters");
  const toJson = () =>
    onChange({ by: "json", text: JSON.stringify(sentParameters(fields, typed).parameters, null, 2) });
  const toForm = () => {
    const { parameters, faults: broken } = sentParameters(fields, typed);
    const values = broken.length > 0 || fields === null ? null : valuesOf(fields, parameters);
    setSaid(values === null ? "The form has no place for a part of this JSON." : "");
    if (values !== null) onChange({ by: "form", values });
  };
  return (
    <>
      <Box sx={{ display: "flex", justifyContent: "space-between", flexWrap: "wrap", gap: 1 }}>
        <Typography component="h3" variant="h3">
          Parameters
        </Typography>
        {fields === null ? null : typed.by === "form" ? (
          <Button variant="text" onClick={toJson}>
            Type them as JSON
          </Button>
        ) : (
          <Button variant="text" onClick={toForm}>
            Type them in a form
          </Button>
        )}
      </Box>
      {said === "" ? null : <Alert severity="warning">{said}</Alert>}
      {typed.by === "json" ? (
        <TextField
          label="parameters (JSON)"
          multiline
          minRows={4}
          maxRows={20}
          value={typed.text}
          error={messages !== undefined}
          helperText={
            messages === undefined
              ? fields === null
                ? "The API knows no schema for a form of this type, so type them as JSON."
                : " "
              : plain(messages.join("; "))
          }
          onChange={(event) => onChange({ by: "json", text: event.target.value })}
          slotProps={{ htmlInput: { spellCheck: false, style: { fontFamily: "monospace" } } }}
        />
      ) : (
        <>
          {messages === undefined ? null : <Alert severity="error">{plain(messages.join("; "))}</Alert>}
          {fields?.length === 0 ? <span>The type takes no parameters.</span> : null}
          <FieldInputs
            fields={fields ?? []}
            values={typed.values}
            prefix="parameters"
            faults={faults}
            onChange={(values) => onChange({ by: "form", values })}
          />
        </>
      )}
    </>
  );
}

/** What the check or the submission answered. All errors are named here too, beside the button that brought them. */
export function Outcome({ submission, faults }: { submission: Submission; faults: readonly ApiFault[] }) {
  return (
    <div role="status">
      {submission.error === null ? null : <ErrorNotice error={submission.error} />}
      {faults.length === 0 ? null : (
        <Alert severity="error">
          <AlertTitle>Nothing was submitted</AlertTitle>
          {faults.map((fault) => (
            <div key={`${fault.field} ${fault.message}`}>
              {plain(fault.field === "" ? fault.message : `${fault.field}: ${fault.message}`)}
            </div>
          ))}
        </Alert>
      )}
      {submission.foreseen === null ? null : <Foreseen foreseen={submission.foreseen} />}
    </div>
  );
}

/** The buttons of a submission; with the reason where the caller may not submit. */
export function SendButtons({
  submission,
  forbidden,
  check,
  submit,
  what,
}: {
  submission: Submission;
  forbidden: string | null;
  check: () => Promise<void>;
  submit: () => Promise<void>;
  what: string;
}) {
  const cannot = submission.isBusy || forbidden !== null;
  return (
    <Box sx={{ display: "flex", gap: 1, flexWrap: "wrap", alignItems: "center" }}>
      <Button variant="outlined" disabled={cannot} onClick={() => void check()}>
        Check
      </Button>
      <Button variant="contained" disabled={cannot} onClick={() => void submit()}>
        Submit the {what}
      </Button>
      {forbidden === null ? null : <span>{forbidden}</span>}
    </Box>
  );
}
