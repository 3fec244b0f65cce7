// Lets whatever else waits run: the data comes before the recording.
export const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
