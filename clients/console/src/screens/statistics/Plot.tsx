import Box from "@mui/material/Box";
import Paper from "@mui/material/Paper";
import Typography from "@mui/material/Typography";
import { type ReactNode, useId } from "react";

export const HEIGHT = 100;
const MOST_MARKS = 4;

/** A step of a plot with the words of its time. */
export interface Told {
  /** When the step begins. Two hours have the same words where summer time ends. */
  readonly fromMs: number;
  readonly words: string;
  /** The texts of the columns of the table, in their order. */
  readonly cells: readonly string[];
}

export interface PlotProps {
  readonly title: string;
  /** A sentence that describes the picture. */
  readonly says: string;
  readonly columns: readonly string[];
  /** The zone of the times of the steps. */
  readonly zone: string;
  readonly steps: readonly Told[];
  readonly top: string;
  readonly bottom: string;
  readonly legend: ReactNode;
  /** Parts of an SVG of one unit of width for each step, and of HEIGHT. */
  readonly children: ReactNode;
}

/** A picture of values over time, and the same as a table of texts. */
export function Plot({ title, says, columns, zone, steps, top, bottom, legend, children }: PlotProps) {
  const id = useId();
  const every = Math.max(1, Math.ceil(steps.length / MOST_MARKS));
  return (
    <Paper component="section" variant="outlined" aria-labelledby={id} sx={{ p: 2, minWidth: 0 }}>
      <Typography component="h2" variant="h2" id={id} sx={{ mb: 1 }}>
        {title}
      </Typography>
      <Box sx={{ ...SMALL, display: "flex", gap: 1 }}>
        <Box
          aria-hidden="true"
          sx={{ display: "flex", flexDirection: "column", justifyContent: "space-between", width: 44 }}
        >
          <span>{top}</span>
          <span>{bottom}</span>
        </Box>
        <Box sx={{ flex: 1, minWidth: 0, borderBottom: 1, borderLeft: 1, borderColor: "divider" }}>
          <svg
            role="img"
            aria-label={says}
            viewBox={`0 0 ${Math.max(1, steps.length)} ${HEIGHT}`}
            width="100%"
            height={150}
            preserveAspectRatio="none"
            style={{ display: "block" }}
          >
            {children}
            {steps.map(({ fromMs, words, cells }, place) => (
              <rect key={fromMs} x={place} width={1} height={HEIGHT} fill="transparent">
                <title>{`${words}: ${cells.map((cell, at) => `${columns[at]} ${cell}`).join(", ")}`}</title>
              </rect>
            ))}
          </svg>
        </Box>
      </Box>
      <Box aria-hidden="true" sx={{ ...SMALL, display: "flex", pl: "52px" }}>
        {steps
          .filter((_, place) => place % every === 0)
          .map(({ fromMs, words }) => (
            <Box component="span" key={fromMs} sx={{ flex: `${every} 1 0`, minWidth: 0 }}>
              {words}
            </Box>
          ))}
      </Box>
      <Box sx={{ display: "flex", flexWrap: "wrap", columnGap: 2, my: 1, fontSize: "0.85rem" }}>{legend}</Box>
      <Box component="details">
        <Box component="summary" sx={{ cursor: "pointer" }}>
          {title} as a table
        </Box>
        <TextTable label={title} columns={columns} zone={zone} steps={steps} />
      </Box>
    </Paper>
  );
}

const SMALL = { fontSize: "0.75rem", color: "text.secondary" } as const;

function TextTable({
  label,
  columns,
  zone,
  steps,
}: Pick<PlotProps, "columns" | "zone" | "steps"> & { label: string }) {
  return (
    <Box role="region" aria-label={`${label}, table`} tabIndex={0} sx={{ maxHeight: 300, overflow: "auto" }}>
      <Box
        component="table"
        sx={{ borderCollapse: "collapse", "& th, & td": { px: 1, textAlign: "right", whiteSpace: "nowrap" } }}
      >
        <thead>
          <tr>
            {[`from, ${zone}`, ...columns].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map(({ fromMs, words, cells }) => (
            <tr key={fromMs}>
              <Box component="th" scope="row" sx={{ fontWeight: 400 }}>
                {words}
              </Box>
              {cells.map((cell, at) => (
                <td key={columns[at]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </Box>
    </Box>
  );
}
