import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import { type ErrorGroup, groupFailures, NO_CODE } from "../../domain/failures";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { Mark, PausedMark } from "../../shared/Mark";
import { ErrorNotice, Loading } from "../../shared/Notices";
import { Panel } from "../../shared/Panel";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";
import { MOST_FAILURES, MOST_OTHERS, type Overview } from "./reads";

const MOST_GROUPS = 12;

/** What somebody should look at: failures by their cause, lost workers, rules that hold jobs back, overdue jobs. */
export function Attention({ overview }: { overview: Overview }) {
  const { failures, lost, types, overdue, pools } = overview;
  const others: ReactNode[] = [
    ...(pools.data?.pools ?? [])
      .filter((pool) => pool.paused || pool.fault !== "")
      .map((pool) => (
        <Row key={`pool ${pool.name}`}>
          <TextLink to="/pools" search={{ pool: pool.name }}>
            pool {plain(pool.name)}
          </TextLink>{" "}
          {pool.paused ? <PausedMark change={pool.changes.paused} /> : null}
          {pool.fault === "" ? null : (
            <Mark icon="warning" tone="bad">
              {plain(pool.fault)}
            </Mark>
          )}
        </Row>
      )),
    ...(types.data?.types ?? [])
      .filter((type) => type.paused)
      .map((type) => (
        <Row key={`type ${type.type}`}>
          <TextLink to="/types" search={{ type: type.type }}>
            type {plain(type.type)}
          </TextLink>{" "}
          <PausedMark change={type.changes.paused} />
        </Row>
      )),
    ...(lost.data?.workers ?? []).map((worker) => (
      <Row key={`worker ${worker.pool}/${worker.worker_id}`}>
        <Mark icon="failed" tone="bad">
          LOST
        </Mark>{" "}
        <TextLink to="/workers" search={{ worker: `${worker.pool}/${worker.worker_id}` }}>
          worker {plain(`${worker.pool}/${worker.worker_id}`)}
        </TextLink>
        , last heartbeat <Ago at={worker.heartbeat_at} />
      </Row>
    )),
  ];
  const late = overdue.data?.jobs.length ?? 0;
  if (late > 0) {
    others.push(
      <Row key="overdue">
        <Mark icon="clock" tone="wait">
          overdue
        </Mark>{" "}
        <TextLink to="/jobs" search={{ state: "RUNNING", overdue: "true" }}>
          {late === 1 && overdue.data?.cursor == null
            ? "1 running job takes longer than its estimate"
            : `${late}${overdue.data?.cursor == null ? "" : " or more"} running jobs take longer than their estimates`}
        </TextLink>
      </Row>,
    );
  }
  return (
    <Panel title="Needs attention" aside={<TextLink to="/failures">failures by cause</TextLink>}>
      {[failures, lost, types, overdue]
        .filter((query) => query.isError)
        .map((query) => (
          <ErrorNotice key={String(query.error)} error={query.error} onRetry={() => void query.refetch()} />
        ))}
      {failures.data === undefined ? (
        failures.isError ? null : (
          <Loading lines={4} />
        )
      ) : (
        <Failures
          groups={groupFailures(failures.data.jobs)}
          looked={failures.data.jobs.length}
          isWhole={failures.data.cursor === null}
          hasOthers={others.length > 0}
        />
      )}
      {others.length === 0 ? null : (
        <>
          <Typography component="h3" variant="h3" sx={{ mt: 2, mb: 1 }}>
            Workers, rules and late jobs
          </Typography>
          <Rows label="workers, rules and late jobs">{others}</Rows>
          {lost.data?.cursor == null ? null : (
            <TextLink to="/workers" search={{ state: "LOST" }}>
              more than {MOST_OTHERS} lost workers
            </TextLink>
          )}
        </>
      )}
    </Panel>
  );
}

function Failures({
  groups,
  looked,
  isWhole,
  hasOthers,
}: {
  groups: readonly ErrorGroup[];
  looked: number;
  isWhole: boolean;
  hasOthers: boolean;
}) {
  if (groups.length === 0) {
    return (
      <Mark icon="done" tone="good">
        {hasOthers ? "no job has failed" : "nothing needs attention"}
      </Mark>
    );
  }
  return (
    <>
      <Typography component="h3" variant="h3" sx={{ mb: 1 }}>
        Failed jobs by type and error
      </Typography>
      <Rows label="failed jobs by type and error">
        {groups.slice(0, MOST_GROUPS).map((group) => (
          <Row key={`${group.type} ${group.code}`}>
            <GroupLine group={group} />
          </Row>
        ))}
      </Rows>
      <Typography component="p" variant="caption" color="text.secondary" sx={{ mt: 1 }}>
        {isWhole
          ? looked === 1
            ? "The only failed job that is kept. "
            : `All ${looked.toLocaleString("en")} failed jobs that are kept. `
          : `The newest ${Math.max(looked, 1).toLocaleString("en")} of the failed jobs, at most ${MOST_FAILURES}. `}
        {groups.length > MOST_GROUPS ? `${counted(groups.length - MOST_GROUPS, "more group")}. ` : ""}
        <TextLink to="/jobs" search={{ state: "FAILED,TIMED_OUT" }}>
          all failed jobs
        </TextLink>
      </Typography>
    </>
  );
}

function GroupLine({ group }: { group: ErrorGroup }) {
  const search = {
    state: "FAILED,TIMED_OUT",
    type: group.type,
    ...(group.code === NO_CODE ? {} : { error: group.code }),
  };
  return (
    <>
      <Mark icon="failed" tone="bad">
        {group.count.toLocaleString("en")} failed
      </Mark>{" "}
      <TextLink to="/jobs" search={search}>
        {plain(group.type)}: {plain(group.code)}
      </TextLink>
      <Box component="span" sx={{ color: "text.secondary" }}>
        {" "}
        last <Ago at={group.last} />
        {group.workflows === 0 ? "" : ` in ${counted(group.workflows, "workflow")}`}
      </Box>
      <Box sx={{ color: "text.secondary", fontSize: "0.85rem", overflowWrap: "anywhere" }}>
        {plain(shortened(group.sampleMessage, 160))}{" "}
        <TextLink to="/jobs/$jobId" params={{ jobId: group.sampleId }}>
          latest such job
        </TextLink>
      </Box>
    </>
  );
}

function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Box component="ul" aria-label={label} sx={{ m: 0, p: 0, display: "grid", gap: 1 }}>
      {children}
    </Box>
  );
}

function Row({ children }: { children: ReactNode }) {
  return (
    <Box component="li" sx={{ listStyle: "none", minWidth: 0, overflowWrap: "anywhere" }}>
      {children}
    </Box>
  );
}
