/** Commands to copy into a shell, quoted so that no text in them can be read as a part of the command. */

import type { JobFilters } from "./jobFilters";
import { JOB_STATES } from "./states";

const PLAIN = /^[A-Za-z0-9_./:=@%+-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that a terminal may act on
const UNSEEN = /[\u0000-\u001f\u007f-\u009f]|\p{Cf}|\u2028|\u2029/u;

/** Returns a text as one word for a POSIX shell; control characters stand as `$'\n'` does, for bash and zsh. */
export function quoted(text: string): string {
  if (PLAIN.test(text)) return text;
  if (!UNSEEN.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  const bytes = new TextEncoder().encode(text);
  const letters = [...bytes].map((byte) => {
    const letter = String.fromCharCode(byte);
    return /[A-Za-z0-9 _./:=@,+-]/.test(letter) ? letter : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `$'${letters.join("")}'`;
}

/** Returns the words of a command as one line. */
export function commandOf(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

/** Returns the command that shows a job. */
export function jobCommand(jobId: string): string {
  return commandOf(["tidegate", "jobs", "get", jobId]);
}

const OPTIONS = [
  "pool",
  "type",
  "workflow",
  "worker",
  "name",
  "key",
  "error",
  "failure",
  "from",
  "to",
] as const;

/** Returns the command that lists the jobs that filters name; `from` is the time that `since` counts back to. */
export function listCommand(filters: JobFilters, from: string | undefined): string {
  const words = ["tidegate", "jobs", "list"];
  for (const state of filters.states.length === 0 ? JOB_STATES : filters.states) words.push("--state", state);
  for (const name of OPTIONS) {
    const value = name === "from" ? (from ?? filters.from) : filters[name];
    if (value !== undefined) words.push(`--${name}`, value);
  }
  if (filters.submitted_by !== undefined) words.push("--submitted-by", filters.submitted_by);
  for (const tag of filters.tags) words.push("--tag", tag);
  if (filters.verdict !== undefined) words.push("--verdict", filters.verdict);
  if (filters.overdue) words.push("--overdue");
  if (filters.waitsLongerThan !== undefined) {
    words.push("--waits-longer-than", String(filters.waitsLongerThan));
  }
  if (filters.order === "priority") words.push("--order", "priority");
  if (filters.order === "newest") words.push("--order", "time", "--direction", "desc");
  if (filters.order === "oldest") words.push("--order", "time", "--direction", "asc");
  return commandOf(words);
}

/**
 * Returns a call of the API with curl. With `bearer` it sends the token in `$TOKEN`; without it curl signs the call with
 * the AWS credentials of the environment. `$API_URL` is the deployment's address in both.
 */
export function curlCommand(path: string, bearer: boolean): string {
  const address = `"$API_URL"${quoted(path)}`;
  if (bearer) return `curl -sS -H "Authorization: Bearer $TOKEN" ${address}`;
  return [
    'curl -sS --aws-sigv4 "aws:amz:$AWS_REGION:execute-api"',
    '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
    // Without a session's token the shell leaves the whole option out, as in docs/reference/api.md.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell fills it in
    '${AWS_SESSION_TOKEN:+-H} ${AWS_SESSION_TOKEN:+"x-amz-security-token: $AWS_SESSION_TOKEN"}',
    address,
  ].join(" ");
}
