import { percentText, VERDICTS, type Verdict } from "../domain/forecast";
import { timeText, zoneName } from "../domain/times";
import type { IconName } from "./icons";
import { Mark, type Tone } from "./Mark";
import { useSettings } from "./settings";
import { Ago } from "./Time";

const MARKS = {
  "on-course": ["done", "good"],
  "at-risk": ["clock", "wait"],
  impossible: ["failed", "bad"],
  missed: ["failed", "bad"],
} as const satisfies Record<Verdict, readonly [IconName, Tone]>;

/** The verdicts as the choices of a filter, with one that leaves it off. */
export const VERDICT_CHOICES: readonly (readonly [string, string])[] = [
  ["", "any"],
  ...VERDICTS.map((verdict) => [verdict, wordsOf(verdict)] as const),
];

function wordsOf(verdict: Verdict): string {
  return verdict.replace("-", " ");
}

/** A verdict about a time to finish by, as icon, words and colour. */
export function VerdictMark({ verdict }: { verdict: Verdict }) {
  const [icon, tone] = MARKS[verdict];
  return (
    <Mark icon={icon} tone={tone}>
      {wordsOf(verdict)}
    </Mark>
  );
}

/** What a list shows about the time to finish by of a job or a workflow. */
export interface Timed {
  readonly finish_by: string | null;
  readonly judgement: {
    readonly verdict: Verdict;
    readonly probability: number;
    readonly judged_at: string | null;
  } | null;
}

/** The verdict that was noted last, with the time as title; how far the time is away where nothing is known about it. */
export function FinishByCell({ row }: { row: Timed }) {
  const { zone } = useSettings();
  if (row.finish_by === null || row.judgement === null) return <Ago at={row.finish_by} />;
  const at = `${timeText(row.finish_by, zone)} ${zoneName(zone)}`;
  const { verdict, probability } = row.judgement;
  const odds = verdict === "missed" ? "" : `, with a probability of ${percentText(probability)}`;
  return (
    <span title={`It ought to end by ${at}${odds}`}>
      <VerdictMark verdict={verdict} />
    </span>
  );
}
