import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useTheme } from "@mui/material/styles";
import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useMemo, useRef, useState } from "react";
import { at, type Dag, linksOf } from "../../domain/graph/dag";
import { type Layout, layoutOf } from "../../domain/graph/layout";

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly strong?: boolean;
}

export interface BoxGraphProps {
  readonly label: string;
  readonly dag: Dag;
  readonly edges: readonly Edge[];
  readonly width: number;
  readonly height: number;
  readonly current: number | null;
  readonly box: (node: number) => ReactNode;
  readonly keyOf: (node: number) => string;
  readonly onOpen: (node: number) => void;
}

const GAP_X = 72;
const GAP_Y = 14;
const MARGIN = 8;
const ZOOMS = [0.25, 0.5, 0.75, 1, 1.5] as const;
const USUAL_ZOOM = 3;
const READABLE_ZOOM = 2;
/** Beyond so many edges their numbers would cover each other. */
const MOST_NUMBERS = 120;

interface Places {
  readonly x: (node: number) => number;
  readonly y: (node: number) => number;
  readonly width: number;
  readonly height: number;
}

function placesOf(layout: Layout, width: number, height: number): Places {
  const top = layout.rows.reduce((least, row) => Math.min(least, row), 0);
  const tallest = layout.columns.reduce((most, column) => Math.max(most, column.length), 1);
  return {
    x: (node) => MARGIN + at(layout.levels, node) * (width + GAP_X),
    y: (node) => MARGIN + (at(layout.rows, node) - top) * (height + GAP_Y),
    width: 2 * MARGIN + Math.max(1, layout.columns.length) * (width + GAP_X) - GAP_X,
    height: 2 * MARGIN + tallest * (height + GAP_Y) - GAP_Y,
  };
}

/** Returns the node in the row that is nearest to that of `node`; null where there is none. */
function nearest(nodes: Int32Array, node: number, layout: Layout): number | null {
  let best: number | null = null;
  const distance = (other: number) => Math.abs(at(layout.rows, other) - at(layout.rows, node));
  for (const other of nodes) if (best === null || distance(other) < distance(best)) best = other;
  return best;
}

/** Returns which box an arrow leads to: along an edge to the left and right, within the column up and down. */
export function neighbourBy(key: string, node: number, dag: Dag, layout: Layout): number | null {
  const column = layout.columns[at(layout.levels, node)] ?? [];
  const place = column.indexOf(node);
  switch (key) {
    case "ArrowRight":
      return nearest(linksOf(dag.children, node), node, layout);
    case "ArrowLeft":
      return nearest(linksOf(dag.parents, node), node, layout);
    case "ArrowDown":
      return column[place + 1] ?? null;
    case "ArrowUp":
      return column[place - 1] ?? null;
    case "Home":
      return layout.columns[0]?.[0] ?? null;
    case "End":
      return layout.columns.at(-1)?.[0] ?? null;
    default:
      return null;
  }
}

/** A picture of boxes from left to right. Each box is a button; arrow keys walk from one to the next. */
export function BoxGraph(props: BoxGraphProps) {
  const { label, dag, edges, width, height, current, box, keyOf, onOpen } = props;
  const hintId = useId();
  const [zoom, setZoom] = useState(USUAL_ZOOM);
  const frame = useRef<HTMLDivElement>(null);
  const layout = useMemo(() => layoutOf(dag), [dag]);
  const places = useMemo(() => placesOf(layout, width, height), [layout, width, height]);
  const scale = ZOOMS[zoom] ?? 1;
  const wide = places.width;
  // A picture that does not fit begins a little smaller, yet never so small that it can't be read.
  useLayoutEffect(() => {
    if (frame.current !== null && wide > frame.current.clientWidth) setZoom(READABLE_ZOOM);
  }, [wide]);
  const nodes = useMemo(() => layout.columns.flat(), [layout]);
  const first = layout.columns[0] ?? [];
  const shownFirst = current ?? first[Math.floor(first.length / 2)] ?? null;
  // A picture that is higher than its frame begins where something is to be seen. Later nothing moves by itself.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another box that is opened is in sight already
  useLayoutEffect(() => {
    const room = frame.current;
    if (room === null || shownFirst === null) return;
    room.scrollTop = (places.y(shownFirst) + height / 2) * scale - room.clientHeight / 2;
    room.scrollLeft = (places.x(shownFirst) + width / 2) * scale - room.clientWidth / 2;
  }, [places]);

  const onKey = (event: KeyboardEvent, node: number) => {
    const to = neighbourBy(event.key, node, dag, layout);
    if (to === null) return;
    event.preventDefault();
    frame.current?.querySelector<HTMLElement>(`[data-node="${to}"]`)?.focus();
  };
  const fit = () => {
    const room = frame.current;
    if (room === null) return;
    const wanted = Math.min(room.clientWidth / places.width, room.clientHeight / places.height);
    const found = ZOOMS.findLastIndex((each) => each <= wanted);
    setZoom(Math.max(0, Math.min(found, USUAL_ZOOM)));
  };
  return (
    <Box sx={{ display: "flex", flexDirection: "column", gap: 1, minWidth: 0 }}>
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1, alignItems: "center" }}>
        <Button variant="outlined" disabled={zoom === 0} onClick={() => setZoom(zoom - 1)}>
          Smaller
        </Button>
        <Button variant="outlined" disabled={zoom === ZOOMS.length - 1} onClick={() => setZoom(zoom + 1)}>
          Larger
        </Button>
        <Button variant="outlined" onClick={fit}>
          Fit
        </Button>
        <Box component="span" id={hintId} sx={{ color: "text.secondary", fontSize: "0.8rem" }}>
          {Math.round(scale * 100)} % · arrow keys walk along the dependencies, Enter opens
          {edges.some((edge) => edge.strong === true) ? " · thick lines: critical path by estimates" : ""}
        </Box>
      </Box>
      <Box
        ref={frame}
        role="group"
        aria-label={label}
        aria-describedby={hintId}
        sx={{
          position: "relative",
          overflow: "auto",
          maxHeight: "max(320px, calc(100dvh - 380px))",
          border: 1,
          borderColor: "divider",
          borderRadius: 1,
          bgcolor: "background.paper",
        }}
      >
        <Box sx={{ width: places.width * scale, height: places.height * scale }}>
          <Box
            sx={{
              position: "relative",
              width: places.width,
              height: places.height,
              transform: `scale(${scale})`,
              transformOrigin: "0 0",
            }}
          >
            <Edges edges={edges} places={places} width={width} height={height} />
            {nodes.map((node) => (
              <Box
                key={keyOf(node)}
                component="button"
                type="button"
                data-node={node}
                aria-current={current === node ? "true" : undefined}
                onClick={() => onOpen(node)}
                onKeyDown={(event: KeyboardEvent) => onKey(event, node)}
                style={{ left: places.x(node), top: places.y(node), width, height }}
                sx={BOX}
              >
                {box(node)}
              </Box>
            ))}
          </Box>
        </Box>
      </Box>
    </Box>
  );
}

