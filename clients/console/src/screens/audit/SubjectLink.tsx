import { subjectOf } from "../../domain/audit";
import { plain } from "../../domain/text";
import { To } from "../../shared/To";

/** What an act is about, as a link where a screen shows it. */
export function SubjectLink({ subject }: { subject: string }) {
  const about = subjectOf(subject);
  switch (about.kind) {
    case "job":
      return (
        <To to="/jobs/$jobId" params={{ jobId: about.name }}>
          job {plain(about.name)}
        </To>
      );
    case "workflow":
      return (
        <To to="/workflows/$workflowId" params={{ workflowId: about.name }}>
          workflow {plain(about.name)}
        </To>
      );
    case "pool":
      return (
        <To to="/pools" search={{ pool: about.name }}>
          pool {plain(about.name)}
        </To>
      );
    case "type":
      return (
        <To to="/types" search={{ type: about.name }}>
          type {plain(about.name)}
        </To>
      );
    case "worker":
      return (
        <To to="/workers" search={{ worker: `${about.pool}/${about.name}` }}>
          worker {plain(`${about.pool}/${about.name}`)}
        </To>
      );
    case "share":
      return (
        <To to="/pools" search={{ pool: about.pool }}>
          share {plain(`${about.name} of ${about.pool}`)}
        </To>
      );
    case "grant":
      return <>grant of {plain(about.name)}</>;
    case "other":
      return <>{plain(about.name)}</>;
  }
}
