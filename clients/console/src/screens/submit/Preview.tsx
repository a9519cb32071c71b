import Box from "@mui/material/Box";
import useMediaQuery from "@mui/material/useMediaQuery";
import { useMemo } from "react";
import { at } from "../../domain/graph/dag";
import { type Graph, typeName } from "../../domain/graph/graph";
import { groupJobs } from "../../domain/graph/groups";
import { counted } from "../../domain/numbers";
import { plain, shortened } from "../../domain/text";
import { BoxGraph } from "../workflow/BoxGraph";
import { firstView } from "../workflow/view";

const SIZES = { job: { width: 170, height: 48 }, group: { width: 190, height: 70 } } as const;
const LONGEST = 60;
const CUT = { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" } as const;

/** The graph that a submission would have, as the screen of the workflow draws it. A box leads to its text. */
export function Preview({ graph, onOpen }: { graph: Graph; onOpen: (job: number) => void }) {
  const narrow = useMediaQuery("(max-width: 700px)");
  const grouping = useMemo(() => groupJobs(graph), [graph]);
  const jobEdges = useMemo(() => {
    const edges: { from: number; to: number; count: number }[] = [];
    for (let from = 0; from < graph.count; from++) {
      const { starts, ends } = graph.children;
      for (let edge = at(starts, from); edge < at(starts, from + 1); edge++)
        edges.push({ from, to: at(ends, edge), count: 1 });
    }
    return edges;
  }, [graph]);
  const levels = counted(graph.depth, "level");
  const jobs = counted(graph.count, "job");
  const byJob = firstView(graph.count, grouping.groups.length) === "graph";
  const outside = graph.outside.length;
  const label = byJob ? `${jobs} as a graph` : `${jobs} in groups by ${grouping.by}`;
  return (
    <Box component="section" aria-label="preview" sx={{ minWidth: 0 }}>
      <Box component="p" sx={{ m: 0, mb: 1 }}>
        {jobs} in {levels}
        {byJob ? "" : `, drawn as ${counted(grouping.groups.length, "group")} by ${grouping.by}`}
        {outside === 0
          ? ""
          : `; not drawn: ${counted(outside, "dependency", "dependencies")} on earlier jobs`}
      </Box>
      {narrow ? (
        <Box component="ol" aria-label={label} sx={{ m: 0, pl: 3, maxHeight: 320, overflow: "auto" }}>
          {grouping.groups.map((group) => (
            <li key={group.id}>
              {plain(shortened(group.label, LONGEST))}: {group.jobs.length.toLocaleString("en")}
            </li>
          ))}
        </Box>
      ) : byJob ? (
        <BoxGraph
          label={label}
          dag={graph}
          edges={jobEdges}
          {...SIZES.job}
          current={null}
          keyOf={String}
          onOpen={onOpen}
          box={(job) => <Words words={[graph.keys[job] ?? "", typeName(graph, job)]} />}
        />
      ) : (
        <BoxGraph
          label={label}
          dag={grouping.dag}
          edges={grouping.edges}
          {...SIZES.group}
          current={null}
          keyOf={(place) => grouping.groups[place]?.id ?? String(place)}
          onOpen={(place) => onOpen(grouping.groups[place]?.jobs[0] ?? 0)}
          box={(place) => {
            const group = grouping.groups[place];
            if (group === undefined) return null;
            const [type = ""] = group.types[0] ?? [];
            const more = group.types.length - 1;
            const count = counted(group.jobs.length, "job");
            const where =
              group.fromLevel === group.toLevel
                ? `level ${group.fromLevel + 1}`
                : `levels ${group.fromLevel + 1} to ${group.toLevel + 1}`;
            return (
              <Words words={[more > 0 ? `${type} and ${counted(more, "more type")}` : type, where, count]} />
            );
          }}
        />
      )}
    </Box>
  );
}

/** The lines of a box, the first of which matters most. */
function Words({ words }: { words: readonly string[] }) {
  return words.map((word, place) => (
    <Box
      component="span"
      // biome-ignore lint/suspicious/noArrayIndexKey: a line has no name but its place
      key={place}
      title={plain(word)}
      sx={{ ...CUT, ...(place === 0 ? { fontWeight: 600 } : { color: "text.secondary" }) }}
    >
      {plain(shortened(word, LONGEST))}{" "}
    </Box>
  ));
}
