/** Numbers of acts before they are done, and forms of acts that need some words. */

import Checkbox from "@mui/material/Checkbox";
import FormControlLabel from "@mui/material/FormControlLabel";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { type ChangeForm, changeOf, typedObject } from "../../domain/jobChange";
import { counted } from "../../domain/numbers";
import { TERMINAL } from "../../domain/states";
import { zoneName } from "../../domain/times";
import { ErrorNotice, Loading } from "../../shared/Notices";
import { useSettings } from "../../shared/settings";
import { cancelDownstream, type RerunWish, rerun } from "./calls";
import type { Job } from "./types";

type Found<T> = { readonly data: T } | { readonly error: unknown } | null;

/**
 * Asks for numbers once, when the dialog shows them. They are no query of the screen: an act has all queries read again,
 * and a preview of what was done just now would only be refused.
 */
function usePreview<T>(read: () => Promise<T>, say: (found: T) => ReactNode) {
  const [found, setFound] = useState<Found<T>>(null);
  const [tries, setTries] = useState(0);
  const latest = useRef(read);
  latest.current = read;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another try asks again
  useEffect(() => {
    let shown = true;
    latest.current().then(
      (data) => shown && setFound({ data }),
      (error: unknown) => shown && setFound({ error }),
    );
    return () => {
      shown = false;
    };
  }, [tries]);
  if (found === null) return <Loading lines={1} />;
  if ("error" in found) return <ErrorNotice error={found.error} onRetry={() => setTries(tries + 1)} />;
  return <div role="status">{say(found.data)}</div>;
}

const jobs = (count: number) => counted(count, "job");

/** What a cancellation of the job and of all that waits on it would do. The API counts those downstream alone. */
export function CancelPreview({ job }: { job: Job }) {
  const api = useApi();
  const own = TERMINAL.has(job.state)
    ? `This job has ended (${job.state}) and stays as it is.`
    : job.state === "RUNNING"
      ? "The worker of this job is asked to stop it."
      : "This job ends at once.";
  return usePreview(
    () => cancelDownstream(api, job.job_id, true),
    (found) => (
      <Typography>
        {own} Downstream of it {found.complete ? "" : "at least "}
        <b>{jobs(found.cancelled)}</b> {found.cancelled === 1 ? "is" : "are"} cancelled, the workers of{" "}
        {jobs(found.asked)} are asked to stop, and {jobs(found.ended)} have ended before.
      </Typography>
    ),
  );
}

/** What a retry of the job would open. */
export function RetryPreview({ jobId }: { jobId: string }) {
  const api = useApi();
  return usePreview(
    () =>
      answerOf(
        api.POST("/v1/jobs/{job_id}/retry", {
          params: { path: { job_id: jobId } },
          body: { dry_run: true },
        }),
      ),
    ({ reopening }) => (
      <Typography>
        It opens {reopening.complete ? "" : "at least "}
        <b>{jobs(reopening.reopened)}</b>: this one, and those that were skipped because of it.
        {reopening.left_at_limit > 0
          ? ` Left, because opened as often as is allowed: ${jobs(reopening.left_at_limit)}.`
          : ""}
        {reopening.left_without_upstream > 0
          ? ` Left skipped, because an upstream is gone: ${jobs(reopening.left_without_upstream)}.`
          : ""}
      </Typography>
    ),
  );
}

/** What of a rerun can be chosen, and what it would open. Tells the choice, or null where it can't be sent. */
export function RerunForm({ jobId, onWish }: { jobId: string; onWish: (wish: RerunWish | null) => void }) {
  const [downstream, setDownstream] = useState(true);
  const [text, setText] = useState("");
  const parameters = typedObject(text);
  const tell = (json: string, follows: boolean) => {
    const typed = typedObject(json);
    if (typed === null) onWish(null);
    else onWish({ downstream: follows, ...(typed === undefined ? {} : { parameters: typed }) });
  };
  return (
    <>
      <FormControlLabel
        control={
          <Checkbox
            checked={downstream}
            onChange={(_, checked) => {
              setDownstream(checked);
              tell(text, checked);
            }}
          />
        }
        label="with every job downstream of it"
      />
      <RerunPreview key={String(downstream)} jobId={jobId} downstream={downstream} />
      <TextField
        label="other parameters, as a JSON object (empty: the same as before)"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          tell(event.target.value, downstream);
        }}
        error={parameters === null}
        helperText={parameters === null ? "This is no JSON object." : " "}
        multiline
        minRows={3}
        fullWidth
        sx={{ mt: 2 }}
      />
    </>
  );
}

function RerunPreview({ jobId, downstream }: { jobId: string; downstream: boolean }) {
  const api = useApi();
  return usePreview(
    () => rerun(api, jobId, { downstream }, true),
    (found) => (
      <Typography>
        It runs {found.complete ? "" : "at least "}
        <b>{jobs(found.rerun)}</b> again.
        {found.left_at_limit > 0
          ? ` Left, because opened as often as is allowed: ${jobs(found.left_at_limit)}.`
          : ""}
        {found.left_active > 0 ? ` Left, because active just now: ${jobs(found.left_active)}.` : ""}
      </Typography>
    ),
  );
}

/** The fields of a waiting job that can be changed. Tells the form as it is typed. */
export function ChangeFields({ before, onForm }: { before: ChangeForm; onForm: (form: ChangeForm) => void }) {
  const { zone } = useSettings();
  const [form, setForm] = useState(before);
  const { faults } = changeOf(before, form, zone);
  const fields: readonly (readonly [keyof ChangeForm, string])[] = [
    ["priority", "priority, 1 to 1,000, higher first"],
    ["notBefore", `not before, in ${zoneName(zone)} (empty: at once)`],
    ["pool", "pool"],
    ["description", "description"],
    ["tags", "tags, such as team=data,kind=nightly (these replace all)"],
  ];
  return (
    <>
      {fields.map(([name, label]) => (
        <TextField
          key={name}
          label={label}
          value={form[name]}
          error={faults[name] !== undefined}
          helperText={faults[name] ?? " "}
          onChange={(event) => {
            const changed = { ...form, [name]: event.target.value };
            setForm(changed);
            onForm(changed);
          }}
          fullWidth
          sx={{ mt: 1 }}
        />
      ))}
    </>
  );
}

export interface Mark {
  readonly state: "SUCCEEDED" | "SKIPPED";
  readonly reason: string;
}

const LONGEST_REASON = 200;

/** How a job is to be ended by hand, and why. */
export function MarkFields({ onMark }: { onMark: (mark: Mark) => void }) {
  const [mark, setMark] = useState<Mark>({ state: "SUCCEEDED", reason: "" });
  const change = (changed: Mark) => {
    setMark(changed);
    onMark(changed);
  };
  return (
    <>
      <TextField
        select
        label="end it as"
        value={mark.state}
        onChange={(event) =>
          change({ ...mark, state: event.target.value === "SKIPPED" ? "SKIPPED" : "SUCCEEDED" })
        }
        slotProps={{ select: { native: true } }}
        fullWidth
        sx={{ mt: 1 }}
      >
        <option value="SUCCEEDED">SUCCEEDED</option>
        <option value="SKIPPED">SKIPPED</option>
      </TextField>
      <TextField
        label="reason, which stands in the history"
        value={mark.reason}
        onChange={(event) => change({ ...mark, reason: event.target.value })}
        slotProps={{ htmlInput: { maxLength: LONGEST_REASON } }}
        fullWidth
        sx={{ mt: 2 }}
      />
      <Typography variant="caption" color="text.secondary">
        The jobs that wait for it are judged as after any other end. It has no result.
      </Typography>
    </>
  );
}
