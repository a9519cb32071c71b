/** The screens that are looked at by axe and for pictures, with ids of what stands in the deployment. */

export interface Ids {
  readonly workflow: string;
  readonly job: string;
}

export function screens(ids: Ids): readonly (readonly [string, string])[] {
  return [
    ["overview", ""],
    ["jobs", "jobs"],
    ["jobs-panel", `jobs?state=FAILED,SUCCEEDED&job=${ids.job}`],
    ["job", `jobs/${ids.job}`],
    ["workflows", "workflows"],
    ["workflow", `workflows/${ids.workflow}`],
    ["workflow-map", `workflows/${ids.workflow}?view=map`],
    ["workflow-jobs", `workflows/${ids.workflow}?view=jobs`],
    ["workflow-timeline", `workflows/${ids.workflow}?view=timeline`],
    ["timetables", "timetables"],
    ["timetable-new", "timetables/new"],
    ["failures", "failures"],
    ["statistics", "stats"],
    ["statistics-types", "stats?by=type&order=run_seconds_p99"],
    ["pools", "pools"],
    ["types", "types"],
    ["workers", "workers"],
    ["webhooks", "webhooks"],
    ["audit", "audit"],
    ["submit", "submit"],
    ["submit-workflow", "submit?as=workflow"],
    ["settings", "settings"],
  ];
}

export const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;
export const SCHEMES = ["light", "dark"] as const;
