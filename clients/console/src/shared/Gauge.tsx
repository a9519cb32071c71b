import Box from "@mui/material/Box";
import { gaugeOf, type PoolLoad } from "../domain/gauges";

/** How full a pool is, as a bar; the words stand below it. */
export function Gauge({ pool }: { pool: Pick<PoolLoad, "active" | "capacity"> }) {
  const { filled, text } = gaugeOf(pool);
  return (
    <Box sx={{ minWidth: 0 }}>
      <Box
        aria-hidden="true"
        sx={{ height: 8, borderRadius: 1, bgcolor: "action.selected", overflow: "hidden" }}
      >
        <Box sx={{ width: `${filled * 100}%`, height: "100%", bgcolor: "primary.main" }} />
      </Box>
      <Box component="span" sx={{ fontSize: "0.8rem" }}>
        {text}
      </Box>
    </Box>
  );
}
