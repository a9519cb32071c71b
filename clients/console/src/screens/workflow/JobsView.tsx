import Box from "@mui/material/Box";
import TextField from "@mui/material/TextField";
import Typography from "@mui/material/Typography";
import { useDeferredValue, useMemo } from "react";
import { JOB_SORTS, type JobSort, jobsWhere } from "../../domain/graph/list";
import { JobsTable, StateChips, statesIn } from "./JobsTable";
import type { ViewProps } from "./view";

const SORT_NAMES: Readonly<Record<JobSort, string>> = {
  submission: "order of submission",
  state: "state",
  level: "level",
  key: "key",
  estimate: "longest estimate first",
};

/** All jobs of the workflow as a list, filtered and sorted in the browser. */
export function JobsView(props: ViewProps) {
  const { graph, progress, address } = props;
  const text = useDeferredValue(address.search.q ?? "");
  const states = address.search.state;
  const sort = JOB_SORTS.find((each) => each === address.search.sort) ?? "submission";
  const jobs = useMemo(
    () => jobsWhere(graph, progress.letters, { text, states: statesIn(states), sort }),
    [graph, progress.letters, text, states, sort],
  );
  return (
    <>
      <StateChips counts={progress.counts} address={address} />
      <Box sx={{ display: "flex", flexWrap: "wrap", gap: 1.5, alignItems: "center" }}>
        <TextField
          label="key or type has"
          value={address.search.q ?? ""}
          onChange={(event) => address.change({ q: event.target.value }, { replace: true })}
          slotProps={{ htmlInput: { autoComplete: "off", spellCheck: false } }}
        />
        <TextField
          select
          label="sorted by"
          value={sort}
          onChange={(event) => address.change({ sort: event.target.value })}
          slotProps={{ select: { native: true } }}
        >
          {JOB_SORTS.map((each) => (
            <option key={each} value={each}>
              {SORT_NAMES[each]}
            </option>
          ))}
        </TextField>
        <Typography component="p" variant="body2" color="text.secondary">
          {jobs.length.toLocaleString("en")} of {graph.count.toLocaleString("en")} jobs
        </Typography>
      </Box>
      <JobsTable
        {...props}
        label="jobs of the workflow"
        jobs={jobs}
        height="max(300px, calc(100dvh - 420px))"
      />
    </>
  );
}
