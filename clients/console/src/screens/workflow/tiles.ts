/** The cell of a job in the map: colour and pattern tell its state, so that neither is needed alone. */

import type { JobState } from "../../domain/states";

export interface TileColours {
  readonly tone: (state: string) => string;
  /** What patterns are cut out with: the colour behind the cells. */
  readonly behind: string;
}

/** How much of the cell is filled, from below. */
const FILLED: Readonly<Partial<Record<JobState, number>>> = {
  SUCCEEDED: 1,
  FAILED: 1,
  TIMED_OUT: 1,
  RUNNING: 1,
  QUEUED: 0.75,
  READY: 0.5,
};

/** The lines that cross the cell, from corner to corner as parts of its side. */
const LINES: Readonly<Partial<Record<JobState, readonly (readonly [number, number, number, number])[]>>> = {
  FAILED: [
    [0.2, 0.2, 0.8, 0.8],
    [0.8, 0.2, 0.2, 0.8],
  ],
  TIMED_OUT: [[0.15, 0.85, 0.85, 0.15]],
  RUNNING: [
    [0.35, 0.2, 0.75, 0.5],
    [0.75, 0.5, 0.35, 0.8],
  ],
  SCHEDULED: [[0.5, 0.4, 0.5, 0.6]],
  CANCELLED: [[0.15, 0.5, 0.85, 0.5]],
  SKIPPED: [[0.15, 0.15, 0.85, 0.85]],
};

/** Draws the cell of a state with its left upper corner at 0, 0. */
export function drawTile(
  context: CanvasRenderingContext2D,
  state: JobState,
  side: number,
  { tone, behind }: TileColours,
): void {
  const filled = FILLED[state] ?? 0;
  context.fillStyle = tone(state);
  context.strokeStyle = tone(state);
  context.lineWidth = 1;
  context.fillRect(0, side * (1 - filled), side, side * filled);
  context.strokeRect(0.5, 0.5, side - 1, side - 1);
  context.strokeStyle = filled === 1 ? behind : tone(state);
  context.lineWidth = Math.max(1, side / 8);
  context.beginPath();
  for (const [x1, y1, x2, y2] of LINES[state] ?? []) {
    context.moveTo(x1 * side, y1 * side);
    context.lineTo(x2 * side, y2 * side);
  }
  context.stroke();
}

/** Gives a canvas a size in CSS pixels and returns its context, scaled to the screen; null where there is none. */
export function contextOf(
  canvas: HTMLCanvasElement | null,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const context = canvas?.getContext("2d") ?? null;
  if (canvas === null || context === null) return null;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.ceil(width * ratio);
  canvas.height = Math.ceil(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
