import Box from "@mui/material/Box";
import { useTheme } from "@mui/material/styles";
import Typography from "@mui/material/Typography";
import { type MouseEvent, useEffect, useMemo, useRef } from "react";
import { at } from "../../domain/graph/dag";
import { type Graph, typeName } from "../../domain/graph/graph";
import { countsText } from "../../domain/graph/groups";
import { jobsWhere } from "../../domain/graph/list";
import { cellOf, type JobMap, jobAt, levelMarks, mapOf } from "../../domain/graph/map";
import { stateOf } from "../../domain/graph/progress";
import { JOB_STATES, type JobState } from "../../domain/states";
import { plain, shortened } from "../../domain/text";
import { useStateTone } from "../../shared/StateMark";
import { JobsTable, StateChips, statesIn } from "./JobsTable";
import { contextOf, drawTile, type TileColours } from "./tiles";
import { useWidth } from "./useWidth";
import type { ViewProps } from "./view";

const HEIGHT = 420;
/** On a phone the cells need the height that they lack in width. */
const NARROW = 600;
const TALL = 640;
const MARKS_APART = 64;
const FADED = 0.15;
const SAMPLE = 14;

function useTileColours(): TileColours {
  const tone = useStateTone();
  const { palette } = useTheme();
  return { tone, behind: palette.background.paper };
}

/** Returns one small picture a state: copying it for each job is far quicker than drawing it for each. */
function tilesOf(cell: number, colours: TileColours): ReadonlyMap<JobState, HTMLCanvasElement> {
  const side = cell > 4 ? cell - 1 : cell;
  return new Map(
    JOB_STATES.map((state) => {
      const canvas = document.createElement("canvas");
      const context = contextOf(canvas, side, side);
      if (context !== null) drawTile(context, state, side, colours);
      return [state, canvas];
    }),
  );
}

function drawMap(
  context: CanvasRenderingContext2D,
  map: JobMap,
  letters: string,
  chosen: readonly JobState[],
  colours: TileColours,
): void {
  const side = map.cell > 4 ? map.cell - 1 : map.cell;
  const tiles = tilesOf(map.cell, colours);
  for (const column of map.columns) {
    for (let row = 0; row < column.count; row++) {
      const state = stateOf(letters, at(map.order, column.start + row));
      const tile = tiles.get(state);
      if (tile === undefined) continue;
      context.globalAlpha = chosen.length === 0 || chosen.includes(state) ? 1 : FADED;
      context.drawImage(tile, column.x, row * map.cell, side, side);
    }
  }
  context.globalAlpha = 1;
}

function nameOf(graph: Graph, letters: string, job: number): string {
  const key = shortened(plain(graph.keys[job] ?? ""), 80);
  return `${key}: ${stateOf(letters, job)}, ${plain(typeName(graph, job))}, level ${at(graph.levels, job) + 1}`;
}

/** Every job as one cell, by level. The table below says the same in words, and is the way of the keyboard. */
export function MapView(props: ViewProps) {
  const { graph, progress, address } = props;
  const named = address.search.state;
  const jobs = useMemo(
    () => jobsWhere(graph, progress.letters, { text: "", states: statesIn(named), sort: "level" }),
    [graph, progress.letters, named],
  );
  return (
    <>
      <StateChips counts={progress.counts} address={address} sample={(state) => <Sample state={state} />} />
      <Cells {...props} />
      <JobsTable {...props} label="jobs of the workflow, by level" jobs={jobs} height="max(240px, 40dvh)" />
    </>
  );
}

/** The cell of a state, for the legend. */
function Sample({ state }: { state: JobState }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const colours = useTileColours();
  useEffect(() => {
    const context = contextOf(canvas.current, SAMPLE, SAMPLE);
    if (context !== null) drawTile(context, state, SAMPLE, colours);
  });
  return (
    <span aria-hidden="true" style={{ display: "flex" }}>
      <canvas ref={canvas} style={{ width: SAMPLE, height: SAMPLE }} />
    </span>
  );
}

const HINT = "Point at a cell to see its job, click to open it. The table below lists the same jobs.";

function Cells({ graph, progress, address, job, select }: ViewProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const said = useRef<HTMLParagraphElement>(null);
  const width = useWidth(frame);
  const { palette } = useTheme();
  const colours = useTileColours();
  const map = useMemo(
    () => (width === 0 ? null : mapOf(graph, width, width < NARROW ? TALL : HEIGHT)),
    [graph, width],
  );
  const { letters } = progress;
  const named = address.search.state;
  const { tone, behind } = colours;
  const mode = palette.mode;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the tones follow the mode, and are a new function each time
  useEffect(() => {
    if (map === null) return;
    const context = contextOf(canvas.current, map.width, map.height);
    if (context === null) return;
    drawMap(context, map, letters, statesIn(named), { tone, behind });
  }, [map, letters, named, behind, mode]);
  const chosen = map === null || job === null ? null : cellOf(map, job);
  const jobUnder = (event: MouseEvent<HTMLCanvasElement>): number | null => {
    const place = event.currentTarget.getBoundingClientRect();
    return map === null ? null : jobAt(map, event.clientX - place.left, event.clientY - place.top);
  };
  // Written into the page itself: a pointer that moves has nothing drawn again.
  const say = (found: number | null) => {
    if (said.current !== null)
      said.current.textContent = found === null ? HINT : nameOf(graph, letters, found);
  };
  const counts = countsText(progress.counts);
  return (
    <Box>
      <Box ref={frame} sx={{ minWidth: 0 }}>
        {map === null ? null : (
          <>
            <LevelMarks map={map} />
            <Box sx={{ position: "relative" }}>
              <canvas
                ref={canvas}
                role="img"
                aria-label={`${graph.count.toLocaleString("en")} jobs by level: ${counts}; listed in the table below`}
                style={{ display: "block", width: map.width, height: map.height, cursor: "pointer" }}
                onMouseMove={(event) => say(jobUnder(event))}
                onMouseLeave={() => say(null)}
                onClick={(event) => {
                  const found = jobUnder(event);
                  if (found !== null) select(found);
                }}
              />
              {chosen === null ? null : (
                <Box
                  aria-hidden="true"
                  style={{ left: chosen.x - 2, top: chosen.y - 2, width: map.cell + 3, height: map.cell + 3 }}
                  sx={CHOSEN}
                />
              )}
            </Box>
          </>
        )}
      </Box>
      <Typography ref={said} component="p" variant="body2" color="text.secondary" sx={{ mt: 1 }}>
        {HINT}
      </Typography>
    </Box>
  );
}

/** Laid over the picture, so that a choice has none of the cells drawn again. */
const CHOSEN = {
  position: "absolute",
  boxSizing: "border-box",
  border: 2,
  borderColor: "text.primary",
  pointerEvents: "none",
} as const;

/** The numbers of levels above the columns in which they begin. */
function LevelMarks({ map }: { map: JobMap }) {
  return (
    <Box sx={{ position: "relative", height: 20, fontSize: "0.75rem", color: "text.secondary" }}>
      {levelMarks(map, MARKS_APART).map((mark) => (
        <Box
          key={mark.start}
          component="span"
          style={{ left: mark.x }}
          sx={{ position: "absolute", whiteSpace: "nowrap" }}
        >
          level {(mark.level + 1).toLocaleString("en")}
        </Box>
      ))}
    </Box>
  );
}
