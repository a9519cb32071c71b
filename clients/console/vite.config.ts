import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** What js-yaml makes as it is loaded: the values of its top level that are not written out. */
const MADE_AT_LOAD =
  /^(var \w+ = )((?:new |define\w+Tag\(|\w+\.withTags\()(?:[^\n]*|[\s\S]*?\n[\])}]+)|\{\n\t\.{3}[\s\S]*?\n\});$/gm;

/** Marks those values as free of effects. The console uses the parser alone, so that the build leaves the rest out. */
function parserOfYamlAlone(): Plugin {
  return {
    name: "parser-of-yaml-alone",
    transform(code, id) {
      if (!id.includes("/js-yaml/")) return null;
      return { code: code.replace(MADE_AT_LOAD, "$1/* @__PURE__ */ (() => ($2))();"), map: null };
    },
  };
}

// Relative addresses let the same files be served at any depth of any host; the server adds <base href>.
export default defineConfig({
  base: "./",
  plugins: [react(), parserOfYamlAlone()],
  // `npm run dev` shows the console over the API in memory of tests/harness/console.
  server: { host: "127.0.0.1", proxy: { "/v1": process.env.TIDEGATE_API ?? "http://127.0.0.1:8899" } },
  build: { target: "es2022", sourcemap: false, chunkSizeWarningLimit: 900, assetsInlineLimit: 0 },
  test: {
    include: ["src/**/*.test.{ts,tsx}"],
    environment: "jsdom",
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    testTimeout: 60_000,
  },
});
