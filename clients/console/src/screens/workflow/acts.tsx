import Alert from "@mui/material/Alert";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { Graph } from "../../domain/graph/graph";
import { typesIn } from "../../domain/graph/list";
import { isMoving, type Progress } from "../../domain/graph/progress";
import { counted } from "../../domain/numbers";
import { type Portions, sumOf } from "../../domain/portions";
import { JOB_STATES, REOPENABLE } from "../../domain/states";
import { plain } from "../../domain/text";
import { ActButton } from "../../shared/ActButton";
import { ErrorNotice, Loading } from "../../shared/Notices";
import { cancelWorkflow, holdWorkflow, rerunWorkflow } from "./calls";

/** Shows what an act would do, as the API itself says when it is asked without doing it. */
function Foreseen<T>({
  name,
  look,
  tell,
}: {
  name: readonly string[];
  look: () => Promise<Portions<T>>;
  tell: (portions: Portions<T>, atLeast: string) => ReactNode;
}) {
  const foreseen = useQuery({
    queryKey: ["foreseen", ...name],
    queryFn: look,
    // Asked once for each time that the dialog opens, and not again behind the act while it closes.
    staleTime: "static",
    gcTime: 0,
  });
  if (foreseen.error !== null) return <ErrorNotice error={foreseen.error} />;
  if (foreseen.data === undefined) return <Loading lines={2} />;
  return <>{tell(foreseen.data, foreseen.data.complete ? "" : "at least ")}</>;
}

interface RerunProps {
  readonly workflowId: string;
  readonly graph: Graph | undefined;
  readonly progress: Progress;
}

const MOST_TYPES = 6;

function RerunForeseen({ workflowId, graph, progress }: RerunProps) {
  const api = useApi();
  const types = graph === undefined ? [] : typesIn(graph, progress.letters, REOPENABLE);
  const more = types.length - MOST_TYPES;
  const now = JOB_STATES.filter((state) => REOPENABLE.has(state) && (progress.counts[state] ?? 0) > 0)
    .map((state) => `${(progress.counts[state] ?? 0).toLocaleString("en")} ${state}`)
    .join(", ");
  return (
    <Foreseen
      name={["rerun", workflowId]}
      look={() => rerunWorkflow(api, workflowId, true)}
      tell={(portions, atLeast) => {
        const atLimit = sumOf(portions, (answer) => answer.left_at_limit);
        const without = sumOf(portions, (answer) => answer.left_without_upstream);
        return (
          <>
            <p>
              This opens {atLeast}
              <strong>
                {counted(
                  sumOf(portions, (answer) => answer.reopened),
                  "job",
                )}
              </strong>{" "}
              again. Ended without success: {now || "none"}. Jobs that SUCCEEDED stay as they are.
            </p>
            {types.length === 0 ? null : (
              <p>
                By type:{" "}
                {types
                  .slice(0, MOST_TYPES)
                  .map(([type, count]) => `${plain(type)} ${count.toLocaleString("en")}`)
                  .join(", ")}
                {more > 0 ? `, and ${counted(more, "more type")}` : ""}.
              </p>
            )}
            {atLimit === 0 ? null : (
              <Alert severity="warning">
                Left, because reopened as often as is allowed: {counted(atLimit, "job")}.
              </Alert>
            )}
            {without === 0 ? null : (
              <Alert severity="warning">
                Left SKIPPED, because an upstream has passed its retention: {counted(without, "job")}.
              </Alert>
            )}
          </>
        );
      }}
    />
  );
}

function CancelForeseen({ workflowId }: { workflowId: string }) {
  const api = useApi();
  return (
    <Foreseen
      name={["cancel", workflowId]}
      look={() => cancelWorkflow(api, workflowId, true)}
      tell={(portions, atLeast) => {
        const asked = sumOf(portions, (answer) => answer.asked);
        const ended = sumOf(portions, (answer) => answer.ended);
        return (
          <p>
            This cancels {atLeast}
            <strong>
              {counted(
                sumOf(portions, (answer) => answer.cancelled),
                "job",
              )}
            </strong>{" "}
            at once
            {asked === 0 ? null : (
              <>
                , and asks the workers of {atLeast}
                <strong>{counted(asked, "job")}</strong> to stop
              </>
            )}
            .{ended === 0 ? "" : ` It leaves ${counted(ended, "job")} that ended.`}
          </p>
        );
      }}
    />
  );
}

async function whole<T>(act: Promise<Portions<T>>): Promise<void> {
  const done = await act;
  if (!done.complete)
    throw new Error("A part is done, and a part is left. Do it again to go on with the rest.");
}

/** What may be done with the workflow now: each act with its reason where it is not possible. */
export function Acts({ workflowId, graph, progress }: RerunProps) {
  const api = useApi();
  const forbidden = useForbidden("client");
  const held = progress.state === "HELD";
  const ended = isMoving(progress.state) ? null : "all of its jobs have ended";
  const reopenable = JOB_STATES.some((state) => REOPENABLE.has(state) && (progress.counts[state] ?? 0) > 0);
  return (
    <>
      <ActButton
        label={held ? "Take off hold" : "Hold"}
        impossible={forbidden ?? ended}
        run={() => whole(holdWorkflow(api, workflowId, !held))}
      />
      <ActButton
        label="Rerun from failures"
        impossible={forbidden ?? (reopenable ? null : "no job of it has ended without success")}
        ask={{
          title: "Rerun from the failures?",
          content: () => <RerunForeseen workflowId={workflowId} graph={graph} progress={progress} />,
          confirm: "Rerun",
        }}
        run={() => whole(rerunWorkflow(api, workflowId, false))}
      />
      <ActButton
        label="Cancel"
        color="error"
        impossible={forbidden ?? ended}
        ask={{
          title: "Cancel the workflow?",
          content: () => <CancelForeseen workflowId={workflowId} />,
          confirm: "Cancel its jobs",
        }}
        run={() => whole(cancelWorkflow(api, workflowId, false))}
      />
    </>
  );
}
