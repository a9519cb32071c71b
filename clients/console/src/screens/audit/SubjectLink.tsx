import { subjectOf } from "../../domain/audit";
import { plain } from "../../domain/text";
import { TextLink } from "../../shared/TextLink";

/** What an act is about, as a link where a screen shows it. */
export function SubjectLink({ subject }: { subject: string }) {
  const about = subjectOf(subject);
  switch (about.kind) {
    case "job":
      return (
        <TextLink to="/jobs/$jobId" params={{ jobId: about.name }}>
          job {plain(about.name)}
        </TextLink>
      );
    case "workflow":
      return (
        <TextLink to="/workflows/$workflowId" params={{ workflowId: about.name }}>
          workflow {plain(about.name)}
        </TextLink>
      );
    case "pool":
      return (
        <TextLink to="/pools" search={{ pool: about.name }}>
          pool {plain(about.name)}
        </TextLink>
      );
    case "type":
      return (
        <TextLink to="/types" search={{ type: about.name }}>
          type {plain(about.name)}
        </TextLink>
      );
    case "worker":
      return (
        <TextLink to="/workers" search={{ worker: `${about.pool}/${about.name}` }}>
          worker {plain(`${about.pool}/${about.name}`)}
        </TextLink>
      );
    case "share":
      return (
        <TextLink to="/pools" search={{ pool: about.pool }}>
          share {plain(`${about.name} of ${about.pool}`)}
        </TextLink>
      );
    case "grant":
      return <>grant of {plain(about.name)}</>;
    case "other":
      return <>{plain(about.name)}</>;
  }
}
