import { type RefObject, useLayoutEffect, useState } from "react";

/** Returns the width of an element, also after it has changed; 0 before it is known. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const seen = element.current;
    if (seen === null) return;
    const measure = () => setWidth(seen.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(seen);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
