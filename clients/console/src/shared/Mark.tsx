import Box from "@mui/material/Box";
import type { ReactNode } from "react";
import { plain } from "../domain/text";
import { Icon, type IconName } from "./icons";
import { useStateTone } from "./StateMark";
import { Ago } from "./Time";
import type { STATE_TONES } from "./theme";

// The colours of states have enough contrast for text in light and in dark.
const TONES = {
  good: "SUCCEEDED",
  bad: "FAILED",
  wait: "HELD",
  quiet: "CANCELLED",
} as const satisfies Record<string, keyof typeof STATE_TONES>;

export type Tone = keyof typeof TONES;

/** A condition as icon, word and colour, so that none of them is needed alone. */
export function Mark({ icon, tone, children }: { icon: IconName; tone: Tone; children: ReactNode }) {
  const colour = useStateTone()(TONES[tone]);
  return (
    <Box
      component="span"
      sx={{
        display: "inline-flex",
        alignItems: "center",
        gap: 0.5,
        verticalAlign: "bottom",
        color: colour,
        fontWeight: 600,
      }}
    >
      <Icon name={icon} sx={{ fontSize: "1.1em" }} />
      <span>{children}</span>
    </Box>
  );
}

const WORKER_MARKS = {
  ACTIVE: ["done", "good"],
  DRAINING: ["held", "wait"],
  INACTIVE: ["cancelled", "quiet"],
  LOST: ["failed", "bad"],
} as const satisfies Record<string, readonly [IconName, Tone]>;

/** The state of a worker process. An ACTIVE one that is silent or was asked to drain is said to be so. */
export function WorkerMark({
  worker: { state, live, drain_requested_at: asked },
}: {
  worker: {
    readonly state: keyof typeof WORKER_MARKS;
    readonly live: boolean;
    readonly drain_requested_at: string | null;
  };
}) {
  const [icon, tone] = WORKER_MARKS[state];
  if (state === "ACTIVE" && !live) {
    return (
      <Mark icon="warning" tone="bad">
        ACTIVE, silent
      </Mark>
    );
  }
  if (state === "ACTIVE" && asked !== null) {
    return (
      <Mark icon="held" tone="wait">
        ACTIVE, asked to drain
      </Mark>
    );
  }
  return (
    <Mark icon={icon} tone={tone}>
      {state}
    </Mark>
  );
}

/** That something is paused, with the operator that paused it and when. */
export function PausedMark({
  change,
}: {
  change: { readonly by: string; readonly at: string | null } | null;
}) {
  return (
    <Mark icon="held" tone="wait">
      paused
      {change === null ? null : (
        <>
          {" "}
          by {plain(change.by)} <Ago at={change.at} />
        </>
      )}
    </Mark>
  );
}
