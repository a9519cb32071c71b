import { describe, expect, it } from "vitest";
import { type ChangeForm, changeOf, tagsOf, typedObject } from "./jobChange";

const FORM: ChangeForm = {
  priority: "100",
  notBefore: "",
  pool: "ecs",
  description: "",
  tags: "team=data",
};

describe("changeOf", () => {
  it("has nothing where nothing was changed", () => {
    expect(changeOf(FORM, { ...FORM, priority: " 100 " }, "UTC")).toEqual({ change: {}, faults: {} });
  });

  it("has the changed fields alone", () => {
    const after = { ...FORM, priority: "900", notBefore: "2026-12-01 06:00", tags: "team=web,kind=a\\,b" };
    expect(changeOf(FORM, after, "Europe/Berlin").change).toEqual({
      priority: 900,
      not_before: "2026-12-01T05:00:00.000Z",
      tags: { team: "web", kind: "a,b" },
    });
  });

  it("takes a time and a description off", () => {
    const before = { ...FORM, notBefore: "2026-12-01 06:00:00", description: "x" };
    expect(changeOf(before, FORM, "UTC").change).toEqual({ not_before: null, description: null });
  });

  it("says what is wrong with a field, and leaves it out", () => {
    const after = { priority: "1.5", notBefore: "soon", pool: " ", description: "", tags: "data" };
    const { change, faults } = changeOf(FORM, after, "UTC");
    expect(change).toEqual({});
    expect(Object.keys(faults).sort()).toEqual(["notBefore", "pool", "priority", "tags"]);
  });
});

it("reads tags and objects", () => {
  expect(tagsOf("")).toEqual({});
  expect(tagsOf("a=b=c")).toEqual({ a: "b=c" });
  expect(tagsOf("=x")).toBeNull();
  expect(typedObject('{"a": 1}')).toEqual({ a: 1 });
  expect(typedObject(" ")).toBeUndefined();
  expect(typedObject("[1]")).toBeNull();
  expect(typedObject("{")).toBeNull();
});
