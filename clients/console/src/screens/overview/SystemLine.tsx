import Box from "@mui/material/Box";
import type { UseQueryResult } from "@tanstack/react-query";
import type { components } from "../../api/schema";
import { plain } from "../../domain/text";
import { Mark } from "../../shared/Mark";
import { ErrorNotice } from "../../shared/Notices";
import { Time } from "../../shared/Time";

type Status = components["schemas"]["StatusOut"];

/** One line that says whether the parts work that nobody calls; it opens to all of them. */
export function SystemLine({ status }: { status: UseQueryResult<Status> }) {
  const { data } = status;
  if (data === undefined) {
    return status.isError ? <ErrorNotice error={status.error} onRetry={() => void status.refetch()} /> : null;
  }
  const parts = [...data.schedules, ...data.streams];
  const dead = parts.filter((part) => !part.alive);
  return (
    <Box component="details" sx={{ fontSize: "0.9rem" }}>
      <Box component="summary" sx={{ cursor: "pointer" }}>
        {data.healthy ? (
          <Mark icon="done" tone="good">
            schedules and streams are alive
          </Mark>
        ) : (
          <Mark icon="warning" tone="bad">
            not alive: {dead.map((part) => plain(part.name)).join(", ") || "a part"}
          </Mark>
        )}
      </Box>
      <Box component="ul" sx={{ m: 0, mt: 1, pl: 3 }}>
        {data.schedules.map((part) => (
          <li key={part.name}>
            schedule {plain(part.name)}: {part.alive ? "alive" : "dead"}, last ran <Time at={part.last_at} />,
            expected every {part.expected_every_seconds} s
          </li>
        ))}
        {data.streams.map((part) => (
          <li key={part.name}>
            stream reader {plain(part.name)}:{" "}
            {part.alive ? (part.idle ? "alive, nothing to read" : "alive") : "dead"}, last read{" "}
            <Time at={part.last_at} />
          </li>
        ))}
      </Box>
    </Box>
  );
}
