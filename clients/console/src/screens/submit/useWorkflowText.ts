/** What a typed workflow is, checked in the page while somebody types, and again before it is sent. */

import { useCallback, useEffect, useState } from "react";
import type { components } from "../../api/schema";
import type { ApiFault } from "../../domain/forms/faults";
import type { Json } from "../../domain/forms/model";
import { offsetOf, type Spot } from "../../domain/forms/spots";
import { faultsOfWorkflow, graphOf, keysOf } from "../../domain/forms/workflowText";
import type { Graph } from "../../domain/graph/graph";

type WorkflowIn = components["schemas"]["WorkflowIn"];

/** An error of a text, with the offset that it is about where that is known. */
export interface TextFault extends ApiFault {
  readonly at: number | null;
}

export interface Checked {
  /** The text that all of this is about. */
  readonly text: string;
  readonly faults: readonly TextFault[];
  readonly keys: readonly (string | null)[];
  readonly spot: Spot | null;
  /** The body to send and its graph; null where the text has errors. */
  readonly fits: { readonly body: WorkflowIn; readonly graph: Graph } | null;
}

const PAUSE_MS = 400;
/** A longer text is checked when somebody asks, as reading it at each pause would be felt. */
const MOST_LETTERS = 300_000;

/** The API checks everything else, and says where it is wrong. */
function isWorkflow(value: unknown): value is WorkflowIn {
  return typeof value === "object" && value !== null && "jobs" in value;
}

function judged(text: string, value: Json, spot: Spot): Checked {
  const faults = faultsOfWorkflow(value).map((fault) => ({ ...fault, at: offsetOf(spot, fault.field) }));
  const body: unknown = value;
  const fits = faults.length === 0 && isWorkflow(body) ? { body, graph: graphOf(value) } : null;
  return { text, faults, keys: keysOf(value), spot, fits };
}

/** Checks a text. The reader of YAML is loaded with the first one. */
export async function checkText(text: string): Promise<Checked> {
  const refused = (message: string, at: number | null): Checked => ({
    text,
    faults: [{ field: "", message, at }],
    keys: [],
    spot: null,
    fits: null,
  });
  if (text.trim() === "") return refused("paste a workflow first", null);
  const { readText } = await import("./readText");
  const read = readText(text);
  return "broken" in read ? refused(read.broken, read.at) : judged(text, read.value, read.spot);
}

/** Checks the text after each pause of the typing. `check` does it at once; `checked` is what is known of this text. */
export function useWorkflowText(text: string): {
  readonly checked: Checked | null;
  readonly check: () => Promise<Checked>;
} {
  const [found, setFound] = useState<Checked | null>(null);
  const check = useCallback(async () => {
    const checked = await checkText(text);
    setFound(checked);
    return checked;
  }, [text]);
  useEffect(() => {
    if (text.trim() === "" || text.length > MOST_LETTERS) return;
    let isOver = false;
    const wait = setTimeout(
      () =>
        void checkText(text).then((checked) => {
          if (!isOver) setFound(checked);
        }),
      PAUSE_MS,
    );
    return () => {
      isOver = true;
      clearTimeout(wait);
    };
  }, [text]);
  return { checked: found?.text === text ? found : null, check };
}
