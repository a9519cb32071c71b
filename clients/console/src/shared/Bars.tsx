import Box from "@mui/material/Box";
import type { Bar } from "../domain/steps";
import { useStateTone } from "./StateMark";

const WIDTH = 240;
const HEIGHT = 40;
const GAP = 2;
/** The least height of a bar that is not empty. */
const LEAST = 4;

/** Counts over time as small bars, with failures on top in their colour. `says` tells the same in words. */
export function Bars({
  bars,
  says,
  from,
  to,
}: {
  bars: readonly Bar[];
  says: string;
  /** The words at the beginning and at the end of the time. */
  from: string;
  to: string;
}) {
  return (
    <Box sx={{ width: { xs: "100%", sm: WIDTH } }}>
      <Sparkline bars={bars} says={says} width="100%" height={HEIGHT} />
      <Box
        aria-hidden="true"
        sx={{
          display: "flex",
          justifyContent: "space-between",
          color: "text.secondary",
          fontSize: "0.7rem",
        }}
      >
        <span>{from}</span>
        <span>most {mostOf(bars).toLocaleString("en")}</span>
        <span>{to}</span>
      </Box>
    </Box>
  );
}

const mostOf = (bars: readonly Bar[]) => bars.reduce((known, { all }) => Math.max(known, all), 1);

/** The bars alone. The highest takes the whole height. */
export function Sparkline({
  bars,
  says,
  width,
  height,
}: {
  bars: readonly Bar[];
  says: string;
  width: string | number;
  height: number;
}) {
  const tone = useStateTone();
  const most = mostOf(bars);
  const each = WIDTH / Math.max(1, bars.length);
  const heightOf = (count: number) => (count === 0 ? 0 : Math.max(LEAST, (count / most) * HEIGHT));
  const part = (name: string, place: number, y: number, height: number, fill: string) => (
    <rect key={name} x={place * each} y={y} width={Math.max(1, each - GAP)} height={height} fill={fill} />
  );
  return (
    <svg
      role="img"
      aria-label={says}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={width}
      height={height}
      preserveAspectRatio="none"
    >
      <title>{says}</title>
      {bars.flatMap(({ all, failed }, place) => {
        const [whole, bad] = [heightOf(all), heightOf(failed)];
        return [
          part(
            `all ${place}`,
            place,
            HEIGHT - Math.max(1, whole),
            Math.max(1, whole),
            tone(all === failed ? "CANCELLED" : "RUNNING"),
          ),
          part(`failed ${place}`, place, HEIGHT - whole, bad, tone("FAILED")),
        ];
      })}
    </svg>
  );
}
