import { describe, expect, it } from "vitest";
import { mapBounded, reachOf, STATES_OF_ACT, type Told, tallyOf, whyNot } from "./jobActs";
import { JOB_STATES } from "./states";

describe("whyNot", () => {
  const allowed = (act: Parameters<typeof whyNot>[0], on_hold = false) =>
    JOB_STATES.filter((state) => whyNot(act, { state, on_hold }) === null);

  it("allows each act in its states alone", () => {
    expect(allowed("cancel")).toEqual(["RUNNING", "QUEUED", "READY", "SCHEDULED", "PENDING"]);
    expect(allowed("retry")).toEqual(["FAILED", "TIMED_OUT", "CANCELLED", "SKIPPED"]);
    expect(allowed("rerun")).toEqual(["FAILED", "TIMED_OUT", "CANCELLED", "SKIPPED", "SUCCEEDED"]);
    expect(allowed("hold")).toEqual(["READY", "SCHEDULED", "PENDING"]);
    expect(allowed("hold", true)).toEqual([]);
    expect(allowed("unhold", true)).toEqual(["READY", "SCHEDULED", "PENDING"]);
    expect(allowed("change")).toEqual(["READY", "SCHEDULED", "PENDING"]);
    expect(allowed("mark")).not.toContain("RUNNING");
    expect(allowed("mark")).not.toContain("SUCCEEDED");
    expect(allowed("cancel downstream")).toEqual([...JOB_STATES]);
  });

  it("agrees with the states of acts on many jobs", () => {
    for (const act of ["cancel", "retry", "reprioritise"] as const) {
      expect(allowed(act)).toEqual(JOB_STATES.filter((state) => STATES_OF_ACT[act].has(state)));
    }
  });

  it("does not ask a worker twice", () => {
    const job = { state: "RUNNING", on_hold: false, cancel_requested_at: "2026-12-01T00:00:00Z" };
    expect(whyNot("cancel", job)).toContain("asked");
  });
});

describe("reachOf", () => {
  it("counts the jobs that an act can reach, and the reasons for the others", () => {
    const jobs = ["READY", "SUCCEEDED", "FAILED", "SUCCEEDED"].map((state) => ({ state, on_hold: false }));
    expect(reachOf("cancel", jobs)).toEqual({
      can: 1,
      reasons: [
        { reason: "it has ended: SUCCEEDED", count: 2 },
        { reason: "it has ended: FAILED", count: 1 },
      ],
    });
    expect(reachOf("cancel", [])).toEqual({ can: 0, reasons: [] });
  });
});

describe("tallyOf", () => {
  const told = (job_id: string, outcome: Told["outcome"], reason: string | null = null): Told => ({
    job_id,
    outcome,
    state: null,
    reason,
  });

  it("counts outcomes, and joins the reasons of different jobs", () => {
    const tally = tallyOf([
      told("A", "DONE"),
      told("B", "ASKED"),
      told("C", "LEFT", "job C has ended"),
      told("D", "LEFT", "job D has ended"),
      told("E", "LEFT", "it is bob's"),
      told("F", "LEFT"),
    ]);
    expect(tally).toMatchObject({ done: 1, asked: 1, left: 4 });
    expect(tally.reasons[0]).toEqual({ reason: "it has ended", count: 2 });
    expect(tally.reasons).toHaveLength(3);
  });

  it("has nothing of nothing", () => {
    expect(tallyOf([])).toEqual({ done: 0, asked: 0, left: 0, reasons: [] });
  });
});

describe("mapBounded", () => {
  it("keeps the order and the bound", async () => {
    let running = 0;
    let most = 0;
    const answers = await mapBounded([5, 1, 4, 2, 3, 0, 6], 3, async (wait) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((done) => setTimeout(done, wait));
      running -= 1;
      return wait * 2;
    });
    expect(answers).toEqual([10, 2, 8, 4, 6, 0, 12]);
    expect(most).toBe(3);
  });

  it("has nothing to do for no items", async () => {
    expect(await mapBounded([], 3, async () => 1)).toEqual([]);
  });
});
