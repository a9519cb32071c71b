import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useRef } from "react";
import { useSettings } from "./settings";

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** The width as a grid track, such as `120px` or `minmax(160px, 2fr)`. */
  readonly width: string;
  readonly cell: (row: Row) => ReactNode;
  readonly align?: "right";
}

export interface VirtualTableProps<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly rowId: (row: Row) => string;
  readonly onOpen?: (row: Row) => void;
  readonly current?: string | null;
  readonly selected?: ReadonlySet<string>;
  readonly onSelect?: (ids: ReadonlySet<string>) => void;
  readonly height?: string;
}

/**
 * A table of any length that draws only the rows in sight. It is a grid for screen readers: arrows, Home and End move
 * the focus, Enter opens a row, Space selects it. New data moves neither scroll nor focus, because rows keep their ids.
 */
export function VirtualTable<Row>(props: VirtualTableProps<Row>) {
  const { label, rows, columns, rowId, onOpen, current, selected, onSelect, height = "100%" } = props;
  const { density } = useSettings();
  const rowHeight = density === "compact" ? 30 : 38;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => rowId(rows[index] as Row),
  });
  const tracks = [...(onSelect === undefined ? [] : ["44px"]), ...columns.map((column) => column.width)].join(
    " ",
  );

  const focusRow = (index: number) => {
    const bounded = Math.max(0, Math.min(rows.length - 1, index));
    virtual.scrollToIndex(bounded);
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-index="${bounded}"]`)?.focus(),
    );
  };
  const onKey = (event: KeyboardEvent, index: number, row: Row) => {
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: index + 1,
      j: index + 1,
      ArrowUp: index - 1,
      k: index - 1,
      Home: 0,
      End: rows.length - 1,
      PageDown: index + 15,
      PageUp: index - 15,
    };
    const to = moves[event.key];
    if (to !== undefined) {
      event.preventDefault();
      focusRow(to);
    } else if (event.key === "Enter" && event.target === event.currentTarget) {
      onOpen?.(row);
    } else if (
      (event.key === " " || event.key === "x") &&
      onSelect !== undefined &&
      event.target === event.currentTarget
    ) {
      event.preventDefault();
      toggle(rowId(row));
    }
  };
  const toggle = (id: string) => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect?.(next);
  };
  const all = rows.length > 0 && rows.every((row) => selected?.has(rowId(row)));

  return (
    <Box
      ref={scroller}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      tabIndex={rows.length === 0 ? 0 : -1}
      sx={{
        height,
        overflow: "auto",
        border: 1,
        borderColor: "divider",
        borderRadius: 1,
        bgcolor: "background.paper",
      }}
    >
      <Box
        role="row"
        aria-rowindex={1}
        sx={{
          display: "grid",
          gridTemplateColumns: tracks,
          position: "sticky",
          top: 0,
          zIndex: 1,
          bgcolor: "background.paper",
          borderBottom: 1,
          borderColor: "divider",
          minWidth: "min-content",
          fontWeight: 600,
          alignItems: "center",
        }}
      >
        {onSelect === undefined ? null : (
          <Box role="columnheader">
            <Checkbox
              size="small"
              checked={all}
              slotProps={{ input: { "aria-label": "select all rows" } }}
              onChange={() => onSelect(all ? new Set() : new Set(rows.map(rowId)))}
            />
          </Box>
        )}
        {columns.map((column) => (
          <Box
            key={column.id}
            role="columnheader"
            sx={{ px: 1, py: 0.75, textAlign: column.align ?? "left", whiteSpace: "nowrap" }}
          >
            {column.title}
          </Box>
        ))}
      </Box>
      <Box
        role="rowgroup"
        sx={{ height: virtual.getTotalSize(), position: "relative", minWidth: "min-content" }}
      >
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index] as Row;
          const id = rowId(row);
          return (
            <Box
              key={item.key}
              role="row"
              data-index={item.index}
              aria-rowindex={item.index + 2}
              aria-selected={onSelect === undefined ? undefined : (selected?.has(id) ?? false)}
              aria-current={current === id ? "true" : undefined}
              tabIndex={0}
              onClick={(event) => {
                if (!(event.target as HTMLElement).closest("a,button,input")) onOpen?.(row);
              }}
              onKeyDown={(event) => onKey(event, item.index, row)}
              sx={{
                display: "grid",
                gridTemplateColumns: tracks,
                position: "absolute",
                insetInline: 0,
                height: rowHeight,
                transform: `translateY(${item.start}px)`,
                alignItems: "center",
                borderBottom: 1,
                borderColor: "divider",
                cursor: onOpen === undefined ? "default" : "pointer",
                bgcolor: current === id || selected?.has(id) ? "action.selected" : undefined,
                "&:hover": { bgcolor: "action.hover" },
                "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main", outlineOffset: -2 },
              }}
            >
              {onSelect === undefined ? null : (
                <Box role="gridcell">
                  <Checkbox
                    size="small"
                    tabIndex={-1}
                    checked={selected?.has(id) ?? false}
                    slotProps={{ input: { "aria-label": `select ${id}` } }}
                    onChange={() => toggle(id)}
                  />
                </Box>
              )}
              {columns.map((column) => (
                <Box
                  key={column.id}
                  role="gridcell"
                  sx={{
                    px: 1,
                    overflow: "hidden",
                    textOverflow: "ellipsis",
                    whiteSpace: "nowrap",
                    textAlign: column.align ?? "left",
                  }}
                >
                  {column.cell(row)}
                </Box>
              ))}
            </Box>
          );
        })}
      </Box>
    </Box>
  );
}
