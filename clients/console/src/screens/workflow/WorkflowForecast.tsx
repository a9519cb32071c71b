import { useState } from "react";
import { MOST_UNASKED, whyNoWorkflowEnd } from "../../domain/forecast";
import { jobsLeft, type Progress } from "../../domain/graph/progress";
import { counted } from "../../domain/numbers";
import { Expected, FinishBy, Forecast, ForecastOnDemand } from "../../shared/Forecast";
import { useWorkflowForecast } from "../../shared/forecasts";

/** Says when a workflow ends. A large one is forecast when somebody asks for it, because all that is left is read. */
export function WorkflowForecast({ workflowId, progress }: { workflowId: string; progress: Progress }) {
  const [isAsked, setIsAsked] = useState(false);
  const left = jobsLeft(progress);
  const enabled = isAsked || left <= MOST_UNASKED;
  const forecast = useWorkflowForecast(workflowId, progress.state, enabled);
  if (!enabled && forecast.data === undefined) {
    return (
      <ForecastOnDemand
        reason={`${counted(left, "job")} have not ended, so its end is forecast when you ask for it.`}
        onAsk={() => setIsAsked(true)}
      />
    );
  }
  return (
    <Forecast query={forecast}>
      {(answer) => (
        <>
          <Expected what="Ends" at={answer.end} coverage={answer.coverage} />
          {whyNoWorkflowEnd(answer)}
          <FinishBy judged={answer.finish_by} />
        </>
      )}
    </Forecast>
  );
}
