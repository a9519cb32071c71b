import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const COMPRESSED = /\.(js|css|svg|txt)$/;

/** Writes a compressed form beside each file, which `tidegate console` serves. The page itself differs in each answer. */
function compress(): Plugin {
  return {
    name: "compress",
    apply: "build",
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle).filter((each) => COMPRESSED.test(each))) {
        const file = join(dir ?? "dist", name);
        writeFileSync(`${file}.gz`, gzipSync(readFileSync(file), { level: 9 }));
      }
    },
  };
}

/**
 * Leaves the list of choices out that MUI draws by itself, with its menu and popover: 7 kB compressed. Every field of the
 * console uses the browser's own list, which works on a phone too; src/rooms.test.ts holds that.
 */
function nativeLists(): Plugin {
  const LEFT_OUT = "\0left-out-select-input";
  return {
    name: "native-lists",
    apply: "build",
    enforce: "pre",
    resolveId: (source, importer) =>
      source === "./SelectInput.mjs" && importer?.includes("/@mui/material/Select/") ? LEFT_OUT : null,
    load: (id) =>
      id === LEFT_OUT
        ? 'export default function SelectInput() { throw new Error("a field to choose from must be native"); }'
        : null,
  };
}

/** Gives the page of `npm run dev` its base, as the server does, so that every address of a screen can be opened. */
function base(): Plugin {
  return {
    name: "base",
    apply: "serve",
    transformIndexHtml: () => [{ tag: "base", attrs: { href: "/" }, injectTo: "head-prepend" }],
  };
}

// Relative addresses let the same files be served at any depth of any host; the server adds <base href>.
export default defineConfig({
  base: "./",
  plugins: [nativeLists(), react(), base(), compress()],
  // `npm run dev` shows the console over the API in memory of tests/harness/console.
  server: { host: "127.0.0.1", proxy: { "/v1": process.env.TIDEGATE_API ?? "http://127.0.0.1:8899" } },
  build: {
    target: "es2022",
    sourcemap: false,
    chunkSizeWarningLimit: 900,
    assetsInlineLimit: 0,
    // The licences of all that gets into the files. The server answers them as text; Settings links to them.
    // Every file is a request of its own and compresses by itself, so what several screens use is one file.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "shared", minShareCount: 3 }] } } },
    license: { fileName: "third-party.txt" },
  },
  test: {
    restoreMocks: true,
    testTimeout: 60_000,
    maxWorkers: "100%",
    // Pure functions need no page, which takes longer to make than all their tests take.
    projects: [
      { extends: true, test: { name: "domain", include: ["src/*.test.ts", "src/domain/**/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "page",
          include: ["src/{api,shared,screens,app,testing}/**/*.test.{ts,tsx}"],
          environment: "jsdom",
          setupFiles: ["src/testing/setup.ts"],
        },
      },
    ],
  },
});
