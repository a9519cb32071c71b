import { useQuery } from "@tanstack/react-query";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { plain } from "../../domain/text";
import { ChoiceField } from "../../shared/ChoiceField";
import { Command, Empty, Loading, ReadNotice } from "../../shared/Notices";
import { Page } from "../../shared/Page";
import { Panel } from "../../shared/Panel";
import { useType, useTypes } from "../../shared/reads";
import { useAddress } from "../../shared/useAddress";
import { JobForm } from "./JobForm";
import { WorkflowForm } from "./WorkflowForm";

/** A job by a form, or a workflow as JSON or YAML. */
export function SubmitScreen() {
  const { search: address, change } = useAddress();
  return (
    <Page
      title="Submit"
      aside={
        <ChoiceField
          label="submit"
          value={address.as ?? ""}
          choices={[
            ["", "one job"],
            ["workflow", "a workflow as JSON or YAML"],
          ]}
          onChange={(as) => change({ as })}
        />
      }
    >
      {address.as === "workflow" ? <WorkflowForm /> : <OneJob />}
    </Page>
  );
}

/** Chooses the type, and reads what the form is made of: the type's schema, and a job to begin from. */
function OneJob() {
  const { search: address, change } = useAddress();
  const api = useApi();
  const types = useTypes();
  const from = address.from;
  const source = useQuery({
    queryKey: ["jobs", "one", from],
    queryFn: ({ signal }) =>
      answerOf(api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: from ?? "" } }, signal })),
    enabled: from !== undefined,
    // What was typed must not be lost because the job changes meanwhile.
    staleTime: "static",
  });
  // A whole job has its parameters; the other answer of the route is a row without them.
  const whole = source.data !== undefined && "parameters" in source.data ? source.data : null;
  const name = address.type ?? source.data?.type ?? "";
  const type = useType(name);
  const known = types.data?.types.filter((each) => each.deployed) ?? [];
  if (types.data !== undefined && known.length === 0) {
    return (
      <Empty title="The deployment has no job type that can be submitted.">
        Write job code, and look whether a worker would load it:
        <Command text="tidegate types check" />
      </Empty>
    );
  }
  return (
    <Panel title="Job">
      <ReadNotice query={types} />
      <ReadNotice query={source} />
      <ChoiceField
        label="job type"
        value={name}
        choices={[["", "choose a type"], ...known.map((each) => [each.type, plain(each.type)] as const)]}
        onChange={(chosen) => change({ type: chosen })}
      />
      <ReadNotice query={type} />
      {name === "" ? (
        from === undefined || source.isError ? (
          <p>The form is made of the parameters that the chosen type takes.</p>
        ) : (
          <Loading lines={2} />
        )
      ) : type.data === undefined || (from !== undefined && source.isPending) ? (
        type.data === undefined && type.isError ? null : (
          <Loading />
        )
      ) : (
        <JobForm key={`${type.data.type} ${from ?? ""}`} type={type.data} source={whole} />
      )}
    </Panel>
  );
}
