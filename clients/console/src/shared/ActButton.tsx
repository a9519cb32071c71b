import Alert from "@mui/material/Alert";
import Button, { type ButtonProps } from "@mui/material/Button";
import Dialog from "@mui/material/Dialog";
import DialogActions from "@mui/material/DialogActions";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useId, useState } from "react";
import { ErrorNotice } from "./Notices";
import { ReasonedButton } from "./ReasonedButton";

export interface ActButtonProps {
  readonly label: string;
  readonly color?: ButtonProps["color"];
  /** Why the act is not possible now; null where it is. The button is then disabled, and says so. */
  readonly impossible: string | null;
  /** The dialog that asks before the act. `content` may be made when the dialog opens, such as a dry run's answer. */
  readonly ask?: {
    readonly title: string;
    readonly content: () => ReactNode;
    readonly confirm: string;
    /** Is called when the dialog opens: what somebody typed in it before and left is not to be sent. */
    readonly begin?: () => void;
  };
  readonly run: () => Promise<unknown>;
}

const WAITING = "sent, waiting for the answer";
/** A button that is disabled would lose the focus, and with it the keys of the dialog. */
const BUSY = { opacity: 0.6, cursor: "progress" } as const;

/** A button for an act: it asks first where that is wanted, tells a refusal, and has everything read again after it. */
export function ActButton({ label, color = "primary", impossible, ask, run }: ActButtonProps) {
  const queries = useQueryClient();
  const titleId = useId();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const act = async () => {
    if (busy) return;
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
  const begin = () => {
    ask?.begin?.();
    setError(null);
    setOpen(true);
  };
  // A refusal must be told where somebody waits for it, so the dialog stays until the answer is there.
  const leave = () => {
    if (!busy) setOpen(false);
  };
  return (
    <>
      <ReasonedButton
        color={color}
        impossible={busy ? WAITING : impossible}
        onClick={() => (ask === undefined ? void act() : begin())}
      >
        {label}
      </ReasonedButton>
      {ask === undefined && error !== null ? <ErrorNotice error={error} /> : null}
      {ask === undefined ? null : (
        <Dialog open={open} onClose={leave} aria-labelledby={titleId} fullWidth maxWidth="sm">
          <DialogTitle id={titleId}>{ask.title}</DialogTitle>
          <DialogContent>
            {open ? ask.content() : null}
            {error === null ? null : <ErrorNotice error={error} />}
            {busy ? <Alert severity="info">{WAITING}</Alert> : null}
          </DialogContent>
          <DialogActions>
            <Button aria-disabled={busy} onClick={leave} sx={busy ? BUSY : null}>
              Leave it
            </Button>
            <Button
              variant="contained"
              color={color}
              aria-disabled={busy}
              onClick={() => void act()}
              sx={busy ? BUSY : null}
            >
              {ask.confirm}
            </Button>
          </DialogActions>
        </Dialog>
      )}
    </>
  );
}
