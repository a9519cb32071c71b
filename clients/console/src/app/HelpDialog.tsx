import Dialog from "@mui/material/Dialog";
import DialogContent from "@mui/material/DialogContent";
import DialogTitle from "@mui/material/DialogTitle";
import { SCREENS } from "./screens";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "go to the search of the screen"],
  ["Ctrl-K or ⌘K", "look up an id"],
  ["j, k or arrows", "next and previous row"],
  ["Enter", "open the row"],
  ["Space or x", "select the row"],
  ["Esc", "close the panel"],
  ...SCREENS.map((screen) => [`g ${screen.key}`, screen.title] as const),
];

/** The keys that the console knows. */
export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} aria-labelledby="keys-title">
      <DialogTitle id="keys-title">Keys</DialogTitle>
      <DialogContent>
        <table>
          <tbody>
            {KEYS.map(([key, does]) => (
              <tr key={key}>
                <th scope="row" style={{ textAlign: "left", paddingRight: 24, fontWeight: 600 }}>
                  <kbd>{key}</kbd>
                </th>
                <td>{does}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </DialogContent>
    </Dialog>
  );
}
