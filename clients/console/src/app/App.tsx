import createCache from "@emotion/cache";
import { CacheProvider } from "@emotion/react";
import CssBaseline from "@mui/material/CssBaseline";
import { ThemeProvider } from "@mui/material/styles";
import useMediaQuery from "@mui/material/useMediaQuery";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type Connection, ConnectionContext } from "../api/context";
import { isTransient } from "../api/problems";
import { useSettings } from "../shared/settings";
import { makeTheme } from "../shared/theme";
import { makeRouter } from "./router";
import { SignInGate } from "./SignInGate";

const RETRIES = 2;

/** Makes the store of answers. Refusals are final; only lost answers and overload are tried again. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        retry: (count, error) => count < RETRIES && isTransient(error),
        refetchOnWindowFocus: true,
      },
      mutations: { retry: false },
    },
  });
}

/** The whole console: theme, answers, addresses. `nonce` is that of the page's policy for styles. */
export function App({
  connection,
  queries,
  basePath,
  nonce,
}: {
  connection: Connection;
  queries: QueryClient;
  basePath: string;
  nonce?: string | undefined;
}) {
  const { theme: chosen, density } = useSettings();
  const systemIsDark = useMediaQuery("(prefers-color-scheme: dark)");
  const mode = chosen === "system" ? (systemIsDark ? "dark" : "light") : chosen;
  const theme = useMemo(() => makeTheme(mode, density), [mode, density]);
  const cache = useMemo(() => createCache({ key: "tg", ...(nonce === undefined ? {} : { nonce }) }), [nonce]);
  const [router] = useState(() => makeRouter(basePath));
  return (
    <CacheProvider value={cache}>
      <ThemeProvider theme={theme}>
        <CssBaseline enableColorScheme />
        <QueryClientProvider client={queries}>
          <ConnectionContext.Provider value={connection}>
            <SignInGate session={connection.session}>
              <RouterProvider router={router} />
            </SignInGate>
          </ConnectionContext.Provider>
        </QueryClientProvider>
      </ThemeProvider>
    </CacheProvider>
  );
}
