import Box from "@mui/material/Box";
import { slotsOf } from "../../domain/gauges";

const MOST_DOTS = 48;

/** The slots of a worker as dots, filled where a job runs; the words stand below them. */
export function Slots({ worker }: { worker: { readonly slots: number; readonly running: number } }) {
  const { taken, free, notDrawn } = slotsOf(worker, MOST_DOTS);
  return (
    <div>
      <Box aria-hidden="true" sx={{ display: "flex", flexWrap: "wrap", gap: "3px", minHeight: 10 }}>
        {[...Array(taken + free).keys()].map((place) => (
          <Box
            key={place}
            sx={{
              width: 10,
              height: 10,
              borderRadius: "50%",
              border: 1,
              borderColor: "primary.main",
              bgcolor: place < taken ? "primary.main" : undefined,
            }}
          />
        ))}
        {notDrawn > 0 ? <span>+{notDrawn}</span> : null}
      </Box>
      {worker.running} of {worker.slots} slots taken
    </div>
  );
}
