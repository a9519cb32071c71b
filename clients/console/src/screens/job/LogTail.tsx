import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { commandOf } from "../../domain/commands";
import { counted } from "../../domain/numbers";
import { plain } from "../../domain/text";
import { timeText, zoneName } from "../../domain/times";
import { CopyButton } from "../../shared/CopyButton";
import { ErrorNotice } from "../../shared/Notices";
import { useSettings } from "../../shared/settings";
import type { Job } from "./types";
import { type LogTailState, MOST_LINES, useLogTail } from "./useLogTail";

const LINE_PX = 20;
const NEAR_END_PX = 40;
const MOST_ATTEMPTS = 200;

interface LogTailProps {
  readonly job: Job;
  /** The attempt that is shown; null for the latest. */
  readonly attempt: number | null;
  readonly onAttempt: (attempt: number | null) => void;
}

/** What one attempt printed. While it runs the lines follow, until somebody scrolls up or says to pause. */
export function LogTail({ job, attempt, onAttempt }: LogTailProps) {
  const tail = useLogTail(job, attempt);
  const first = Math.max(1, job.attempt - MOST_ATTEMPTS + 1);
  const attempts = Array.from({ length: job.attempt - first + 1 }, (_, place) => job.attempt - place);
  const command = ["tidegate", "jobs", "logs", job.job_id];
  return (
    <Box component="section" aria-label="log" sx={{ display: "flex", flexDirection: "column", gap: 1 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <TextField
          select
          label="attempt"
          value={attempt ?? ""}
          onChange={(event) => onAttempt(event.target.value === "" ? null : Number(event.target.value))}
          slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
          sx={{ minWidth: 120 }}
        >
          <option value="">the latest</option>
          {attempts.map((number) => (
            <option key={number} value={number}>
              {number}
            </option>
          ))}
        </TextField>
        {tail.isOver ? null : (
          <Button variant="outlined" onClick={() => tail.setFollowing(!tail.following)}>
            {tail.following ? "Pause" : "Follow"}
          </Button>
        )}
        <Typography role="status" variant="body2" color="text.secondary">
          {statusOf(tail)}
        </Typography>
        <CopyButton
          label="Copy as CLI"
          text={commandOf(attempt === null ? command : [...command, "--attempt", String(attempt)])}
        />
      </Box>
      {tail.error === null ? null : <ErrorNotice error={tail.error} />}
      {tail.missing > 0 ? (
        <Alert severity="warning">
          {counted(tail.missing, "line")} {tail.missing === 1 ? "is" : "are"} missing: jobs printed faster
          than the worker could send.
        </Alert>
      ) : null}
      {tail.dropped > 0 ? (
        <Alert severity="info">
          The latest {MOST_LINES.toLocaleString("en")} lines are shown. The command prints all of them.
        </Alert>
      ) : null}
      {tail.lines.length > 0 ? <Lines key={attempt ?? "latest"} tail={tail} /> : null}
    </Box>
  );
}

function statusOf(tail: LogTailState): string {
  const count = counted(tail.lines.length + tail.dropped, "line");
  if (tail.attempt === undefined) return "reading";
  if (tail.attempt === null) return "no attempt has begun yet";
  if (tail.lines.length > 0) return tail.isOver ? `${count}, that is all` : `${count}, more may follow`;
  if (!tail.isOver) return "nothing printed so far";
  return tail.hasLog ? "the attempt printed nothing" : "the attempt's worker kept no log";
}

function Lines({ tail }: { tail: LogTailState }) {
  const { zone } = useSettings();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: tail.lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  const last = tail.lines.at(-1)?.number;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new last line moves the end, and nothing else does
  useEffect(() => {
    const box = scroller.current;
    if (tail.following && box !== null) box.scrollTop = box.scrollHeight;
  }, [last, tail.following]);
  const top = useRef(0);
  const onScroll = () => {
    const box = scroller.current;
    if (box === null) return;
    // The page itself only goes down. So it is a person who goes up, by whatever means: a wheel, keys, or the bar.
    const isUp = box.scrollTop < top.current;
    top.current = box.scrollTop;
    if (!isUp || tail.isOver || !tail.following) return;
    if (box.scrollHeight - box.scrollTop - box.clientHeight > NEAR_END_PX) tail.setFollowing(false);
  };
  return (
    <Box
      ref={scroller}
      role="log"
      aria-live="off"
      aria-label={`lines of the log, times in ${zoneName(zone)}`}
      tabIndex={0}
      onScroll={onScroll}
      sx={{
        height: "60vh",
        overflow: "auto",
        border: 1,
        borderColor: "divider",
        borderRadius: 1,
        bgcolor: "background.paper",
        fontFamily: "monospace",
        fontSize: "0.82rem",
      }}
    >
      <Box
        sx={{ height: virtual.getTotalSize(), position: "relative", width: "max-content", minWidth: "100%" }}
      >
        {virtual.getVirtualItems().map((item) => {
          const line = tail.lines[item.index];
          if (line === undefined) return null;
          return (
            <Box
              key={line.number}
              sx={{
                position: "absolute",
                top: 0,
                transform: `translateY(${item.start}px)`,
                height: LINE_PX,
                whiteSpace: "pre",
                px: 1,
              }}
            >
              <Box component="span" sx={{ color: "text.secondary", mr: 1.5 }}>
                {line.at === null ? "" : timeText(line.at, zone)}
              </Box>
              {plain(line.text)}
            </Box>
          );
        })}
      </Box>
    </Box>
  );
}
