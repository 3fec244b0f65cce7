/** A start that fails: one clear line, exit 2. */
export class StartError extends Error {}
