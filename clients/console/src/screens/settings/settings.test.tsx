import { screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { showAt } from "../../testing/show";

it("names the licences of its packages, which lie beside the page", async () => {
  showAt("/settings", {});
  const link = await screen.findByRole("link", { name: /licences/i });
  expect(link.getAttribute("href")).toBe(new URL("third-party.txt", document.baseURI).href);
});
