import Button from "@mui/material/Button";
import { useState } from "react";
import { arrivalsOf } from "../domain/arrivals";

/**
 * Lets rows that arrive at the top of a list wait until they are called. `of` names what is listed: with another name
 * everything is new, and all of it is shown. `stale` says that the rows are still those of another name.
 */
export function useArrivals<Row>(
  rows: readonly Row[],
  of: string,
  idOf: (row: Row) => string,
  stale: boolean,
): { readonly shown: readonly Row[]; readonly waiting: number; readonly show: () => void } {
  const [seen, setSeen] = useState<{ readonly of: string; readonly ids: ReadonlySet<string> } | null>(null);
  const show = () => setSeen({ of, ids: new Set(rows.map(idOf)) });
  if (!stale && seen?.of !== of) show();
  const known = seen?.of === of ? seen.ids : new Set<string>();
  const { rows: shown, waiting } = arrivalsOf(rows, known, idOf);
  return { shown, waiting, show };
}

/** The button that calls what is new. Its place stands before it does, so that nothing moves when it appears. */
export function NewPill({ waiting, onShow }: { waiting: number; onShow: () => void }) {
  return (
    <span role="status">
      {waiting === 0 ? null : (
        <Button variant="contained" onClick={onShow} sx={{ borderRadius: 4 }}>
          {waiting.toLocaleString("en")} new: show
        </Button>
      )}
    </span>
  );
}
