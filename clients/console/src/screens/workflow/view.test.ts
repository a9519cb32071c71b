import { describe, expect, it } from "vitest";
import { decodeGraph } from "../../domain/graph/graph";
import { layoutOf } from "../../domain/graph/layout";
import { compactGraph } from "../../testing/graphs";
import { neighbourBy } from "./BoxGraph";
import { firstView, jobIn, numberIn } from "./view";

/** Two chains: 0 before 2, and 1 before 3. */
const graph = decodeGraph(compactGraph([[], [], [0], [1]]));

describe("firstView", () => {
  it("groups jobs unless they are few or all different", () => {
    expect(firstView(20, 3)).toBe("graph");
    expect(firstView(81, 3)).toBe("groups");
    expect(firstView(200, 120)).toBe("graph");
    expect(firstView(10_000, 150)).toBe("groups");
  });
});

describe("what an address selects", () => {
  it("is a job by its index or its id, and nothing else", () => {
    expect(jobIn(graph, "3")).toBe(3);
    expect(jobIn(graph, "00000000000000000000000008.2")).toBe(2);
    for (const text of [undefined, "", "4", "-1", "1.5", "x", "7M7Y9MZS179VH7H1TBVG0SWMGP.1"]) {
      expect(jobIn(graph, text)).toBeNull();
    }
  });

  it("is a number within bounds", () => {
    expect(numberIn(undefined, 2, 10)).toBe(2);
    expect(numberIn("0", 2, 10)).toBe(0);
    expect(numberIn("99", 2, 10)).toBe(10);
    expect(numberIn("-1", 2, 10)).toBe(2);
  });
});

describe("arrow keys", () => {
  const layout = layoutOf(graph);

  it("walk edges to the sides, and the column up and down", () => {
    expect(neighbourBy("ArrowRight", 1, graph, layout)).toBe(3);
    expect(neighbourBy("ArrowLeft", 2, graph, layout)).toBe(0);
    expect(neighbourBy("ArrowDown", 0, graph, layout)).toBe(1);
    expect(neighbourBy("ArrowUp", 0, graph, layout)).toBeNull();
    expect(neighbourBy("ArrowRight", 3, graph, layout)).toBeNull();
    expect(neighbourBy("End", 0, graph, layout)).toBe(2);
    expect(neighbourBy("a", 0, graph, layout)).toBeNull();
  });
});
