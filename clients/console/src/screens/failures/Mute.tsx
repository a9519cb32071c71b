import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useForbidden } from "../../api/me";
import type { FailureGroup } from "../../domain/failureGroups";
import { plain } from "../../domain/text";
import { ActButton } from "../../shared/ActButton";
import { Mark } from "../../shared/Mark";
import { Ago } from "../../shared/Time";

/** The act of operators that leaves a group out of listings, or the one that takes it in again and who left it out. */
export function Mute({ group, name }: { group: FailureGroup; name: string }) {
  const api = useApi();
  const forbidden = useForbidden("operator");
  const path = { params: { path: { fingerprint: group.fingerprint } } };
  if (group.muted === null) {
    return (
      <ActButton
        label="Mute"
        impossible={forbidden}
        ask={{
          title: `Mute ${name}?`,
          content: () => (
            <p>
              Listings of failures leave the group out for everybody, until somebody unmutes it. Its jobs and
              all alarms stay as they are.
            </p>
          ),
          confirm: "Mute the group",
        }}
        run={() => answerOf(api.POST("/v1/failures/{fingerprint}/mute", path))}
      />
    );
  }
  return (
    <>
      <ActButton
        label="Unmute"
        impossible={forbidden}
        run={() => answerOf(api.POST("/v1/failures/{fingerprint}/unmute", path))}
      />
      <Mark icon="held" tone="wait">
        muted by {plain(group.muted.by)} <Ago at={group.muted.at} />
      </Mark>
    </>
  );
}
