import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useId, useState } from "react";
import { useForbidden } from "../../api/me";
import type { FailureGroup } from "../../domain/failureGroups";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { durationText } from "../../domain/times";
import { Bars } from "../../shared/Bars";
import { Mark } from "../../shared/Mark";
import { ReasonedButton } from "../../shared/ReasonedButton";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";
import { BulkDialog } from "../jobs/BulkDialog";
import { Mute } from "./Mute";

const MOST_WORKFLOWS = 3;
const STATES = "FAILED,TIMED_OUT";

export interface GroupProps {
  readonly group: FailureGroup;
  readonly since: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly isWhole: boolean;
  /** False where the group may be of several pages, which name only some of their workflows. */
  readonly isOnePage: boolean;
}

/** One cause of failures: how many, when, what was said, in which workflows, and what may be done about it. */
export function GroupCard({ group, since, fromMs, toMs, isWhole, isOnePage }: GroupProps) {
  const titleId = useId();
  const [isRetried, setIsRetried] = useState(false);
  const forbidden = useForbidden("client");
  const name = plain(`${group.type}: ${group.code ?? "no code"}`);
  const pattern = shortened(plain(group.pattern), 240);
  const latest = group.job_ids[0];
  return (
    <Paper component="article" variant="outlined" aria-labelledby={titleId} sx={{ p: 2, minWidth: 0 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, justifyContent: "space-between" }}>
        <Box sx={{ minWidth: 0, flex: "1 1 300px", overflowWrap: "anywhere" }}>
          <Typography component="h2" variant="h2" id={titleId}>
            {name}
          </Typography>
          <Box sx={{ my: 0.5 }}>{pattern || "no message"}</Box>
          <Mark icon="failed" tone="bad">
            {isWhole ? "" : "at least "}
            {group.count.toLocaleString("en")} failed
          </Mark>
          <Box component="span" sx={{ color: "text.secondary" }}>
            {" "}
            last <Ago at={group.last_at} />, {isWhole ? "first" : "earliest seen"} <Ago at={group.first_at} />
          </Box>
          <Affected group={group} isWhole={isWhole && isOnePage} />
        </Box>
        <Over group={group} seconds={(toMs - fromMs) / 1000} />
      </Box>
      {latest === undefined ? null : (
        <Box sx={{ mt: 1, overflowWrap: "anywhere" }}>
          {group.message === group.pattern ? "" : `${shortened(plain(group.message), 240)} `}
          <TextLink to="/jobs/$jobId" params={{ jobId: latest }} aria-label={`latest such job, ${latest}`}>
            latest such job
          </TextLink>
        </Box>
      )}
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, alignItems: "center", mt: 1.5 }}>
        <ReasonedButton impossible={forbidden} onClick={() => setIsRetried(true)}>
          Retry all of them…
        </ReasonedButton>
        <Mute group={group} name={name} />
        <TextLink
          to="/jobs"
          search={{ state: STATES, failure: group.fingerprint, since, order: "newest" }}
          aria-label={`see the jobs of ${name}, ${pattern}`}
        >
          see the jobs
        </TextLink>
      </Box>
      {isRetried ? (
        <BulkDialog
          act="retry"
          scope={{
            filter: {
              state: STATES,
              failure: group.fingerprint,
              type: group.type,
              from: new Date(fromMs).toISOString(),
            },
          }}
          title={`Retry the jobs of ${name} that failed in the last ${since}`}
          onClose={() => setIsRetried(false)}
        />
      ) : null}
    </Paper>
  );
}

/** The failures of the group over the time that is looked at, as bars. */
function Over({ group: { over_time }, seconds }: { group: FailureGroup; seconds: number }) {
  const most = Math.max(1, ...over_time);
  const step = seconds / Math.max(1, over_time.length);
  const back = durationText(Math.round((over_time.length - 1 - over_time.lastIndexOf(most)) * step));
  const all = durationText(Math.round(seconds));
  return (
    <Bars
      bars={over_time.map((count) => ({ all: count, failed: count }))}
      says={`failures over the last ${all}, ${durationText(Math.round(step))} a bar; most: ${most} in the bar of ${back} ago`}
      from={`${all} ago`}
      to="now"
    />
  );
}

function Affected({
  group: { workflows, workflow_count },
  isWhole,
}: {
  group: FailureGroup;
  isWhole: boolean;
}) {
  if (workflow_count === 0) return <Box sx={{ color: "text.secondary" }}>in no workflow</Box>;
  const more = workflow_count - Math.min(MOST_WORKFLOWS, workflows.length);
  return (
    <Box sx={{ color: "text.secondary" }}>
      in {isWhole ? "" : "at least "}
      {counted(workflow_count, "workflow")}:{" "}
      {workflows.slice(0, MOST_WORKFLOWS).map(({ workflow_id, jobs }, place) => (
        <span key={workflow_id}>
          {place === 0 ? "" : ", "}
          <TextLink
            to="/workflows/$workflowId"
            params={{ workflowId: workflow_id }}
            search={{ view: "jobs", state: STATES }}
            sx={{ whiteSpace: "nowrap" }}
          >
            …{workflow_id.slice(-8)}
          </TextLink>{" "}
          ({jobs.toLocaleString("en")})
        </span>
      ))}
      {more > 0 ? ` and ${more.toLocaleString("en")} more` : ""}
    </Box>
  );
}
