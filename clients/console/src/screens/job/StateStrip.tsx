import Box from "@mui/material/Box";
import Typography from "@mui/material/Typography";
import { staysOf } from "../../domain/jobHistory";
import { durationText } from "../../domain/times";
import { useNow } from "../../shared/now";
import { StateMark, useStateTone } from "../../shared/StateMark";
import type { Job } from "./types";

const MOST_STAYS = 24;
const IN_LINE = { display: "inline-flex", alignItems: "center", gap: 0.5 };

/** The states that a job went through, each as long as it lasted: as a bar, and as words with the times. */
export function StateStrip({ job }: { job: Job }) {
  const tone = useStateTone();
  const stays = staysOf(job.history, useNow());
  const shown = stays.slice(-MOST_STAYS);
  const left = stays.length - shown.length;
  return (
    <Box component="section" aria-label="states so far">
      <Box
        aria-hidden="true"
        sx={{ display: "flex", height: 10, borderRadius: 1, overflow: "hidden", mb: 1 }}
      >
        {shown.map((stay) => (
          <Box
            key={`${stay.from} ${stay.state}`}
            sx={{ flexGrow: 1 + stay.seconds * 1_000, flexBasis: 0, minWidth: 4, bgcolor: tone(stay.state) }}
          />
        ))}
      </Box>
      <Box
        component="ol"
        sx={{
          display: "flex",
          flexWrap: "wrap",
          columnGap: 2,
          rowGap: 0.5,
          m: 0,
          p: 0,
          listStyle: "none",
          "& li": IN_LINE,
        }}
      >
        {left > 0 ? <li>{left} earlier ones are in the history</li> : null}
        {shown.map((stay) => (
          <li key={`${stay.from} ${stay.state}`}>
            <StateMark state={stay.state} /> {`${durationText(stay.seconds)}${stay.now ? " so far" : ""}`}
          </li>
        ))}
        {stays.at(-1)?.now ? null : (
          <li>
            <StateMark state={job.state} />
          </li>
        )}
      </Box>
      {job.estimated_duration_seconds === null ? null : (
        <Typography variant="caption" color="text.secondary">
          estimated {durationText(job.estimated_duration_seconds)}
        </Typography>
      )}
    </Box>
  );
}
