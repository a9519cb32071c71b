import { barsOfDay, dayText } from "../domain/steps";
import { Bars } from "./Bars";
import { ErrorNotice, Loading } from "./Notices";
import { useStatistics } from "./statistics";
import { TextLink } from "./TextLink";
import { Ago } from "./Time";

/** How many jobs ended in each of the last 24 hours that are counted: of all, or of one pool or type. */
export function EndedOfDay({
  pool = "",
  type = "",
  enabled = true,
}: {
  pool?: string;
  type?: string;
  /** False while the screen reads what matters more. */
  enabled?: boolean;
}) {
  const statistics = useStatistics({ range: "24h", step: "hour", pool, type }, "hour", { enabled });
  const { data, isError } = statistics;
  if (data === undefined) {
    return isError ? (
      <ErrorNotice error={statistics.error} onRetry={() => void statistics.refetch()} />
    ) : (
      <Loading lines={1} height={60} />
    );
  }
  const { total, rows } = data;
  if (total.ended === 0) return <>No job that ended in the last 24 hours is counted yet.</>;
  const bars = barsOfDay(rows, total.until);
  const words = dayText(total);
  const most = bars.reduce((known, { all }) => Math.max(known, all), 0);
  return (
    <>
      <Bars
        bars={bars}
        says={`${words}; at most ${most.toLocaleString("en")} in an hour`}
        from="24 h before"
        to="then"
      />
      <div>
        {words}, counted up to <Ago at={total.until} />.{" "}
        <TextLink
          to="/stats"
          search={{ ...(pool === "" ? {} : { pool, by: "type" }), ...(type === "" ? {} : { type }) }}
        >
          see the statistics
        </TextLink>
      </div>
    </>
  );
}
