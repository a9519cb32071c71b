/** The values that the session and its exchange with the issuer share. */

/** The last part of the address to which the issuer sends the window of the sign-in. */
export const CALLBACK = "signed-in";

/** The tokens of a person who is signed in. */
export interface Tokens {
  readonly access: string;
  /** Null where the issuer gives none, or gives no new one. */
  readonly refresh: string | null;
  /** Null where the issuer does not say when the access token ends. */
  readonly expiresAtMs: number | null;
  readonly name: string | null;
}

/** The issuer or the person refused. Any other error says only that no answer came, or none of use. */
export class Refused extends Error {}
