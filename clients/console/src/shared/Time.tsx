import { relativeText, timeText, zoneName } from "../domain/times";
import { useNow } from "./now";
import { useSettings } from "./settings";

/** A time in the chosen zone, which is named, with how long ago it is beside it. */
export function Time({ at, relative = true }: { at: string | null | undefined; relative?: boolean }) {
  const { zone } = useSettings();
  const nowMs = useNow();
  if (at == null) return <span>-</span>;
  const text = `${timeText(at, zone)} ${zoneName(zone)}`;
  return (
    <time dateTime={at} title={text} style={{ whiteSpace: "nowrap" }}>
      {text}
      {relative ? ` (${relativeText(at, nowMs)})` : null}
    </time>
  );
}

/** How long ago a time is; the time itself in the chosen zone is its title. */
export function Ago({ at }: { at: string | null | undefined }) {
  const { zone } = useSettings();
  const nowMs = useNow();
  if (at == null) return <span>-</span>;
  return (
    <time dateTime={at} title={`${timeText(at, zone)} ${zoneName(zone)}`} style={{ whiteSpace: "nowrap" }}>
      {relativeText(at, nowMs)}
    </time>
  );
}
