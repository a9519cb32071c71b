import Alert from "@mui/material/Alert";
import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { type Api, answerOf } from "../api/client";
import { useApi } from "../api/context";
import { ApiProblem } from "../api/problems";
import { idOf } from "../domain/jobFilters";

type Found = "workflow" | "job" | "nothing";

/** Asks what has an id. Raises the refusal or the lost answer. */
async function find(api: Api, id: string): Promise<Found> {
  const isThere = (call: Promise<unknown>) =>
    call.then(
      () => true,
      (error: unknown) =>
        error instanceof ApiProblem && error.status === 404 ? false : Promise.reject(error),
    );
  const workflow = () =>
    answerOf(
      api.GET("/v1/workflows/{workflow_id}", {
        params: { path: { workflow_id: id }, query: { limit: 1 } },
      }),
    );
  const job = () =>
    answerOf(api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: id }, query: { fields: "slim" } } }));
  if (!id.includes(".") && (await isThere(workflow()))) return "workflow";
  return (await isThere(job())) ? "job" : "nothing";
}

/** Goes to the job or the workflow with an id, wherever that stands. */
export function LookUp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const api = useApi();
  const navigate = useNavigate();
  const [said, setSaid] = useState("");
  // What is asked for belongs to one opening of the dialog: an answer that comes later leads nowhere.
  const opening = useRef(0);
  const close = () => {
    opening.current += 1;
    setSaid("");
    onClose();
  };
  const look = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const id = idOf(String(new FormData(event.currentTarget).get("id") ?? ""));
    if (id === null) {
      setSaid("An id has 26 letters and digits; a job of a workflow has a point and its number behind them.");
      return;
    }
    const asked = opening.current;
    let found: Found;
    try {
      found = await find(api, id);
    } catch (error) {
      if (asked === opening.current) setSaid(error instanceof Error ? error.message : String(error));
      return;
    }
    if (asked !== opening.current) return;
    if (found === "nothing") {
      setSaid("Nothing has this id.");
      return;
    }
    close();
    if (found === "workflow") await navigate({ to: "/workflows/$workflowId", params: { workflowId: id } });
    else await navigate({ to: "/jobs/$jobId", params: { jobId: id } });
  };
  return (
    <Dialog open={open} onClose={close} fullWidth maxWidth="sm" aria-labelledby="look-up-title">
      <DialogTitle id="look-up-title">Look up an id</DialogTitle>
      <DialogContent>
        <form onSubmit={look}>
          <TextField
            name="id"
            label="id of a job or a workflow"
            fullWidth
            autoFocus
            autoComplete="off"
            sx={{ mt: 1 }}
          />
        </form>
        {said === "" ? null : (
          <Alert severity="warning" sx={{ mt: 1 }}>
            {said}
          </Alert>
        )}
      </DialogContent>
    </Dialog>
  );
}
