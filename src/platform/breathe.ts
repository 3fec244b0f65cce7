/** One turn of the event loop: work that takes long in all lets everything else have its turn in between. */
export const breathe = (): Promise<void> => new Promise((done) => setImmediate(done));
