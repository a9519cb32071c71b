/** The exchange with the issuer of the tokens: a code with PKCE, from a window of its own, and renewals. */

import * as oauth from "oauth4webapi";
import type { SignInConfig } from "./config";
import { CALLBACK, Refused, type Tokens } from "./tokens";

const LOOK_EVERY_MS = 500;
const ANSWER_WITHIN_MS = 15_000;
/** Claims come fresh from the issuer. A computer whose clock is wrong by less than a day may sign in and go on. */
const CLOCKS_DIFFER_BY_SECONDS = 86_400;
const LOOPBACK = ["127.0.0.1", "[::1]", "localhost"];

/** The issuer that a configuration names. */
export interface Issuer {
  /**
   * Opens the window of the sign-in and waits for its end.
   *
   * Throws `Refused` where the person or the issuer refuses, and `Error` where the window is blocked or closed.
   */
  readonly signIn: () => Promise<Tokens>;
  /** Asks for new tokens. Throws `Refused` where the issuer refuses; any other error says that no answer came. */
  readonly renew: (refreshToken: string) => Promise<Tokens>;
  /** The address that ends the issuer's own session; null where the issuer has none. */
  readonly endOfSession: string | null;
}

/** Asks the issuer for its addresses, or takes them from `config.pages`. `base` is the address of the console. */
export async function connect(config: SignInConfig, base: string): Promise<Issuer> {
  const server =
    config.pages === null ? await discovered(config.issuer) : cognitoAt(config.issuer, config.pages);
  const client: oauth.Client = {
    client_id: config.clientId,
    [oauth.clockTolerance]: CLOCKS_DIFFER_BY_SECONDS,
  };
  const redirect = new URL(CALLBACK, base).href;
  return {
    endOfSession: server.end_session_endpoint ?? null,
    signIn: async () => {
      const verifier = oauth.generateRandomCodeVerifier();
      const state = oauth.generateRandomState();
      const address = new URL(needed(server.authorization_endpoint, "authorization_endpoint"));
      const asked = {
        client_id: config.clientId,
        redirect_uri: redirect,
        response_type: "code",
        scope: config.scopes.join(" "),
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      };
      for (const [name, value] of Object.entries(asked)) address.searchParams.set(name, value);
      const answer = await answerFrom(address);
      return judged(async () => {
        const code = oauth.validateAuthResponse(server, client, answer, state);
        const options = optionsFor(server.token_endpoint);
        const response = await oauth.authorizationCodeGrantRequest(
          server,
          client,
          oauth.None(),
          code,
          redirect,
          verifier,
          options,
        );
        return tokensOf(await oauth.processAuthorizationCodeResponse(server, client, response));
      });
    },
    renew: (refreshToken) =>
      judged(async () => {
        const options = optionsFor(server.token_endpoint);
        const response = await oauth.refreshTokenGrantRequest(
          server,
          client,
          oauth.None(),
          refreshToken,
          options,
        );
        return tokensOf(await oauth.processRefreshTokenResponse(server, client, response));
      }),
  };
}

async function discovered(issuer: string): Promise<oauth.AuthorizationServer> {
  const address = new URL(issuer);
  return oauth.processDiscoveryResponse(address, await oauth.discoveryRequest(address, optionsFor(issuer)));
}

/** The addresses of Cognito's pages under `pages`. */
function cognitoAt(issuer: string, pages: string): oauth.AuthorizationServer {
  const root = pages.replace(/\/$/, "");
  return {
    issuer,
    authorization_endpoint: `${root}/oauth2/authorize`,
    token_endpoint: `${root}/oauth2/token`,
    end_session_endpoint: `${root}/logout`,
  };
}

/** Bounds the time of a request. Only a server on this computer may be asked without TLS. */
function optionsFor(address: string | undefined) {
  return {
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    [oauth.allowInsecureRequests]: address !== undefined && LOOPBACK.includes(new URL(address).hostname),
  };
}

function needed(address: string | undefined, name: string): string {
  if (address === undefined) throw new Error(`the issuer's description has no ${name}`);
  return address;
}

/** Opens a window at `address`. Returns the address with which it came back to this origin. */
function answerFrom(address: URL): Promise<URL> {
  const opened = window.open(address, "_blank", "popup,width=500,height=600");
  if (opened === null)
    throw new Error("the browser blocked the window. Allow this page to open windows, and sign in again.");
  return new Promise((resolve, reject) => {
    let looksAfterEnd = 0;
    const stop = () => {
      clearInterval(looking);
      window.removeEventListener("message", hear);
    };
    const hear = ({ origin, source, data }: MessageEvent) => {
      if (origin !== location.origin || source !== opened || typeof data?.[CALLBACK] !== "string") return;
      stop();
      resolve(new URL(data[CALLBACK]));
    };
    const looking = setInterval(() => {
      // A window that hands over its address closes at once, so its message may still be on its way at the first look.
      if (!opened.closed || looksAfterEnd++ === 0) return;
      stop();
      reject(new Error("the window was closed before the sign-in ended."));
    }, LOOK_EVERY_MS);
    window.addEventListener("message", hear);
  });
}

/** Runs an exchange. An answer that refuses becomes `Refused`, in the issuer's own words. */
async function judged(exchange: () => Promise<Tokens>): Promise<Tokens> {
  try {
    return await exchange();
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError)
      throw new Refused(error.error_description ?? error.error);
    throw error;
  }
}

function tokensOf(answer: oauth.TokenEndpointResponse): Tokens {
  const claims = oauth.getValidatedIdTokenClaims(answer);
  const names = [claims?.preferred_username, claims?.email, claims?.sub];
  return {
    access: answer.access_token,
    refresh: answer.refresh_token ?? null,
    expiresAtMs: answer.expires_in === undefined ? null : Date.now() + answer.expires_in * 1_000,
    name: names.find((name) => typeof name === "string") ?? null,
  };
}
