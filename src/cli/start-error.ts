/** A start that cannot be: one clear line, exit 2. */
export class StartError extends Error {}
