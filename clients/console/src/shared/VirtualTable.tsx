import Box from "@mui/material/Box";
import Checkbox from "@mui/material/Checkbox";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type MouseEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { rangeOf } from "../domain/rows";
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
  /** Is called while the last rows are in sight, so that more can be read. */
  readonly onNearEnd?: () => void;
  /** Under this name the scroll and the focused row are kept while the page stands, so that "back" finds them again. */
  readonly placeName?: string;
}

/** Lets the table of this name begin at its first row when it appears the next time. */
export function forgetPlace(name: string): void {
  places.delete(name);
}

// One style for all rows: a style made for each cell costs more than the cell, and is felt in scrolling.
const ROWS = {
  position: "relative",
  minWidth: "min-content",
  "& > [role=row]": {
    display: "grid",
    position: "absolute",
    insetInline: 0,
    alignItems: "center",
    borderBottom: 1,
    borderColor: "divider",
    "&:hover": { bgcolor: "action.hover" },
    "&[aria-current], &[aria-selected=true]": { bgcolor: "action.selected" },
    "&:focus-visible": { outline: "2px solid", outlineColor: "primary.main", outlineOffset: -2 },
    "& > .text": { px: 1, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  },
} as const;

interface Place {
  readonly offset: number;
  readonly focused: string | null;
}

const ROWS_BEFORE_END = 20;
const MOST_PLACES = 50;
const places = new Map<string, Place>();

function keepPlace(name: string, place: Place): void {
  places.delete(name);
  places.set(name, place);
  const oldest = places.keys().next().value;
  if (places.size > MOST_PLACES && oldest !== undefined) places.delete(oldest);
}

/**
 * A table of any length that draws only the rows in sight. It is a grid for screen readers: Tab reaches one row, arrows,
 * Home and End move the focus, Enter opens a row, Space selects it. Ctrl or Cmd with a click selects a row too, and Shift
 * all rows to it. New data moves neither scroll nor focus, because rows keep their ids.
 */
export function VirtualTable<Row>(props: VirtualTableProps<Row>) {
  const { label, rows, columns, rowId, onOpen, current, selected, onSelect, height = "100%" } = props;
  const { onNearEnd, placeName } = props;
  const { density } = useSettings();
  const rowHeight = density === "compact" ? 30 : 38;
  const scroller = useRef<HTMLDivElement>(null);
  const anchor = useRef<string | null>(null);
  const virtual = useVirtualizer({
    initialOffset: () => (placeName === undefined ? 0 : (places.get(placeName)?.offset ?? 0)),
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => rowId(rows[index] as Row),
  });
  const tracks = [...(onSelect === undefined ? [] : ["44px"]), ...columns.map((column) => column.width)].join(
    " ",
  );

  const items = virtual.getVirtualItems();
  const idAt = (index: number) => {
    const row = rows[index];
    return row === undefined ? null : rowId(row);
  };
  // Tab stops at the row that had the focus last, or at the first one in sight.
  const [visited, setVisited] = useState<string | null>(null);
  const stop = items.some((item) => idAt(item.index) === visited)
    ? visited
    : idAt(virtual.range?.startIndex ?? 0);
  const lastInSight = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (rows.length > 0 && lastInSight >= rows.length - ROWS_BEFORE_END) onNearEnd?.();
  }, [lastInSight, rows.length, onNearEnd]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the focus comes back once, when the table appears
  useEffect(() => {
    const focused = placeName === undefined ? null : (places.get(placeName)?.focused ?? null);
    const index = focused === null ? -1 : rows.findIndex((row) => rowId(row) === focused);
    if (index >= 0 && (document.activeElement === null || document.activeElement === document.body)) {
      requestAnimationFrame(() =>
        scroller.current
          ?.querySelector<HTMLElement>(`[data-index="${index}"]`)
          ?.focus({ preventScroll: true }),
      );
    }
  }, []);

  const remember = (focused?: string) => {
    if (placeName === undefined) return;
    const offset = scroller.current?.scrollTop ?? 0;
    keepPlace(placeName, { offset, focused: focused ?? places.get(placeName)?.focused ?? null });
  };
  const focusRow = (index: number) => {
    const bounded = Math.max(0, Math.min(rows.length - 1, index));
    virtual.scrollToIndex(bounded);
    const drawn = () => scroller.current?.querySelector<HTMLElement>(`[data-index="${bounded}"]`);
    // At once where the row is drawn, so that the next key already finds it; else with the frame that draws it.
    const there = drawn();
    if (there) there.focus();
    else requestAnimationFrame(() => drawn()?.focus());
  };
  const onKey = (event: KeyboardEvent, index: number, row: Row) => {
    // Ctrl-K and the like are keys of the page or of the browser.
    if (event.ctrlKey || event.metaKey || event.altKey) return;
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
    anchor.current = id;
    onSelect?.(next);
  };
  const selectTo = (id: string) => {
    onSelect?.(new Set([...(selected ?? []), ...rangeOf(rows.map(rowId), anchor.current, id)]));
    anchor.current = id;
  };
  const onClick = (event: MouseEvent, row: Row) => {
    if (event.target instanceof Element && event.target.closest("a,button,input") !== null) return;
    const id = rowId(row);
    if (onSelect !== undefined && event.shiftKey) selectTo(id);
    else if (onSelect !== undefined && (event.ctrlKey || event.metaKey)) toggle(id);
    else onOpen?.(row);
  };
  const all = rows.length > 0 && rows.every((row) => selected?.has(rowId(row)));

  return (
    <Box
      ref={scroller}
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      tabIndex={rows.length === 0 ? 0 : -1}
      onScroll={() => remember()}
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
      <Box role="rowgroup" style={{ height: virtual.getTotalSize() }} sx={ROWS}>
        {items.map((item) => {
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
              tabIndex={id === stop ? 0 : -1}
              onClick={(event) => onClick(event, row)}
              onMouseDown={(event) => {
                // Shift with a click selects rows here, and no text.
                if (event.shiftKey && onSelect !== undefined) event.preventDefault();
              }}
              onFocus={() => {
                setVisited(id);
                remember(id);
              }}
              onKeyDown={(event) => onKey(event, item.index, row)}
              style={{
                gridTemplateColumns: tracks,
                height: rowHeight,
                transform: `translateY(${item.start}px)`,
                cursor: onOpen === undefined ? "default" : "pointer",
              }}
            >
              {onSelect === undefined ? null : (
                <Box role="gridcell">
                  <Checkbox
                    size="small"
                    tabIndex={-1}
                    checked={selected?.has(id) ?? false}
                    slotProps={{ input: { "aria-label": `select ${id}` } }}
                    onChange={(event) => {
                      const { nativeEvent } = event;
                      if ("shiftKey" in nativeEvent && nativeEvent.shiftKey === true) selectTo(id);
                      else toggle(id);
                    }}
                  />
                </Box>
              )}
              {columns.map((column) => (
                <Box
                  key={column.id}
                  role="gridcell"
                  className="text"
                  style={column.align === undefined ? undefined : { textAlign: column.align }}
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
