/** The course of a submission: the check by a dry run, its errors, and the submission itself. */

import { useState } from "react";
import { ApiProblem } from "../../api/problems";
import type { components } from "../../api/schema";
import type { ApiFault } from "../../domain/forms/faults";

type Foreseen = components["schemas"]["ForeseenOut"];

export interface Submission {
  readonly foreseen: Foreseen | null;
  readonly faults: readonly ApiFault[];
  readonly error: unknown;
  readonly isBusy: boolean;
  readonly idempotencyKey: string;
  readonly setIdempotencyKey: (key: string) => void;
  /** Forgets what was checked, because what would be sent is another thing now. */
  readonly changed: () => void;
  /** Shows errors that the page itself has found. */
  readonly refuse: (faults: readonly ApiFault[]) => void;
  /** Forgets the errors, where they were about a text that is another one now. */
  readonly forgive: () => void;
  /** Runs a call of the API. An answer about fields is kept as their errors; undefined tells that the call failed. */
  readonly attempt: <T>(call: () => Promise<T>) => Promise<T | undefined>;
  readonly setForeseen: (foreseen: Foreseen) => void;
}

export function useSubmission(): Submission {
  const [foreseen, setForeseen] = useState<Foreseen | null>(null);
  const [faults, setFaults] = useState<readonly ApiFault[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [idempotencyKey, setIdempotencyKey] = useState(() => crypto.randomUUID() as string);
  const refuse = (found: readonly ApiFault[]) => {
    setForeseen(null);
    setFaults(found);
    focusFirstFault();
  };
  return {
    foreseen,
    faults,
    error,
    isBusy,
    idempotencyKey,
    setIdempotencyKey,
    setForeseen,
    changed: () => {
      setForeseen(null);
      setError(null);
    },
    refuse,
    forgive: () => setFaults([]),
    attempt: async (call) => {
      setBusy(true);
      setError(null);
      setFaults([]);
      try {
        return await call();
      } catch (raised) {
        if (raised instanceof ApiProblem && raised.problem.errors.length > 0) refuse(raised.problem.errors);
        else setError(raised);
        return undefined;
      } finally {
        setBusy(false);
      }
    },
  };
}

/** Moves the focus to the first field that is wrong, once it is drawn as such. */
function focusFirstFault(): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>('#main [aria-invalid="true"]')?.focus());
}
