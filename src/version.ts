import manifest from "../package.json" with { type: "json" };

export const version: string = manifest.version;

/** Set by the build (package.json); from source there are none. */
declare const OUTFLOW_COMMIT: string | undefined;
declare const OUTFLOW_DATE: string | undefined;

/** The commit that the binary was built from (with `-dirty` where files had changed), and its date. */
export const build = {
  commit: typeof OUTFLOW_COMMIT === "string" && OUTFLOW_COMMIT !== "" ? OUTFLOW_COMMIT : "unknown",
  date: typeof OUTFLOW_DATE === "string" && OUTFLOW_DATE !== "" ? OUTFLOW_DATE : "unknown",
};
