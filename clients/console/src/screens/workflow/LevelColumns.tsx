import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { type KeyboardEvent, memo, useMemo, useRef } from "react";
import type { Graph } from "../../domain/graph/graph";
import {
  type Counts,
  countsText,
  failuresOf,
  type Group,
  type Grouping,
  stacksOf,
} from "../../domain/graph/groups";
import { counted } from "../../domain/numbers";
import { JOB_STATES } from "../../domain/states";
import { plain, shortened } from "../../domain/text";
import { Icon } from "../../shared/icons";
import { useStateTone } from "../../shared/StateMark";

const HEIGHT = 260;
const LEAST_PART = 0.06;
/** Room for a finger, and for the number of a level below. */
const WIDTH = 26;
const MARK_EACH = 5;
const MOST_TYPES = 6;

export interface LevelColumnsProps {
  readonly label: string;
  readonly graph: Graph;
  readonly grouping: Grouping;
  readonly letters: string;
  readonly counts: readonly Counts[];
  readonly current: number;
  readonly onOpen: (place: number) => void;
}

/** Returns all that a column shows, in words. */
function wordsOf(group: Group, counts: Counts): string {
  const types = group.types.slice(0, MOST_TYPES).map(([type, count]) => `${plain(type)} ${count}`);
  const more = group.types.length - types.length;
  const all = [...types, ...(more > 0 ? [counted(more, "more type")] : [])].join(", ");
  return `${group.label}: ${countsText(counts)}; ${shortened(all, 300)}`;
}

/** Ranges of levels as columns, as high as they have jobs, with a part for each type and in it the states. */
export function LevelColumns(props: LevelColumnsProps) {
  const { label, graph, grouping, letters, counts, current, onOpen } = props;
  const frame = useRef<HTMLDivElement>(null);
  const said = useRef<HTMLParagraphElement>(null);
  const stacks = useMemo(() => stacksOf(graph, grouping, letters), [graph, grouping, letters]);
  const most = grouping.groups.reduce((largest, group) => Math.max(largest, group.jobs.length), 1);
  const say = (text: string) => {
    if (said.current !== null) said.current.textContent = text;
  };
  const onKey = (event: KeyboardEvent, place: number) => {
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: grouping.groups.length - 1 }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    frame.current?.querySelectorAll<HTMLElement>("button")[to]?.focus();
  };
  return (
    <Box sx={{ minWidth: 0 }}>
      <Box
        ref={frame}
        role="group"
        aria-label={label}
        sx={{
          display: "flex",
          alignItems: "flex-end",
          gap: "2px",
          p: 1,
          height: HEIGHT + 60,
          overflowX: "auto",
          border: 1,
          borderColor: "divider",
          borderRadius: 1,
          bgcolor: "background.paper",
        }}
      >
        {grouping.groups.map((group, place) => {
          const own = counts[place] ?? {};
          const words = wordsOf(group, own);
          const part = Math.max(LEAST_PART, group.jobs.length / most);
          return (
            <Box key={group.id} sx={{ flex: `1 0 ${WIDTH}px`, maxWidth: 80 }}>
              <Box
                component="button"
                type="button"
                aria-label={words}
                aria-current={place === current ? "true" : undefined}
                onClick={() => onOpen(place)}
                onFocus={() => say(words)}
                onMouseEnter={() => say(words)}
                onKeyDown={(event: KeyboardEvent) => onKey(event, place)}
                sx={COLUMN}
              >
                {failuresOf(own) === 0 ? null : <FailureBadge />}
                <Stack stack={stacks[place] ?? []} height={Math.round(HEIGHT * part)} />
              </Box>
              <Box aria-hidden="true" sx={{ height: 16, fontSize: "0.65rem", whiteSpace: "nowrap" }}>
                {place % MARK_EACH === 0 ? (group.fromLevel + 1).toLocaleString("en") : ""}
              </Box>
            </Box>
          );
        })}
      </Box>
      <Typography
        ref={said}
        component="p"
        variant="body2"
        color="text.secondary"
        sx={{ mt: 1, minHeight: 40 }}
      >
        Each column has the jobs of its levels, the first level below it, and in it a part for each type.
        Arrow keys go from one to the next, Enter opens.
      </Typography>
    </Box>
  );
}

function FailureBadge() {
  const tone = useStateTone();
  return <Icon name="failed" sx={{ fontSize: "1.1rem", color: tone("FAILED"), mx: "auto" }} />;
}

/** The types of one column from the first to the last, each with its states as parts. */
const Stack = memo(function Stack({
  stack,
  height,
}: {
  stack: readonly (readonly [string, Counts])[];
  height: number;
}) {
  const tone = useStateTone();
  return (
    <Box sx={{ height, display: "flex", flexDirection: "column", gap: "2px", width: "100%" }}>
      {stack.map(([type, counts]) => (
        <Box
          key={type}
          sx={{
            flexGrow: Object.values(counts).reduce((sum, count) => sum + count, 0),
            flexBasis: 0,
            display: "flex",
            flexDirection: "column",
          }}
        >
          {JOB_STATES.filter((state) => (counts[state] ?? 0) > 0).map((state) => (
            <Box
              key={state}
              sx={{ flexGrow: counts[state] ?? 0, flexBasis: 0, minHeight: "1px", bgcolor: tone(state) }}
            />
          ))}
        </Box>
      ))}
    </Box>
  );
});

const COLUMN = {
  display: "flex",
  flexDirection: "column",
  justifyContent: "flex-end",
  width: "100%",
  minHeight: 24,
  p: "2px",
  border: 1,
  borderColor: "transparent",
  borderRadius: 0.5,
  bgcolor: "transparent",
  cursor: "pointer",
  "&:hover": { bgcolor: "action.hover" },
  "&:focus-visible": { outline: "3px solid", outlineColor: "primary.main" },
  "&[aria-current]": { borderColor: "primary.main", bgcolor: "action.selected" },
} as const;
