import Box from "@mui/material/Box";
import Button from "@mui/material/Button";
import { useState } from "react";
import { plain, shortened } from "../../domain/text";
import { StateMark } from "../../shared/StateMark";
import { TextLink } from "../../shared/TextLink";
import { Time } from "../../shared/Time";
import type { Job } from "./types";

const STEPS_AT_ONCE = 100;

/** Each change of the job, newest first, with who or which part of the system made it. */
export function History({ job }: { job: Job }) {
  const [most, setMost] = useState(STEPS_AT_ONCE);
  const steps = job.history.map((step, place) => ({ ...step, place })).reverse();
  return (
    <Box component="section" aria-label="history">
      <TextLink to="/audit" search={{ subject: `job#${job.job_id}` }}>
        Acts of callers on this job
      </TextLink>
      <Box
        sx={{ overflowX: "auto", "& th, & td": { textAlign: "left", py: 0.5, pr: 2, verticalAlign: "top" } }}
        role="group"
        aria-label="changes of the job"
        tabIndex={0}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">time</th>
              <th scope="col">state</th>
              <th scope="col">attempt</th>
              <th scope="col">by</th>
              <th scope="col">reason</th>
            </tr>
          </thead>
          <tbody>
            {steps.slice(0, most).map((step) => (
              <tr key={step.place}>
                <td>
                  <Time at={step.at} relative={false} />
                </td>
                <td>
                  <StateMark state={step.state} />
                </td>
                <td>{step.attempt}</td>
                <td style={{ overflowWrap: "anywhere" }}>{shortened(plain(step.actor), 200)}</td>
                <td style={{ overflowWrap: "anywhere" }}>
                  {step.reason === null ? "" : shortened(plain(step.reason), 500)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Box>
      {steps.length > most ? (
        <Button variant="outlined" onClick={() => setMost(most + STEPS_AT_ONCE)}>
          Show more than the latest {most}
        </Button>
      ) : null}
    </Box>
  );
}
