/** Chance as a port: a number in [0, 1). */
export type Random = () => number;
/** Two random 32-bit numbers: the secret of hashes for which nobody is to make collisions. */
export type Seed = readonly [number, number];
export const systemSeed = (): Seed => {
  const [a = 0, b = 0] = crypto.getRandomValues(new Uint32Array(2));
  return [a, b];
};
export const systemRandom: Random = () => Math.random();
