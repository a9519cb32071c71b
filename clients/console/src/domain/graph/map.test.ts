import { describe, expect, it } from "vitest";
import { compactGraph, drawnGraph } from "../../testing/graphs";
import { at } from "./dag";
import { decodeGraph } from "./graph";
import { cellOf, jobAt, levelMarks, mapOf } from "./map";

const chain = (length: number) =>
  decodeGraph(compactGraph(Array.from({ length }, (_, job) => (job === 0 ? [] : [job - 1]))));

describe("mapOf", () => {
  it.each([
    [1, 40, 1_100],
    [2, 700, 1_100],
    [3, 10_000, 1_100],
    [4, 10_000, 340],
  ])("gives each job a cell of its own in the width (seed %i, %i jobs, %i pixels)", (seed, count, width) => {
    const graph = decodeGraph(drawnGraph(seed, count));
    const map = mapOf(graph, width, 420);
    expect(map.width).toBeLessThanOrEqual(width);
    expect(map.height).toBeLessThanOrEqual(420);
    const seen = new Set<string>();
    const step = count > 1_000 ? 37 : 1;
    for (let job = 0; job < count; job += step) {
      const cell = cellOf(map, job);
      if (cell === null) throw new Error(`job ${job} has no cell`);
      expect(jobAt(map, cell.x + map.cell / 2, cell.y + map.cell / 2)).toBe(job);
      seen.add(`${cell.x} ${cell.y}`);
    }
    expect(seen.size).toBe(Math.ceil(count / step));
  });

  it("keeps levels apart, lower ones to the left", () => {
    const graph = decodeGraph(compactGraph([[], [], [0, 1], [2]]));
    const map = mapOf(graph, 600, 400);
    expect(map.byLevel).toBe(true);
    expect(map.columns.map((column) => [column.level, column.count])).toEqual([
      [0, 2],
      [1, 1],
      [2, 1],
    ]);
    expect(jobAt(map, map.cell + 1, 1)).toBeNull();
    expect(jobAt(map, 1, 3 * map.cell)).toBeNull();
    expect(cellOf(map, 4)).toBeNull();
  });

  it("lets levels share columns where each of them has one job", () => {
    const map = mapOf(chain(10_000), 1_100, 420);
    expect(map.byLevel).toBe(false);
    expect(map.width).toBeLessThanOrEqual(1_100);
    expect(map.cell).toBeGreaterThanOrEqual(5);
  });

  it("grows taller where nothing else is left", () => {
    const map = mapOf(chain(10_000), 60, 100);
    expect(map.width).toBeLessThanOrEqual(60);
    expect(map.columns.reduce((sum, column) => sum + column.count, 0)).toBe(10_000);
  });
});

describe("levelMarks", () => {
  it("are the beginnings of levels, far enough from each other", () => {
    const map = mapOf(chain(60), 1_100, 420);
    const marks = levelMarks(map, 50);
    expect(marks[0]?.level).toBe(0);
    marks.slice(1).forEach((mark, place) => {
      expect(mark.x - (marks[place]?.x ?? 0)).toBeGreaterThanOrEqual(50);
    });
    expect(at(map.order, marks.at(-1)?.start ?? 0)).toBe(marks.at(-1)?.level);
  });
});
