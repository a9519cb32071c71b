/** What the server of this page tells it, in the element `config`. Nothing in it is secret to the person who looks. */

export interface SignInConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The address of the issuer's sign-in pages where the issuer's own description is not to be asked for them. */
  readonly pages: string | null;
}

export interface Config {
  /** The address before `/v1`, relative to the page's base or absolute. */
  readonly apiUrl: string;
  /** The word that `tidegate console` asks of each request; null behind the OAuth API. */
  readonly pageToken: string | null;
  /** How people sign in; null where `tidegate console` signs the calls. */
  readonly signIn: SignInConfig | null;
  readonly stack: string | null;
  readonly version: string;
}

const NONE: Config = { apiUrl: "", pageToken: null, signIn: null, stack: null, version: "-" };

/** Reads the configuration of the page; without one it is that of a page beside the API. */
export function readConfig(page: Document): Config {
  const text = page.getElementById("config")?.textContent;
  return text ? { ...NONE, ...(JSON.parse(text) as Partial<Config>) } : NONE;
}
