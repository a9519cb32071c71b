import { expect, it } from "vitest";
import { plain, shortened } from "./text";

it("writes characters out that could make a text look like another one", () => {
  expect(plain("safe\u202egnp.exe")).toBe("safe\\u202egnp.exe");
  expect(plain("a\u0000b\u200bc")).toBe("a\\u0000b\\u200bc");
  expect(plain("two\nlines")).toBe("two lines");
  expect(plain("Zürich 東京 <b>")).toBe("Zürich 東京 <b>");
});

it("cuts long texts", () => {
  expect(shortened("abcdef", 4)).toBe("abc…");
  expect(shortened("abcd", 4)).toBe("abcd");
});
