// The register's values, as JSON. Everything read from it is outside data: what is not understood is undefined.
import * as v from "valibot";

const text = v.pipe(v.string(), v.maxLength(512));
const time = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const memberSchema = v.object({
  id: text,
  name: text,
  /** When the agent started, ms. */
  since: time,
  /** It is going: it gets no shards. */
  leaving: v.optional(v.boolean()),
  /** Of its policies; agents of a fleet have the same ones. */
  policies: v.optional(text),
  version: v.optional(text),
  /** Changes with each heartbeat. */
  beat: time,
});
export type Member = v.InferOutput<typeof memberSchema>;

/** What other agents say of a sink that they do not own: `[status, reason, since ms]` of its Ready condition. */
const sinkSchema = v.tuple([v.picklist(["True", "False", "Unknown"]), text, time]);

const shardSchema = v.object({
  /** The owner's member id; "": free. */
  holder: v.pipe(v.string(), v.maxLength(512)),
  /** Grows with each change of owner. */
  epoch: time,
  /** When the holder took it, ms. */
  since: time,
  /** Who had it before; of a free one: who freed it. */
  from: v.optional(text),
  /** That one had been silent for a TTL. */
  silent: v.optional(v.boolean()),
  /** `namespace/policy/sink/source` → everything up to here is settled, ms. */
  cursors: v.record(v.string(), time),
  sinks: v.optional(v.record(v.string(), sinkSchema), {}),
});
export type Shard = v.InferOutput<typeof shardSchema>;

const configSchema = v.object({ shards: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(4096)) });
export type Config = v.InferOutput<typeof configSchema>;

const parser =
  <T>(schema: v.GenericSchema<unknown, T>) =>
  (json: string): T | undefined => {
    try {
      const parsed = v.safeParse(schema, JSON.parse(json));
      return parsed.success ? parsed.output : undefined;
    } catch {
      return undefined;
    }
  };

export const parseMember = parser<Member>(memberSchema);
export const parseShard = parser<Shard>(shardSchema);
export const parseConfig = parser<Config>(configSchema);
