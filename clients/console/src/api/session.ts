/**
 * Who is signed in. People sign in in a window of its own, so this page is never left: the address stays as it is, and
 * the tokens and the secrets of the exchange (PKCE) live in this page's memory alone.
 */

import type { SignInConfig } from "./config";
import type { Issuer } from "./issuer";
import { CALLBACK, Refused, type Tokens } from "./tokens";

const RENEW_BEFORE_MS = 60_000;

export interface SessionState {
  readonly signedIn: boolean;
  readonly name: string | null;
  /** Why the session ended, or why nobody could sign in; empty where there is nothing to say. */
  readonly said: string;
}

export interface Session {
  /** Returns the access token to send; null where nobody is signed in. */
  readonly token: () => Promise<string | null>;
  readonly signIn: () => Promise<void>;
  readonly signOut: () => Promise<void>;
  readonly state: () => SessionState;
  readonly subscribe: (listener: () => void) => () => void;
}

/** The session where `tidegate console` signs the calls: nobody signs in. */
export const NO_SIGN_IN: Session = {
  token: async () => null,
  signIn: async () => undefined,
  signOut: async () => undefined,
  state: () => ALWAYS,
  subscribe: () => () => undefined,
};

const ALWAYS: SessionState = { signedIn: true, name: null, said: "" };

const ENDED = "Your session has ended. Sign in again.";

/** Ends the window of a sign-in: hands its address to the page that opened it. Returns whether there is such a page. */
export function finishSignIn(): boolean {
  const page: Window | null = window.opener;
  if (page === null) return false;
  page.postMessage({ [CALLBACK]: location.href }, location.origin);
  window.close();
  return true;
}

/** Makes the session of a page whose people sign in at `config.issuer`. `base` is the address of the console. */
export function makeSession(config: SignInConfig, base: string): Session {
  let tokens: Tokens | null = null;
  let current: SessionState = { signedIn: false, name: null, said: "" };
  let connecting: Promise<Issuer> | null = null;
  let renewing: Promise<void> | null = null;
  const listeners = new Set<() => void>();
  const become = (next: Tokens | null, said = "") => {
    tokens = next;
    current = { signedIn: next !== null, name: next?.name ?? null, said };
    for (const listener of listeners) listener();
  };
  const issuer = () => {
    connecting ??= import("./issuer")
      .then((exchange) => exchange.connect(config, base))
      .catch((error: unknown) => {
        connecting = null; // an issuer that can't be reached now is asked again
        throw error;
      });
    return connecting;
  };
  const renew = async (before: Tokens) => {
    if (before.refresh === null) {
      if (isOver(before)) become(null, ENDED);
      return;
    }
    try {
      const after = await (await issuer()).renew(before.refresh);
      if (tokens === before)
        become({ ...after, refresh: after.refresh ?? before.refresh, name: after.name ?? before.name });
    } catch (error) {
      // Only a refusal ends a session. An issuer that can't be reached now is asked again with the next call.
      if (error instanceof Refused) {
        if (tokens === before) become(null, ENDED);
      } else if (isOver(before)) {
        throw error;
      }
    }
  };
  return {
    token: async () => {
      if (tokens !== null && isOver(tokens, RENEW_BEFORE_MS)) {
        renewing ??= renew(tokens).finally(() => {
          renewing = null;
        });
        await renewing;
      }
      return tokens?.access ?? null;
    },
    signIn: async () => {
      try {
        become(await (await issuer()).signIn());
      } catch (error) {
        become(null, error instanceof Error ? `Not signed in: ${error.message}` : "Not signed in.");
      }
    },
    signOut: async () => {
      become(null, "You are signed out.");
      const ending = (await issuer().catch(() => null))?.endOfSession ?? null;
      if (ending === null) return;
      // Cognito's parameters; others ignore them. The window ends the issuer's own session too.
      const address = new URL(ending);
      address.searchParams.set("client_id", config.clientId);
      address.searchParams.set("logout_uri", base);
      window.open(address, "_blank", "noopener,noreferrer,width=500,height=600");
    },
    state: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Tells whether the access token ends within `withinMs`. */
function isOver(tokens: Tokens, withinMs = 0): boolean {
  return tokens.expiresAtMs !== null && tokens.expiresAtMs - withinMs <= Date.now();
}
