/** What the caller may do here. */

import { answerOf } from "./client";
import { useApi } from "./context";
import { useLive } from "./live";
import type { components } from "./schema";

export type Me = components["schemas"]["MeOut"];

/** The roles, each with what it may do beside what the ones before it may. */
export const ROLES = ["viewer", "client", "operator"] as const;

export type Role = (typeof ROLES)[number];

/** Reads who the caller is; undefined until the API has answered. */
export function useMe(): Me | undefined {
  const api = useApi();
  return useLive({
    key: ["me"],
    read: (signal) => answerOf(api.GET("/v1/me", { signal })),
    // A role changes seldom. It is read again when somebody comes back to the tab, and after each act.
    isFinal: () => true,
  }).data;
}

/** Returns why the caller may not do what needs `role`; null where it may, or where nobody knows yet. */
export function useForbidden(role: Role): string | null {
  const me = useMe();
  if (me === undefined) return null;
  const has = ROLES.indexOf(me.role as Role);
  return has >= ROLES.indexOf(role) ? null : `your role is ${me.role}; this needs the role ${role}`;
}
