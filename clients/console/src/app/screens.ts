/** The screens of the console: where each stands, and the key that goes there after `g`. */

import type { IconName } from "../shared/icons";

export interface Screen {
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  readonly key: string;
}

export const SCREENS: readonly Screen[] = [
  { path: "/", title: "Overview", icon: "overview", key: "o" },
  { path: "/jobs", title: "Jobs", icon: "jobs", key: "j" },
  { path: "/workflows", title: "Workflows", icon: "workflows", key: "f" },
  { path: "/failures", title: "Failures", icon: "failed", key: "e" },
  { path: "/timetables", title: "Timetables", icon: "clock", key: "m" },
  { path: "/stats", title: "Statistics", icon: "statistics", key: "i" },
  { path: "/pools", title: "Pools", icon: "pools", key: "p" },
  { path: "/types", title: "Types", icon: "types", key: "t" },
  { path: "/workers", title: "Workers", icon: "workers", key: "w" },
  { path: "/webhooks", title: "Webhooks", icon: "webhooks", key: "h" },
  { path: "/audit", title: "Audit", icon: "audit", key: "a" },
  { path: "/submit", title: "Submit", icon: "submit", key: "s" },
  { path: "/settings", title: "Settings", icon: "settings", key: "," },
];
