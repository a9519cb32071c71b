/** The API client and the configuration of the page, for every screen. */

import { createContext, useContext } from "react";
import type { Api } from "./client";
import type { Config } from "./config";
import type { Session } from "./session";

export interface Connection {
  readonly api: Api;
  readonly config: Config;
  readonly session: Session;
}

export const ConnectionContext = createContext<Connection | null>(null);

export function useConnection(): Connection {
  const connection = useContext(ConnectionContext);
  if (connection === null) throw new Error("ConnectionContext is missing above this component");
  return connection;
}

export function useApi(): Api {
  return useConnection().api;
}
