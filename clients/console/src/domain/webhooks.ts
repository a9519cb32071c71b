/** What the console says of webhooks. */

export const EVENT_TYPES = ["job.ended", "workflow.ended", "deadline.at-risk", "worker.lost"] as const;

/** Which events a webhook wants. An empty list wants all. */
export interface Wanted {
  readonly events: readonly string[];
  readonly types: readonly string[];
  readonly pools: readonly string[];
  readonly states: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** Returns the filters of a webhook as a person reads them, such as `job.ended, type load, tag team:data`. */
export function wantedText({ events, types, pools, states, tags }: Wanted): string {
  const each = (word: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${word} ${names.join(" or ")}`];
  return [
    events.length === 0 || events.length === EVENT_TYPES.length ? "all events" : events.join(" or "),
    ...each("type", types),
    ...each("pool", pools),
    ...each("state", states),
    ...Object.entries(tags).map(([name, value]) => `tag ${name}:${value}`),
  ].join(", ");
}

/** Returns the names in a text with commas between them. */
export function namesOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** Returns the tags in a text like `team:data, env:prod`. Throws an error that names a tag without a colon. */
export function tagsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    namesOf(text).map((tag) => {
      const colon = tag.indexOf(":");
      if (colon < 1) throw new Error(`tags: write ${tag} as name:value`);
      return [tag.slice(0, colon), tag.slice(colon + 1)];
    }),
  );
}
