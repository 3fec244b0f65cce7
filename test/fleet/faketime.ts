// libfaketime, where it is installed: it gives one process another wall clock, which can be changed while it runs.
import { existsSync } from "node:fs";

export const LIBFAKETIME: string | undefined = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
].find(existsSync);
