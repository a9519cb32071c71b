import { useTheme } from "@mui/material/styles";
import { type MouseEvent, useEffect, useRef } from "react";
import type { Axis, Bar, Lane } from "../../domain/graph/timeline";
import { useStateTone } from "../../shared/StateMark";
import { contextOf } from "./tiles";

export interface LaneCanvasProps {
  readonly name: string;
  readonly lane: Pick<Lane, "rows" | "bars">;
  readonly axis: Axis;
  readonly width: number;
  readonly nowMs: number;
  readonly wide: boolean;
  /** The most pixels of one row. */
  readonly mostRow?: number;
  readonly critical: ReadonlySet<number>;
  readonly selected: number | null;
  readonly nameOf: (bar: Bar) => string;
  /** What stands in a bar that has room for it. */
  readonly textOf?: (bar: Bar) => string;
  readonly onOpen: (job: number) => void;
}

const LEAST_WIDTH = 2;
const HEIGHT = 44;
const MOST_ROW = 14;
const WIDE_ROW = 16;
const MOST_HEIGHT = 640;
const HATCH = 6;
/** Edges of thinner rows would cover each other. */
const LEAST_EDGED = 6;
const LEAST_TEXT = 12;

interface Frame {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Returns where a bar stands. Rows get thinner until all of them fit. */
export function frameOf(bar: Bar, rows: number, axis: Axis, height: number, mostRow = MOST_ROW): Frame {
  const row = Math.min(mostRow, height / Math.max(1, rows));
  const x = axis.x(bar.fromMs);
  return {
    x,
    y: bar.row * row,
    width: Math.max(LEAST_WIDTH, axis.x(bar.toMs) - x),
    height: Math.max(1, row - (row > 4 ? 2 : 0)),
  };
}

interface Colours {
  readonly tone: (state: string) => string;
  readonly text: string;
  readonly behind: string;
  readonly faint: string;
}

function drawGaps(context: CanvasRenderingContext2D, axis: Axis, height: number, colours: Colours): void {
  context.strokeStyle = colours.faint;
  context.lineWidth = 1;
  for (const gap of axis.gaps) {
    const [from, to] = [axis.x(gap.fromMs), axis.x(gap.toMs)];
    context.beginPath();
    for (let x = from; x <= to; x += HATCH) {
      context.moveTo(x, height);
      context.lineTo(Math.min(x + HATCH, to), 0);
    }
    context.stroke();
  }
}

function drawText(context: CanvasRenderingContext2D, text: string, frame: Frame, colour: string): void {
  context.font = "11px system-ui, sans-serif";
  if (context.measureText(text).width > frame.width - 8) return;
  context.fillStyle = colour;
  context.textBaseline = "middle";
  context.fillText(text, frame.x + 4, frame.y + frame.height / 2 + 0.5);
}

function drawBars(
  context: CanvasRenderingContext2D,
  { lane, axis, mostRow, critical, selected, textOf }: LaneCanvasProps,
  height: number,
  colours: Colours,
): void {
  for (const bar of lane.bars) {
    const { x, y, width, height: tall } = frameOf(bar, lane.rows, axis, height, mostRow);
    context.globalAlpha = bar.ghost ? 0.3 : 1;
    context.fillStyle = colours.tone(bar.state);
    context.fillRect(x, y, width, tall);
    context.globalAlpha = 1;
    if (bar.ghost && tall >= LEAST_EDGED) {
      context.setLineDash([3, 3]);
      context.strokeStyle = colours.tone(bar.state);
      context.lineWidth = 1;
      context.strokeRect(x, y, width, tall);
      context.setLineDash([]);
    }
    if (critical.has(bar.job) || bar.job === selected) {
      context.strokeStyle = colours.text;
      context.lineWidth = bar.job === selected ? 3 : tall >= LEAST_EDGED ? 2 : 1;
      context.strokeRect(x + 1, y + 1, Math.max(1, width - 2), Math.max(1, tall - 2));
    }
    if (textOf !== undefined && tall >= LEAST_TEXT) {
      drawText(
        context,
        textOf(bar),
        { x, y, width, height: tall },
        bar.ghost ? colours.text : colours.behind,
      );
    }
  }
}

/** One lane of the timeline. The table under the timeline says the same in words. */
export function LaneCanvas(props: LaneCanvasProps) {
  const { name, lane, axis, width, nowMs, wide, mostRow, nameOf, onOpen } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const tone = useStateTone();
  const { palette } = useTheme();
  const height = wide ? Math.min(MOST_HEIGHT, Math.max(HEIGHT, lane.rows * WIDE_ROW)) : HEIGHT;

  useEffect(() => {
    const context = contextOf(canvas.current, width, height);
    if (context === null) return;
    const colours = {
      tone,
      text: palette.text.primary,
      behind: palette.background.paper,
      faint: palette.text.disabled,
    };
    drawGaps(context, axis, height, colours);
    drawBars(context, props, height, colours);
    if (nowMs >= axis.fromMs && nowMs <= axis.toMs) {
      context.fillStyle = colours.text;
      context.fillRect(Math.min(axis.x(nowMs), width - 1), 0, 1, height);
    }
  });

  const barAt = (event: MouseEvent<HTMLCanvasElement>): Bar | undefined => {
    const place = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - place.left, event.clientY - place.top];
    return lane.bars.find((bar) => {
      const frame = frameOf(bar, lane.rows, axis, height, mostRow);
      return x >= frame.x && x <= frame.x + frame.width && y >= frame.y && y <= frame.y + frame.height + 1;
    });
  };
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={`${name}: ${lane.bars.length} bars, listed in the table below`}
      style={{ width, height, cursor: "pointer" }}
      onMouseMove={(event) => {
        const bar = barAt(event);
        // Set on the element itself: a pointer that moves has nothing drawn again.
        event.currentTarget.title = bar === undefined ? "" : nameOf(bar);
      }}
      onClick={(event) => {
        const bar = barAt(event);
        if (bar !== undefined) onOpen(bar.job);
      }}
    />
  );
}
