import { expect, it } from "vitest";
import { madeAtMs } from "./ulid";

it("tells when an id was made", () => {
  // The example of the specification.
  expect(madeAtMs("01ARZ3NDEKTSV4RRFFQ69G5FAV")).toBe(1_469_922_850_259);
  expect(madeAtMs("00000000000000000000000000")).toBe(0);
});

it.each(["", "01arz3ndektsv4rrffq69g5fav", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAV.3"])(
  "takes %j for no id with a time",
  (id) => expect(madeAtMs(id)).toBeNull(),
);
