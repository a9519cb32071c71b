import Box from "@mui/material/Box";
import { type Day, type Month, monthsOf, WEEKDAYS } from "../../domain/timetables";

const MOST_MONTHS = 3;
const TIMES_IN_A_DAY = 3;

/** The months in which runs are due, with their times on the timetable's own clock. */
export function Calendar({ locals, zone }: { locals: readonly string[]; zone: string }) {
  return (
    <Box sx={{ display: "flex", flexWrap: "wrap", gap: 3 }}>
      {monthsOf(locals, MOST_MONTHS).map((month) => (
        <Box key={month.id} sx={{ flex: "1 1 320px", maxWidth: 440 }}>
          <MonthTable month={month} zone={zone} />
        </Box>
      ))}
    </Box>
  );
}

function MonthTable({ month, zone }: { month: Month; zone: string }) {
  return (
    <Box
      component="table"
      sx={{
        borderCollapse: "collapse",
        tableLayout: "fixed",
        width: "100%",
        "& caption": { textAlign: "left", fontWeight: 600, pb: 0.5 },
        "& th, & td": {
          border: 1,
          borderColor: "divider",
          p: 0.5,
          fontSize: "0.75rem",
          verticalAlign: "top",
        },
        "& th": { fontWeight: 400, color: "text.secondary" },
        "& td": { height: 44 },
      }}
    >
      <caption>
        {month.title} in {zone}
      </caption>
      <thead>
        <tr>
          {WEEKDAYS.map((day) => (
            <th key={day} scope="col">
              {day}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {month.weeks.map((week) => (
          <tr key={week.find((day) => day !== null)?.day}>
            {week.map((day, place) => (
              <DayCell key={WEEKDAYS[place]} day={day} />
            ))}
          </tr>
        ))}
      </tbody>
    </Box>
  );
}

function DayCell({ day }: { day: Day | null }) {
  if (day === null) return <td />;
  const { times } = day;
  const shown = times.length > TIMES_IN_A_DAY ? times.slice(0, TIMES_IN_A_DAY - 1) : times;
  return (
    <Box
      component="td"
      title={times.join(", ") || undefined}
      sx={times.length === 0 ? { color: "text.secondary" } : { bgcolor: "action.selected" }}
    >
      {day.day}
      {shown.map((time) => (
        <Box key={time} sx={{ fontWeight: 600 }}>
          {time}
        </Box>
      ))}
      {shown.length < times.length ? <div>{times.length - shown.length} more</div> : null}
    </Box>
  );
}
