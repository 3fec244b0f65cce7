// The home directory of the user. A user that the host does not know (a container that runs under some number) has none, and asking throws.
import { homedir } from "node:os";

/** "/" where there is none. */
export function home(): string {
  try {
    return homedir() || "/";
  } catch {
    return "/";
  }
}
