import { expect, it } from "vitest";
import { answerOf } from "./client";
import { ApiProblem, isTransient, problemOf, Unreachable } from "./problems";

const REFUSAL = {
  type: "urn:tidegate:problem:not-yours",
  title: "Not yours",
  status: 403,
  detail: "job X is bob's",
  instance: null,
  errors: [],
};

it("keeps what the API says of a refusal", () => {
  const error = problemOf(403, REFUSAL);
  expect(error).toBeInstanceOf(ApiProblem);
  expect((error as ApiProblem).code).toBe("not-yours");
  expect(error.message).toBe("job X is bob's");
  expect(isTransient(error)).toBe(false);
});

it("tells a refusal of the gateway, which has no problem as its body", () => {
  expect(problemOf(401, { message: "Unauthorized" }).message).toContain("Sign in again");
  expect(isTransient(problemOf(502, "<html>"))).toBe(true);
});

it("raises what went wrong in place of an answer", async () => {
  const refused = { error: REFUSAL, response: new Response("", { status: 403 }) };
  await expect(answerOf(Promise.resolve(refused))).rejects.toBeInstanceOf(ApiProblem);
  await expect(answerOf(Promise.reject(new TypeError("Failed to fetch")))).rejects.toBeInstanceOf(
    Unreachable,
  );
  await expect(
    answerOf(Promise.resolve({ data: 7, response: new Response("", { status: 200 }) })),
  ).resolves.toBe(7);
});
