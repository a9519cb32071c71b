import type { components } from "../../api/schema";
import { Mark } from "../../shared/Mark";
import { StateMark } from "../../shared/StateMark";

export type Run = components["schemas"]["TimetableRunOut"];

/** How a run ended or stands: the state of what it submitted, or why it submitted nothing. */
export function RunMark({ run }: { run: Run }) {
  switch (run.outcome) {
    case "refused":
      return (
        <Mark icon="failed" tone="bad">
          refused
        </Mark>
      );
    case "missed":
      return (
        <Mark icon="warning" tone="wait">
          {run.count > 1 ? `${run.count.toLocaleString("en")} missed` : "missed"}
        </Mark>
      );
    case "skipped":
      return (
        <Mark icon="skipped" tone="quiet">
          skipped, the run before was going on
        </Mark>
      );
    default:
      return run.state === null ? <>submitted, gone by now</> : <StateMark state={run.state} />;
  }
}
