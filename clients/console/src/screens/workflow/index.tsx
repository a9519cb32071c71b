import Alert from "@mui/material/Alert";
import Box from "@mui/material/Box";
import Tab from "@mui/material/Tab";
import Tabs from "@mui/material/Tabs";
import { useParams } from "@tanstack/react-router";
import { type ComponentType, lazy, Suspense, useMemo } from "react";
import { ApiProblem } from "../../api/problems";
import { groupJobs } from "../../domain/graph/groups";
import { plain, shortened } from "../../domain/text";
import { Freshness } from "../../shared/Freshness";
import { ErrorNotice, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { TextLink } from "../../shared/TextLink";
import { useAddress } from "../../shared/useAddress";
import { GraphView } from "./GraphView";
import { GroupsView } from "./GroupsView";
import { Header } from "./Header";
import { JobPanel } from "./JobPanel";
import { JobsView } from "./JobsView";
import { useGraph, useProgress, useWorkflow } from "./reads";
import { firstView, jobIn, VIEWS, type ViewName, type ViewProps } from "./view";

const TITLES: Readonly<Record<ViewName, string>> = {
  groups: "Groups",
  map: "Map of all jobs",
  graph: "Jobs as a graph",
  timeline: "Timeline",
  jobs: "List of jobs",
  critical: "Critical path",
};

// The first picture does not wait for the code of views that fewer people open.
const MapView = lazy(async () => ({ default: (await import("./MapView")).MapView }));
const TimelineView = lazy(async () => ({ default: (await import("./TimelineView")).TimelineView }));
const CriticalView = lazy(async () => ({ default: (await import("./CriticalView")).CriticalView }));

const SHOWN: Readonly<Record<ViewName, ComponentType<ViewProps>>> = {
  groups: GroupsView,
  map: MapView,
  graph: GraphView,
  timeline: TimelineView,
  jobs: JobsView,
  critical: CriticalView,
};

/** One workflow. Everything that is kept while it is shown belongs to it alone, so another one begins anew. */
export function WorkflowScreen() {
  const { workflowId = "" } = useParams({ strict: false });
  return <OneWorkflow key={workflowId} workflowId={workflowId} />;
}

function OneWorkflow({ workflowId }: { workflowId: string }) {
  const address = useAddress();
  const workflow = useWorkflow(workflowId);
  const graph = useGraph(workflowId);
  const progress = useProgress(workflowId);
  const grouping = useMemo(
    () => (graph.data === undefined ? undefined : groupJobs(graph.data)),
    [graph.data],
  );
  const title =
    workflow.data === undefined ? workflowId : shortened(plain(workflow.data.name ?? workflowId), 120);
  // What has an answer hides its error, so only the error of one without an answer stands in for the grey lines.
  const saysWhy = [workflow, progress].some((read) => read.data === undefined && read.isError);
  const select = (job: number) => address.change({ job: String(job) });
  return (
    <Page title={title} aside={<Freshness query={progress} />}>
      <ReadNotice query={workflow} />
      <ReadNotice query={progress} />
      {workflow.data === undefined || progress.data === undefined ? (
        saysWhy ? null : (
          <Loading />
        )
      ) : (
        <Header workflow={workflow.data} graph={graph.data} progress={progress.data} select={select} />
      )}
      {graph.error === null ? null : <NoGraph workflowId={workflowId} error={graph.error} />}
      {graph.data === undefined || grouping === undefined || progress.data === undefined ? null : (
        <Views
          graph={graph.data}
          grouping={grouping}
          progress={progress.data}
          address={address}
          job={jobIn(graph.data, address.search.job)}
          select={select}
        />
      )}
    </Page>
  );
}

/** Workflows of releases that stored no graph still have their jobs. */
function NoGraph({ workflowId, error }: { workflowId: string; error: Error }) {
  if (!(error instanceof ApiProblem) || error.status !== 404) return <ErrorNotice error={error} />;
  return (
    <Alert severity="info">
      No graph is stored of this workflow.{" "}
      <TextLink to="/jobs" search={{ workflow: workflowId }}>
        List its jobs
      </TextLink>
    </Alert>
  );
}

function Views(props: ViewProps) {
  const { graph, grouping, address, job } = props;
  const view =
    VIEWS.find((each) => each === address.search.view) ??
    (address.search.around === undefined ? firstView(graph.count, grouping.groups.length) : "graph");
  const Shown = SHOWN[view];
  return (
    <>
      <Tabs
        value={view}
        onChange={(_, next: ViewName) => address.change({ view: next })}
        variant="scrollable"
        allowScrollButtonsMobile
        aria-label="views of the workflow"
      >
        {VIEWS.map((each) => (
          <Tab
            key={each}
            value={each}
            label={TITLES[each]}
            sx={{ textTransform: "none" }}
            id={`tab-${each}`}
            aria-controls={each === view ? "view" : undefined}
          />
        ))}
      </Tabs>
      <Box
        sx={{
          display: "grid",
          gap: 2,
          alignItems: "start",
          gridTemplateColumns:
            job === null ? "minmax(0, 1fr)" : { xs: "minmax(0, 1fr)", lg: "minmax(0, 1fr) 380px" },
        }}
      >
        {job === null ? null : <JobPanel key={job} {...props} job={job} />}
        <Box
          role="tabpanel"
          id="view"
          aria-labelledby={`tab-${view}`}
          sx={{
            display: "flex",
            flexDirection: "column",
            gap: 2,
            minWidth: 0,
            gridColumn: { lg: 1 },
            gridRow: { lg: 1 },
          }}
        >
          <Suspense fallback={<Loading />}>
            <Shown {...props} />
          </Suspense>
        </Box>
      </Box>
    </>
  );
}