const BOX = {
  position: "absolute",
  display: "flex",
  flexDirection: "column",
  justifyContent: "center",
  gap: 0.5,
  p: 0.75,
  textAlign: "left",
  font: "inherit",
  fontSize: "0.8rem",
  lineHeight: 1.25,
  color: "text.primary",
  bgcolor: "background.default",
  border: 1,
  borderColor: "text.secondary",
  borderRadius: 1,
  cursor: "pointer",
  overflow: "hidden",
  "&:hover": { bgcolor: "action.hover" },
  "&:focus-visible": { outline: "3px solid", outlineColor: "primary.main", outlineOffset: 1 },
  "&[aria-current]": { borderColor: "primary.main", borderWidth: 3 },
} as const;

/** Edges of one look are one path, so that thousands of them are a handful of elements. */
function Edges({
  edges,
  places,
  width,
  height,
}: {
  edges: readonly Edge[];
  places: Places;
  width: number;
  height: number;
}) {
  const { palette } = useTheme();
  const paths = useMemo(() => {
    const looks = new Map<string, { stroke: number; strong: boolean; d: string[] }>();
    for (const edge of edges) {
      const stroke = Math.min(6, 1 + Math.floor(Math.log10(Math.max(1, edge.count)) * 1.5));
      const strong = edge.strong ?? false;
      const name = `${stroke} ${strong}`;
      const look = looks.get(name) ?? { stroke, strong, d: [] };
      looks.set(name, look);
      const [x1, y1] = [places.x(edge.from) + width, places.y(edge.from) + height / 2];
      const [x2, y2] = [places.x(edge.to), places.y(edge.to) + height / 2];
      const bend = Math.max(24, (x2 - x1) / 2);
      look.d.push(`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`);
    }
    return [...looks.entries()];
  }, [edges, places, width, height]);
  const numbered = edges.length <= MOST_NUMBERS ? edges.filter((edge) => edge.count > 1) : [];
  return (
    <svg
      width={places.width}
      height={places.height}
      aria-hidden="true"
      style={{ position: "absolute", inset: 0, pointerEvents: "none" }}
    >
      {paths.map(([name, look]) => (
        <path
          key={name}
          d={look.d.join("")}
          fill="none"
          stroke={look.strong ? palette.primary.main : palette.text.secondary}
          strokeOpacity={look.strong ? 1 : 0.5}
          strokeWidth={look.strong ? look.stroke + 1 : look.stroke}
        />
      ))}
      {numbered.map((edge) => (
        <text
          key={`${edge.from} ${edge.to}`}
          x={places.x(edge.to) - 6}
          y={(places.y(edge.from) + 3 * places.y(edge.to)) / 4 + height / 2 - 5}
          textAnchor="end"
          fontSize="11"
          fill={palette.text.secondary}
          stroke={palette.background.paper}
          strokeWidth="4"
          paintOrder="stroke"
        >
          ×{edge.count.toLocaleString("en")}
        </text>
      ))}
    </svg>
  );
}
