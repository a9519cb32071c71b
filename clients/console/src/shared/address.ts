/** The part of the address that a screen keeps its filters, its tab and its open panel in. */

import { useNavigate, useSearch } from "@tanstack/react-router";

export type Address = Readonly<Record<string, string | undefined>>;

/** Gives the present parameters a change; an empty text takes one away. */
export type ChangeAddress = (change: Address, how?: { readonly replace?: boolean }) => void;

/** Returns the parameters of the address, and a function that changes some of them and keeps the others. */
export function useAddress(): readonly [Address, ChangeAddress] {
  const address: Address = useSearch({ strict: false });
  const navigate = useNavigate();
  const change: ChangeAddress = (some, how) => {
    void navigate({
      to: ".",
      search: (present: Address) => {
        const next: Record<string, string> = {};
        for (const [name, value] of Object.entries({ ...present, ...some })) {
          if (value !== undefined && value !== "") next[name] = value;
        }
        return next;
      },
      replace: how?.replace ?? false,
      resetScroll: false,
    });
  };
  return [address, change];
}
