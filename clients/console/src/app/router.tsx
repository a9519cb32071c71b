/** Which screen stands at which address. Filters, sorting and the open panel are parts of the address. */

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { ErrorNotice } from "../shared/Notices";
import { Page } from "../shared/Page";
import { TextLink } from "../shared/TextLink";
import { Shell } from "./Shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Page title="Not found">
      Nothing stands at this address. <TextLink to="/">Go to the overview</TextLink>
    </Page>
  ),
  errorComponent: ({ error, reset }) => <ErrorNotice error={error} onRetry={reset} />,
});

/** Search parameters as texts; a screen reads the ones that it knows and ignores the others. */
function texts(search: Record<string, unknown>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(search)) {
    if (value !== null && value !== undefined && typeof value !== "object") found[name] = String(value);
  }
  return found;
}

const at = <P extends string>(path: P, load: () => Promise<Record<string, unknown>>, name: string) =>
  createRoute({
    getParentRoute: () => root,
    path,
    validateSearch: texts,
    component: lazyRouteComponent(load as () => Promise<Record<string, never>>, name as never),
  });

const routes = [
  at("/", () => import("../screens/overview"), "OverviewScreen"),
  at("/jobs", () => import("../screens/jobs"), "JobsScreen"),
  at("/jobs/$jobId", () => import("../screens/job"), "JobScreen"),
  at("/workflows", () => import("../screens/workflows"), "WorkflowsScreen"),
  at("/workflows/$workflowId", () => import("../screens/workflow"), "WorkflowScreen"),
  at("/timetables", () => import("../screens/timetables"), "TimetablesScreen"),
  at("/timetables/new", () => import("../screens/timetables/NewTimetable"), "NewTimetableScreen"),
  at("/timetables/$timetableId", () => import("../screens/timetable"), "TimetableScreen"),
  at("/failures", () => import("../screens/failures"), "FailuresScreen"),
  at("/stats", () => import("../screens/statistics"), "StatisticsScreen"),
  at("/pools", () => import("../screens/pools"), "PoolsScreen"),
  at("/types", () => import("../screens/types"), "TypesScreen"),
  at("/workers", () => import("../screens/workers"), "WorkersScreen"),
  at("/webhooks", () => import("../screens/webhooks"), "WebhooksScreen"),
  at("/audit", () => import("../screens/audit"), "AuditScreen"),
  at("/submit", () => import("../screens/submit"), "SubmitScreen"),
  at("/settings", () => import("../screens/settings"), "SettingsScreen"),
] as const;

/** Makes the router for a page whose base is `basePath`, such as `/live/console`. */
export function makeRouter(basePath: string) {
  return createRouter({
    routeTree: root.addChildren([...routes]),
    basepath: basePath,
    defaultPreload: false,
    scrollRestoration: true,
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const parameters = new URLSearchParams();
      for (const [name, value] of Object.entries(search)) {
        if (value !== undefined && value !== null && value !== "") parameters.set(name, String(value));
      }
      const text = parameters.toString();
      return text === "" ? "" : `?${text}`;
    },
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
