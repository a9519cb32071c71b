import Box from "@mui/material/Box";
import { barsOf } from "../../domain/failures";
import { durationText } from "../../domain/times";
import { useStateTone } from "../../shared/StateMark";

const BARS = 24;
const WIDTH = 240;
const HEIGHT = 40;
const GAP = 2;

/** How many jobs failed in each part of a time, as bars. The words of the picture say when most of them failed. */
export function Bars({
  timesMs,
  fromMs,
  toMs,
  sinceMs,
}: {
  timesMs: readonly number[];
  fromMs: number;
  toMs: number;
  /** The time that the bars look back, for their words. */
  sinceMs: number;
}) {
  const tone = useStateTone();
  const bars = barsOf(timesMs, fromMs, toMs, BARS);
  const most = Math.max(1, ...bars);
  const each = durationText(sinceMs / BARS / 1000);
  const back = durationText(((BARS - 1 - bars.lastIndexOf(most)) * sinceMs) / BARS / 1000);
  const text = `failures over the last ${durationText(sinceMs / 1000)}, ${each} a bar; most: ${most} in the bar of ${back} ago`;
  const width = WIDTH / BARS - GAP;
  return (
    <Box sx={{ width: { xs: "100%", sm: WIDTH } }}>
      <svg
        role="img"
        aria-label={text}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width="100%"
        height={HEIGHT}
        preserveAspectRatio="none"
      >
        <title>{text}</title>
        {bars.map((count, place) => {
          const height = count === 0 ? 1 : Math.max(4, (count / most) * HEIGHT);
          return (
            <rect
              // biome-ignore lint/suspicious/noArrayIndexKey: a bar has no name but its place
              key={place}
              x={place * (width + GAP)}
              y={HEIGHT - height}
              width={width}
              height={height}
              fill={tone(count === 0 ? "CANCELLED" : "FAILED")}
              opacity={count === 0 ? 0.4 : 1}
            />
          );
        })}
      </svg>
      <Box
        aria-hidden="true"
        sx={{
          display: "flex",
          justifyContent: "space-between",
          color: "text.secondary",
          fontSize: "0.7rem",
        }}
      >
        <span>{durationText(sinceMs / 1000)} ago</span>
        <span>most {most.toLocaleString("en")}</span>
        <span>now</span>
      </Box>
    </Box>
  );
}
