/** Commands that the console offers to copy, read by a real shell. */

import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { quoted } from "../domain/commands";

const HOSTILE = [
  "plain",
  "",
  "two words",
  "it's",
  "$(touch /tmp/x) `id` ; rm -rf /",
  '"; echo "',
  "a\nb\tc",
  "-rf",
  "!history",
  "safe\u202egnp.exe",
  "Zürich 東京",
  "nul's\u0007\\x41",
];

describe("quoted", () => {
  it.each(HOSTILE)("is one word to a shell: %j", (text) => {
    const said = execFileSync("bash", ["-c", `printf '%s|' ${quoted(text)}`], { encoding: "utf8" });
    expect(said).toBe(`${text}|`);
  });

  it("shows no character that a terminal acts on", () => {
    for (const text of HOSTILE) expect(quoted(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
