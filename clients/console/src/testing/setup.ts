import { cleanup, configure } from "@testing-library/react";
import { afterEach } from "vitest";

afterEach(cleanup);

// A machine that has other work to do needs longer, and a test that passes waits no longer for it.
configure({ asyncUtilTimeout: 10_000 });
