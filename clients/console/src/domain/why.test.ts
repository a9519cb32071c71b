import { describe, expect, it } from "vitest";
import { aboutOf, type Change, evidenceOf, remedyOf } from "./why";

const NONE: Change = { action: "wait-until", pool: null, type: null, job_ids: [], max_running: null };

describe("remedyOf", () => {
  it("has an act for what a caller can lift", () => {
    expect(remedyOf({ ...NONE, action: "unhold" })).toMatchObject({ act: "unhold", role: "client" });
    expect(remedyOf({ ...NONE, action: "resume-pool", pool: "ecs" })).toMatchObject({
      act: "resume-pool",
      pool: "ecs",
      role: "operator",
    });
    expect(remedyOf({ ...NONE, action: "retry-upstream", job_ids: ["A.0"] })).toMatchObject({ jobId: "A.0" });
    expect(remedyOf({ ...NONE, action: "limit-type", type: "t", max_running: 4 })?.label).toContain("to 4");
    expect(remedyOf({ ...NONE, action: "limit-type", type: "t" })?.label).toContain("off");
  });

  it("has none for what only time or a deployment lifts", () => {
    for (const action of [
      "wait-until",
      "wait-for-upstream",
      "add-slots",
      "deploy-pool",
      "cancel",
      "resume-pool",
    ]) {
      expect(remedyOf({ ...NONE, action }), action).toBeNull();
    }
  });
});

describe("aboutOf", () => {
  it("names the jobs once, and takes no kind of dependency for a type", () => {
    const fact = {
      code: "upstream",
      evidence: { job_id: "A.0", key: "extract", type: "MUST_SUCCEED", condition: null },
      change: { ...NONE, action: "wait-for-upstream", job_ids: ["A.0"] },
    };
    expect(aboutOf(fact)).toEqual({ jobs: ["A.0"], pool: null, type: null });
    expect(evidenceOf(fact).map(([name]) => name)).toEqual(["key", "type"]);
  });

  it("names holders, pools and types", () => {
    const key = { code: "key-limit", evidence: { holders: ["A.1", "A.2"], limit: 1 }, change: NONE };
    expect(aboutOf(key).jobs).toEqual(["A.1", "A.2"]);
    const type = { code: "type-paused", evidence: { type: "report.build" }, change: NONE };
    expect(aboutOf(type).type).toBe("report.build");
    expect(aboutOf({ code: "pool-paused", evidence: { pool: "ecs" }, change: NONE }).pool).toBe("ecs");
  });
});
