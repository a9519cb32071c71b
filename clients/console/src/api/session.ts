/**
 * Who is signed in. People sign in in a window of its own, so this page is never left: the address stays as it is, and
 * the tokens and the secrets of the exchange (PKCE) live in this page's memory alone.
 */

import type { OidcMetadata, User, UserManager } from "oidc-client-ts";
import type { SignInConfig } from "./config";

/** The last part of the address to which the issuer sends the window of the sign-in. */
export const CALLBACK = "signed-in";
const RENEW_BEFORE_SECONDS = 60;

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

/** Tells whether the issuer refused. Any other error says only that no answer came, or none of use. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === "ErrorResponse";
}

/** The addresses of Cognito's pages under `pages`. */
function metadataOf(issuer: string, pages: string): Partial<OidcMetadata> {
  const root = pages.replace(/\/$/, "");
  return {
    issuer,
    authorization_endpoint: `${root}/oauth2/authorize`,
    token_endpoint: `${root}/oauth2/token`,
    end_session_endpoint: `${root}/logout`,
  };
}

async function managerFor(config: SignInConfig, base: string): Promise<UserManager> {
  const oidc = await import("oidc-client-ts");
  const memory = () => new oidc.WebStorageStateStore({ store: new oidc.InMemoryWebStorage() });
  return new oidc.UserManager({
    authority: config.issuer,
    client_id: config.clientId,
    redirect_uri: new URL(CALLBACK, base).href,
    response_type: "code",
    scope: config.scopes.join(" "),
    ...(config.pages === null ? {} : { metadata: metadataOf(config.issuer, config.pages) }),
    automaticSilentRenew: false, // the session below renews, once for all who wait for it
    accessTokenExpiringNotificationTimeInSeconds: RENEW_BEFORE_SECONDS,
    userStore: memory(),
    stateStore: memory(),
  });
}

/** Ends the window of a sign-in: hands its address to the page that opened it. */
export async function finishSignIn(config: SignInConfig, base: string): Promise<void> {
  await (await managerFor(config, base)).signinPopupCallback();
}

/** Makes the session of a page whose people sign in at `config.issuer`. */
export function makeSession(config: SignInConfig, base: string): Session {
  let user: User | null = null;
  let current: SessionState = { signedIn: false, name: null, said: "" };
  let manager: Promise<UserManager> | null = null;
  let renewing: Promise<void> | null = null;
  const listeners = new Set<() => void>();
  const become = (next: User | null, said = "") => {
    user = next;
    const name = next?.profile.preferred_username ?? next?.profile.email ?? next?.profile.sub ?? null;
    current = { signedIn: next !== null, name, said };
    for (const listener of listeners) listener();
  };
  const ready = () => {
    manager ??= managerFor(config, base).then((made) => {
      // A computer that slept meets both at once, long after the second was due.
      made.events.addAccessTokenExpiring(() => void renew().catch(() => undefined));
      made.events.addAccessTokenExpired(() => void renew().catch(() => undefined));
      return made;
    });
    return manager;
  };
  const renew = () => {
    renewing ??= renewed().finally(() => {
      renewing = null;
    });
    return renewing;
  };
  const renewed = async () => {
    const before = user;
    if (before === null) return;
    try {
      const after = await (await ready()).signinSilent();
      if (user === before) become(after, after === null ? ENDED : "");
    } catch (error) {
      // Only a refusal ends a session. An issuer that can't be reached now is asked again with the next call.
      if (!isRefusal(error) && before.refresh_token !== undefined) throw error;
      if (user === before) become(null, ENDED);
    }
  };
  return {
    token: async () => {
      if (user?.expired) await renew();
      return user?.access_token ?? null;
    },
    signIn: async () => {
      try {
        become(await (await ready()).signinPopup());
      } catch (error) {
        become(null, error instanceof Error ? `Not signed in: ${error.message}` : "Not signed in.");
      }
    },
    signOut: async () => {
      const made = await ready();
      await made.removeUser();
      become(null, "You are signed out.");
      const ending = await made.metadataService.getEndSessionEndpoint().catch(() => undefined);
      if (ending !== undefined) {
        // Cognito's parameters; others ignore them. The window ends the issuer's own session too.
        const address = new URL(ending);
        address.searchParams.set("client_id", config.clientId);
        address.searchParams.set("logout_uri", base);
        window.open(address, "_blank", "noopener,noreferrer,width=500,height=600");
      }
    },
    state: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
