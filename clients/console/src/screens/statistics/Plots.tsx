import Box from "@mui/material/Box";
import { useTheme } from "@mui/material/styles";
import {
  type Kind,
  linePath,
  niceTop,
  OUTCOMES,
  QUANTILES,
  type Scale,
  scaleOf,
} from "../../domain/statistics";
import type { Row, Slot, Step } from "../../domain/steps";
import { durationText, timeText, type Zone, zoneName } from "../../domain/times";
import { StateMark, useStateTone } from "../../shared/StateMark";
import { useSettings } from "../../shared/settings";
import { HEIGHT, Plot, type Told } from "./Plot";

/** The least part of a bar's height that shows one failure among many ends. */
const LEAST = 2;
const DASHES = { p50: "none", p90: "6 4", p99: "1 4" } as const;

/** Returns the words for the time at which a step begins. The API's days are those of UTC, whatever the chosen zone. */
export function stepText(ms: number, step: Step, zone: Zone): string {
  const iso = new Date(ms).toISOString();
  return step === "day" ? iso.slice(0, 10) : timeText(iso, zone).slice(5, 16);
}

/** How many jobs ended in each step, and how long they waited and ran. */
export function Plots({ slots, step, total }: { slots: readonly Slot[]; step: Step; total: Row }) {
  const { zone } = useSettings();
  const named = step === "day" ? "UTC" : zoneName(zone);
  const words = slots.map(({ fromMs }) => stepText(fromMs, step, zone));
  return (
    <Box
      sx={{
        display: "grid",
        gap: 2,
        gridTemplateColumns: { xs: "minmax(0, 1fr)", lg: "repeat(3, minmax(0, 1fr))" },
        alignItems: "start",
      }}
    >
      <Ended slots={slots} words={words} zone={named} step={step} total={total} />
      <Durations title="Waited" of="wait_seconds" slots={slots} words={words} zone={named} total={total} />
      <Durations title="Ran" of="run_seconds" slots={slots} words={words} zone={named} total={total} />
    </Box>
  );
}

function Ended({
  slots,
  words,
  zone,
  step,
  total,
}: {
  slots: readonly Slot[];
  words: readonly string[];
  zone: string;
  step: Step;
  total: Row;
}) {
  const tone = useStateTone();
  const top = niceTop(slots.reduce((most, { row }) => Math.max(most, row?.ended ?? 0), 0));
  const outcomes = OUTCOMES.filter(([id]) => total[id] > 0);
  const shown = outcomes.length === 0 ? OUTCOMES.slice(0, 1) : outcomes;
  const steps = slots.map(
    ({ fromMs, row }, place): Told => ({
      fromMs,
      words: words[place] ?? "",
      cells: shown.map(([id]) => (row?.[id] ?? 0).toLocaleString("en")),
    }),
  );
  return (
    <Plot
      title={`Ended in each ${step}`}
      says={`${total.ended.toLocaleString("en")} jobs ended, as bars of each ${step}, up to ${top.toLocaleString("en")}`}
      zone={zone}
      columns={shown.map(([, state]) => state)}
      steps={steps}
      top={top.toLocaleString("en")}
      bottom="0"
      legend={shown.map(([id, state]) => <StateMark key={state} state={state} count={total[id]} />)}
    >
      {slots.flatMap(({ fromMs, row }, place) => {
        let y = HEIGHT;
        return shown.map(([id, state]) => {
          const ended = row?.[id] ?? 0;
          const height = ended === 0 ? 0 : Math.max(LEAST, (ended / top) * HEIGHT);
          y -= height;
          return height === 0 ? null : (
            <rect
              key={`${fromMs} ${id}`}
              x={place + 0.1}
              y={Math.max(0, y)}
              width={0.8}
              height={height}
              fill={tone(state)}
            />
          );
        });
      })}
    </Plot>
  );
}

function Durations({
  title,
  of,
  slots,
  words,
  zone,
  total,
}: {
  title: string;
  of: "wait_seconds" | "run_seconds";
  slots: readonly Slot[];
  words: readonly string[];
  zone: string;
  total: Row;
}) {
  const { palette } = useTheme();
  const lines = QUANTILES.map((part) => slots.map(({ row }) => row?.[of][part] ?? null));
  const scale: Scale = scaleOf(lines.flat().filter((value) => value !== null));
  const names = QUANTILES.map((part) => `${part.slice(1)} %`);
  const text = (seconds: number | null | undefined) => (seconds == null ? "-" : durationText(seconds));
  const all = QUANTILES.map((part, at) => `${names[at]} within ${text(total[of][part])}`).join(", ");
  const line = (part: (typeof QUANTILES)[number], path: string) => (
    <path
      key={part}
      d={path}
      fill="none"
      stroke={palette.primary.main}
      strokeWidth={part === "p50" ? 2.5 : 2}
      strokeDasharray={DASHES[part]}
      strokeLinecap="round"
      strokeLinejoin="round"
      vectorEffect="non-scaling-stroke"
    />
  );
  return (
    <Plot
      title={title}
      says={`how long jobs ${title.toLowerCase()}, as lines: ${all}${scale.isLog ? "; a logarithmic axis" : ""}`}
      zone={zone}
      columns={names}
      steps={slots.map(({ fromMs, row }, place) => ({
        fromMs,
        words: words[place] ?? "",
        cells: QUANTILES.map((part) => text(row?.[of][part])),
      }))}
      top={durationText(scale.top)}
      bottom={durationText(scale.bottom)}
      legend={
        <>
          {QUANTILES.map((part, at) => (
            <span key={part}>
              <svg width={28} height={8} aria-hidden="true" style={{ marginRight: 4 }}>
                {line(part, "M2 4h24")}
              </svg>
              {names[at]} within {text(total[of][part])}
            </span>
          ))}
          {scale.isLog ? <span>logarithmic axis</span> : null}
        </>
      }
    >
      {QUANTILES.map((part, at) => line(part, linePath(lines[at] ?? [], scale, HEIGHT)))}
    </Plot>
  );
}

/** The words of the choices of a table's rows. */
export const KIND_WORDS: Readonly<Record<Kind, string>> = {
  pool: "pool",
  type: "job type",
  share: "share",
  worker: "worker",
  step: "hour or day",
};
