import Alert from "@mui/material/Alert";
import Button, { type ButtonProps } from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import Tooltip from "@mui/material/Tooltip";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useId, useState } from "react";
import { ErrorNotice } from "./Notices";

export interface ActButtonProps {
  readonly label: string;
  readonly color?: ButtonProps["color"];
  /** Why the act is not possible now; null where it is. The button is then disabled, and says so. */
  readonly impossible: string | null;
  /** The dialog that asks before the act. `content` may be made when the dialog opens, such as a dry run's answer. */
  readonly ask?: { readonly title: string; readonly content: () => ReactNode; readonly confirm: string };
  readonly run: () => Promise<unknown>;
}

/** A button for an act: it asks first where that is wanted, tells a refusal, and has everything read again after it. */
export function ActButton({ label, color = "primary", impossible, ask, run }: ActButtonProps) {
  const queries = useQueryClient();
  const titleId = useId();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = async () => {
    setBusy(true);
    setError(null);
    try {
      await run();
      setOpen(false);
    } catch (raised) {
      setError(raised);
    } finally {
      setBusy(false);
      await queries.invalidateQueries();
    }
  };
  const press = () => {
    if (impossible !== null) return;
    if (ask === undefined) void act();
    else setOpen(true);
  };
  // An impossible act keeps its place in the order of the keyboard, so that its reason can be read.
  const button = (
    <Button
      variant="outlined"
      color={color}
      disabled={busy}
      aria-disabled={impossible !== null}
      onClick={press}
      sx={impossible === null ? null : { opacity: 0.6, borderStyle: "dashed", cursor: "not-allowed" }}
    >
      {label}
    </Button>
  );
  return (
    <>
      {/* Always within the tooltip, so that a button whose act becomes impossible keeps the focus. */}
      <Tooltip title={impossible ?? ""} describeChild>
        {button}
      </Tooltip>
      {ask === undefined && error !== null ? <ErrorNotice error={error} /> : null}
      {ask === undefined ? null : (
        <Dialog open={open} onClose={() => setOpen(false)} aria-labelledby={titleId} fullWidth maxWidth="sm">
          <DialogTitle id={titleId}>{ask.title}</DialogTitle>
          <DialogContent>
            {open ? ask.content() : null}
            {error === null ? null : <ErrorNotice error={error} />}
            {busy ? <Alert severity="info">sent, waiting for the answer</Alert> : null}
          </DialogContent>
          <DialogActions>
            <Button onClick={() => setOpen(false)}>Leave it</Button>
            <Button variant="contained" color={color} disabled={busy} onClick={() => void act()}>
              {ask.confirm}
            </Button>
          </DialogActions>
        </Dialog>
      )}
    </>
  );
}
