import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import type { ReactNode } from "react";
import type { FailureGroup } from "../../domain/failureGroups";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { Mark, PausedMark } from "../../shared/Mark";
import { Loading, ReadNotice } from "../../shared/Notices";
import { Panel } from "../../shared/Panel";
import { TextLink } from "../../shared/TextLink";
import { Ago } from "../../shared/Time";
import type { Failures } from "../failures/useFailures";
import { FAILED_SINCE, MOST_OTHERS, type Overview } from "./reads";

const MOST_GROUPS = 12;
const STATES = "FAILED,TIMED_OUT";

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
      <ReadNotice query={failures} />
      <ReadNotice query={lost} />
      <ReadNotice query={types} />
      <ReadNotice query={overdue} />
      {failures.data === undefined ? (
        failures.isError ? null : (
          <Loading lines={4} />
        )
      ) : (
        <FailedGroups failures={failures.data} hasOthers={others.length > 0} />
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

function FailedGroups({ failures, hasOthers }: { failures: Failures; hasOthers: boolean }) {
  const { groups: all, isWhole } = failures;
  const groups = all.filter((group) => group.muted === null);
  const muted = all.length - groups.length;
  const jobs = groups.reduce((sum, group) => sum + group.count, 0);
  return (
    <>
      {groups.length > 0 ? (
        <>
          <Typography component="h3" variant="h3" sx={{ mb: 1 }}>
            Failed jobs by cause
          </Typography>
          <Rows label="failed jobs by cause">
            {groups.slice(0, MOST_GROUPS).map((group) => (
              <Row key={group.fingerprint}>
                <GroupLine group={group} isWhole={isWhole} />
              </Row>
            ))}
          </Rows>
        </>
      ) : isWhole ? (
        <Mark icon="done" tone="good">
          {hasOthers || muted > 0 ? "" : "nothing needs attention: "}
          no {muted > 0 ? "other " : ""}job has failed in the last {FAILED_SINCE}
        </Mark>
      ) : null}
      {all.length === 0 && isWhole ? null : (
        <Typography component="p" variant="caption" color="text.secondary" sx={{ mt: 1 }}>
          {isWhole ? "" : "The newest "}
          {counted(jobs, "job")} in {counted(groups.length, "group")}, of the last {FAILED_SINCE}
          {isWhole ? "" : "; there are earlier ones"}
          {muted === 0 ? "" : `; ${counted(muted, "muted group")} left out`}.{" "}
          {groups.length > MOST_GROUPS ? `${counted(groups.length - MOST_GROUPS, "more group")}. ` : ""}
          <TextLink to="/jobs" search={{ state: STATES }}>
            all failed jobs
          </TextLink>
        </Typography>
      )}
    </>
  );
}

function GroupLine({ group, isWhole }: { group: FailureGroup; isWhole: boolean }) {
  const latest = group.job_ids[0];
  return (
    <>
      <Mark icon="failed" tone="bad">
        {isWhole ? "" : "at least "}
        {group.count.toLocaleString("en")} failed
      </Mark>{" "}
      <TextLink to="/jobs" search={{ state: STATES, failure: group.fingerprint, since: FAILED_SINCE }}>
        {plain(group.type)}: {plain(group.code ?? "no code")}
      </TextLink>
      <Box component="span" sx={{ color: "text.secondary" }}>
        {" "}
        last <Ago at={group.last_at} />
        {group.workflow_count === 0
          ? ""
          : ` in ${isWhole ? "" : "at least "}${counted(group.workflow_count, "workflow")}`}
      </Box>
      <Box sx={{ color: "text.secondary", fontSize: "0.85rem", overflowWrap: "anywhere" }}>
        {plain(shortened(group.pattern, 160)) || "no message"}{" "}
        {latest === undefined ? null : (
          <TextLink to="/jobs/$jobId" params={{ jobId: latest }}>
            latest such job
          </TextLink>
        )}
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
