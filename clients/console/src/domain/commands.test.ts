import { describe, expect, it } from "vitest";
import { commandOf, curlCommand, jobCommand, listCommand } from "./commands";
import { NO_FILTERS } from "./jobFilters";

describe("quoted", () => {
  it("leaves simple words as they are", () => {
    expect(commandOf(["tidegate", "--tag", "team=data"])).toBe("tidegate --tag team=data");
  });
});

it("shows a job and a list", () => {
  expect(jobCommand("6WRG02RMBSYB4S71Q0B9AKQ2TE.1")).toBe("tidegate jobs get 6WRG02RMBSYB4S71Q0B9AKQ2TE.1");
  const filters = {
    ...NO_FILTERS,
    states: ["FAILED", "TIMED_OUT"] as const,
    name: "o'clock",
    tags: ["team=data"],
    order: "newest" as const,
  };
  expect(listCommand(filters, "2026-12-01T00:00:00.000Z")).toBe(
    "tidegate jobs list --state FAILED --state TIMED_OUT --name 'o'\\''clock' --from 2026-12-01T00:00:00.000Z --tag team=data --order time --direction desc",
  );
});

describe("curlCommand", () => {
  it("quotes the path, and signs or sends a token", () => {
    expect(curlCommand("/v1/jobs/A.1", true)).toBe(
      'curl -sS -H "Authorization: Bearer $TOKEN" "$API_URL"/v1/jobs/A.1',
    );
    expect(curlCommand("/v1/jobs?tag=a$(id)", false)).toContain("'/v1/jobs?tag=a$(id)'");
    expect(curlCommand("/v1/jobs", false)).toContain("--aws-sigv4");
  });
});
