import type { User, UserManager } from "oidc-client-ts";
import { beforeEach, expect, it, vi } from "vitest";
import { makeSession } from "./session";

const CONFIG = { issuer: "https://issuer.test", clientId: "c", scopes: ["openid"], pages: null };
const FIRST = { access_token: "first", refresh_token: "r", expired: false, profile: { sub: "ann" } } as User;
const LATER = { ...FIRST, access_token: "later" } as User;

const renewal = vi.fn<() => Promise<User | null>>();
let expires: () => void;

vi.mock("oidc-client-ts", () => ({
  WebStorageStateStore: class {},
  InMemoryWebStorage: class {},
  UserManager: class implements Partial<UserManager> {
    readonly events = {
      addAccessTokenExpiring: () => () => undefined,
      addAccessTokenExpired: (listener: () => void) => {
        expires = listener;
        return () => undefined;
      },
    } as unknown as UserManager["events"];
    readonly signinPopup = async () => ({ ...FIRST }) as User;
    readonly signinSilent = renewal;
  },
}));

beforeEach(() => {
  renewal.mockReset();
});

async function signedIn() {
  const session = makeSession(CONFIG, "https://console.test/");
  await session.signIn();
  return session;
}

const settled = () => new Promise((done) => setTimeout(done));

it("renews a token that has expired, once for all calls that wait for it", async () => {
  const session = await signedIn();
  renewal.mockResolvedValue(LATER);
  expires();
  expires();
  await settled();
  expect(await session.token()).toBe("later");
  expect(session.state().signedIn).toBe(true);
  expect(renewal).toHaveBeenCalledTimes(1);
});

it("keeps the session while the issuer can't be reached, for it may answer the next time", async () => {
  const session = await signedIn();
  renewal.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  expires();
  await settled();
  expect(session.state().signedIn).toBe(true);
  renewal.mockResolvedValue(LATER);
  expires();
  await settled();
  expect(await session.token()).toBe("later");
});

it("ends the session that the issuer does not renew, and says so", async () => {
  const session = await signedIn();
  renewal.mockRejectedValue(Object.assign(new Error("invalid_grant"), { name: "ErrorResponse" }));
  expires();
  await settled();
  expect(session.state()).toMatchObject({ signedIn: false, said: expect.stringContaining("has ended") });
  expect(await session.token()).toBeNull();
});
