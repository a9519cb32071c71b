import Box from "@mui/material/Box";
import Button, { type ButtonProps } from "@mui/material/Button";
import { type FocusEvent, type MouseEvent, useEffect, useId, useState } from "react";

const WIDTH = 280;
const EDGE = 8;

interface Place {
  readonly left: number;
  readonly top: number;
}

/** Returns where a text below an element stands, within the window. */
function below(element: Element): Place {
  const { left, bottom } = element.getBoundingClientRect();
  return { left: Math.max(EDGE, Math.min(left, window.innerWidth - WIDTH - EDGE)), top: bottom };
}

/**
 * A button for an act that may be impossible now. It then keeps its place in the order of the keyboard, and says why
 * when it is pointed at or has the focus. `hint` is told in the same way of an act that is possible. Esc hides both.
 */
export function ReasonedButton({
  impossible,
  hint = null,
  onClick,
  ...rest
}: Omit<ButtonProps, "onClick"> & {
  readonly impossible: string | null;
  readonly hint?: string | null;
  readonly onClick: () => void;
}) {
  const id = useId();
  const [place, setPlace] = useState<Place | null>(null);
  const told = impossible ?? hint;
  const isShown = told !== null && told !== "" && place !== null;
  useEffect(() => {
    if (!isShown) return;
    const hide = () => setPlace(null);
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape") hide();
    };
    window.addEventListener("keydown", onKey);
    // The reason stands at a fixed place, which a scroll would part from the button.
    window.addEventListener("scroll", hide, true);
    return () => {
      window.removeEventListener("keydown", onKey);
      window.removeEventListener("scroll", hide, true);
    };
  }, [isShown]);
  const show = (event: MouseEvent | FocusEvent) => setPlace(below(event.currentTarget));
  return (
    <Box
      component="span"
      sx={{ display: "inline-flex" }}
      onMouseEnter={show}
      onMouseLeave={() => setPlace(null)}
      onFocus={show}
      onBlur={() => setPlace(null)}
    >
      <Button
        variant="outlined"
        {...rest}
        aria-disabled={impossible !== null}
        aria-describedby={isShown ? id : undefined}
        onClick={() => {
          if (impossible === null) onClick();
        }}
        sx={impossible === null ? null : { opacity: 0.6, borderStyle: "dashed", cursor: "not-allowed" }}
      />
      {isShown ? (
        <Box
          role="tooltip"
          id={id}
          style={place}
          sx={{
            position: "fixed",
            zIndex: "tooltip",
            maxWidth: WIDTH,
            px: 1,
            py: 0.5,
            borderRadius: 1,
            border: 1,
            borderColor: "divider",
            boxShadow: 3,
            bgcolor: "background.paper",
            color: "text.primary",
            fontSize: "0.8rem",
            overflowWrap: "anywhere",
          }}
        >
          {told}
        </Box>
      ) : null}
    </Box>
  );
}
