/** The parts of the address that say what a screen shows, so that the way back brings all of it back. */

import { useNavigate, useSearch } from "@tanstack/react-router";

export type Search = Readonly<Record<string, string | undefined>>;

export interface Address {
  readonly search: Search;
  /** Changes some parts; undefined and the empty text take a part away. With `replace` no step back is left. */
  readonly change: (changes: Search, how?: { readonly replace?: boolean }) => void;
}

export function useAddress(): Address {
  const search: Search = useSearch({ strict: false });
  const navigate = useNavigate();
  const change: Address["change"] = (changes, how = {}) => {
    void navigate({
      to: ".",
      search: (before: Search) => {
        const after: Record<string, string> = {};
        for (const [name, value] of Object.entries({ ...before, ...changes })) {
          if (value !== undefined && value !== "") after[name] = value;
        }
        return after;
      },
      replace: how.replace ?? false,
      resetScroll: false,
    });
  };
  return { search, change };
}
