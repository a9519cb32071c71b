import { expect, it } from "vitest";
import { NO_OWN_FIELDS, ownFieldsOf, sentOwnFields } from "./ownFields";

it("leaves empty fields to the API", () => {
  expect(sentOwnFields(NO_OWN_FIELDS)).toEqual({
    sent: {
      name: null,
      description: null,
      priority: null,
      pool: null,
      timeout_seconds: null,
      max_retries: 3,
      not_before: null,
      tags: {},
    },
    faults: [],
  });
});

it("sends for a job what the job has", () => {
  const job = {
    name: "nap",
    description: null,
    priority: 500,
    pool: "ecs",
    timeout_seconds: 0.5,
    max_retries: 0,
    tags: { team: "data", formula: "a=b" },
  };
  const { sent, faults } = sentOwnFields(ownFieldsOf(job));
  expect(sent).toEqual({ ...job, not_before: null });
  expect(faults).toEqual([]);
});

it("names the field that is wrong", () => {
  const { faults } = sentOwnFields({
    ...NO_OWN_FIELDS,
    priority: "-1",
    timeout_seconds: "soon",
    max_retries: "1.5",
    tags: "team\na=1\na=2",
  });
  expect(faults.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    "priority: must be a whole number",
    "timeout_seconds: must be a number of seconds",
    "max_retries: must be a whole number",
    "tags: team: must be like team=data",
    "tags: a is there twice",
  ]);
});
