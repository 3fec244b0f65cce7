// What a person or a caller of the API may do to a running agent; screen and API take the same port. The outcome is a sentence.

export type SinkAction = "pause" | "resume" | "retry";

export type Outcome = { ok: boolean; message: string };

export type Actions = {
  /** `retry` ends a backoff or a hold early: the waiting batch is sent at once. */
  act(sink: string, action: SinkAction): Promise<Outcome>;
  /** Loads the policies again, as a change of their files does. */
  reload(): Promise<Outcome>;
};
