import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Relative addresses let the same files be served at any depth of any host; the server adds <base href>.
export default defineConfig({
  base: "./",
  plugins: [react()],
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
