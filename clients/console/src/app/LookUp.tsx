import Alert from "@mui/material/Alert";
import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import TextField from "@mui/material/TextField";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { answerOf } from "../api/client";
import { useApi } from "../api/context";
import { ApiProblem } from "../api/problems";

const ID = /^[0-9A-HJKMNP-TV-Z]{26}(\.\d{1,4})?$/;

/** Goes to the job or the workflow with an id, wherever that stands. */
export function LookUp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const api = useApi();
  const navigate = useNavigate();
  const [said, setSaid] = useState("");
  const look = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget).get("id") ?? "")
      .trim()
      .toUpperCase();
    if (!ID.test(id)) {
      setSaid("An id has 26 letters and digits; a job of a workflow has a point and its number behind them.");
      return;
    }
    try {
      if (!id.includes(".")) {
        const found = await answerOf(
          api.GET("/v1/workflows/{workflow_id}", {
            params: { path: { workflow_id: id }, query: { limit: 1 } },
          }),
        ).catch((error: unknown) =>
          error instanceof ApiProblem && error.status === 404 ? null : Promise.reject(error),
        );
        if (found !== null) {
          onClose();
          await navigate({ to: "/workflows/$workflowId", params: { workflowId: id } });
          return;
        }
      }
      await answerOf(
        api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: id }, query: { fields: "slim" } } }),
      );
      onClose();
      await navigate({ to: "/jobs/$jobId", params: { jobId: id } });
    } catch (error) {
      setSaid(error instanceof ApiProblem && error.status === 404 ? "Nothing has this id." : String(error));
    }
  };
  return (
    <Dialog open={open} onClose={onClose} fullWidth maxWidth="sm" aria-labelledby="look-up-title">
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
