import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { useId, useState } from "react";
import { useForbidden } from "../../api/me";
import { type FailureGroup, NO_CODE } from "../../domain/failures";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { Mark } from "../../shared/Mark";
import { ReasonedButton } from "../../shared/ReasonedButton";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";
import { BulkDialog, type Scope } from "../jobs/BulkDialog";
import { Bars } from "./Bars";

const MOST_CAUSES = 3;
const MOST_WORKFLOWS = 3;
const STATES = "FAILED,TIMED_OUT";

export interface GroupProps {
  readonly group: FailureGroup;
  readonly since: string;
  readonly sinceMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly isWhole: boolean;
}

/** Returns the jobs that a retry of the group is for. A filter can't name jobs without a code, so these have ids. */
function scopeOf({ group, fromMs }: GroupProps): Scope {
  if (group.code === NO_CODE) return { ids: group.jobIds };
  return {
    filter: {
      state: STATES,
      type: group.type,
      error: group.code,
      from: new Date(fromMs).toISOString(),
    },
  };
}

/** One cause of failures: how many, when, what was said, in which workflows, and what may be done about it. */
export function GroupCard(props: GroupProps) {
  const { group, since, isWhole } = props;
  const titleId = useId();
  const [scope, setScope] = useState<Scope | null>(null);
  const forbidden = useForbidden("client");
  const name = `${plain(group.type)}: ${plain(group.code)}`;
  const search = {
    state: STATES,
    type: group.type,
    since,
    order: "newest",
    ...(group.code === NO_CODE ? {} : { error: group.code }),
  };
  return (
    <Paper component="article" variant="outlined" aria-labelledby={titleId} sx={{ p: 2, minWidth: 0 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, justifyContent: "space-between" }}>
        <Box sx={{ minWidth: 0, flex: "1 1 300px" }}>
          <Typography component="h2" variant="h2" id={titleId} sx={{ overflowWrap: "anywhere" }}>
            {name}
          </Typography>
          <Box sx={{ mt: 0.5 }}>
            <Mark icon="failed" tone="bad">
              {isWhole ? "" : "at least "}
              {group.count.toLocaleString("en")} failed
            </Mark>
            <Box component="span" sx={{ color: "text.secondary" }}>
              {" "}
              last <Ago at={group.last} />, {isWhole ? "first" : "earliest seen"} <Ago at={group.first} />
            </Box>
          </Box>
          <Affected affected={group.affected} />
        </Box>
        <Bars timesMs={group.timesMs} fromMs={props.fromMs} toMs={props.toMs} sinceMs={props.sinceMs} />
      </Box>
      <Causes group={group} />
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 2, alignItems: "center", mt: 1.5 }}>
        <ReasonedButton impossible={forbidden} onClick={() => setScope(scopeOf(props))}>
          Retry all of them…
        </ReasonedButton>
        <TextLink to="/jobs" search={search} aria-label={`see the jobs of ${name}`}>
          see the jobs
        </TextLink>
      </Box>
      {scope === null ? null : (
        <BulkDialog
          act="retry"
          scope={scope}
          title={`Retry the jobs of ${name} that failed in the last ${since}`}
          onClose={() => setScope(null)}
        />
      )}
    </Paper>
  );
}

function Affected({ affected }: Pick<FailureGroup, "affected">) {
  if (affected.length === 0) return <Box sx={{ color: "text.secondary" }}>in no workflow</Box>;
  const more = affected.length - MOST_WORKFLOWS;
  return (
    <Box sx={{ color: "text.secondary", overflowWrap: "anywhere" }}>
      in {counted(affected.length, "workflow")}:{" "}
      {affected.slice(0, MOST_WORKFLOWS).map(([id, count], place) => (
        <span key={id}>
          {place === 0 ? "" : ", "}
          <TextLink
            to="/workflows/$workflowId"
            params={{ workflowId: id }}
            search={{ view: "jobs", state: STATES }}
            sx={{ whiteSpace: "nowrap" }}
          >
            …{id.slice(-8)}
          </TextLink>{" "}
          ({count.toLocaleString("en")})
        </span>
      ))}
      {more > 0 ? ` and ${more.toLocaleString("en")} more` : ""}
    </Box>
  );
}

function Causes({ group }: { group: FailureGroup }) {
  const more = group.causes.length - MOST_CAUSES;
  return (
    <Box
      component="ul"
      aria-label="what the jobs said"
      sx={{ m: 0, mt: 1, pl: 2.5, overflowWrap: "anywhere" }}
    >
      {group.causes.slice(0, MOST_CAUSES).map((cause) => (
        <li key={cause.sampleId}>
          {group.causes.length === 1 ? "" : `${cause.count.toLocaleString("en")} × `}
          {cause.message === "" ? "no message" : shortened(plain(cause.message), 240)}{" "}
          <TextLink
            to="/jobs/$jobId"
            params={{ jobId: cause.sampleId }}
            aria-label={`latest such job, ${cause.sampleId}`}
          >
            latest such job
          </TextLink>
        </li>
      ))}
      {more > 0 ? <li>and {counted(more, "other message")}</li> : null}
    </Box>
  );
}
