import { labelOf } from "../domain/jobHistory";
import { plain, shortened } from "../domain/text";
import { TextLink } from "./TextLink";

const LONGEST = 80;

/** A link to the page of a job, named by its key, its name or its id. */
export function JobLink({
  job,
}: {
  job: { readonly job_id: string; readonly key?: string | null; readonly name?: string | null };
}) {
  const label = plain(labelOf(job));
  return (
    <TextLink
      to="/jobs/$jobId"
      params={{ jobId: job.job_id }}
      title={label === job.job_id ? undefined : `${shortened(label, 300)} (${job.job_id})`}
    >
      {shortened(label, LONGEST)}
    </TextLink>
  );
}
