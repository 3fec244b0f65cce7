// The JSON Schema of an ExportPolicy, made from the valibot schema: for editors. Pure.
import { toJsonSchema } from "@valibot/to-json-schema";
import { exportPolicySchema } from "./schema.ts";

export function jsonSchema(): object {
  const { $schema, ...schema } = toJsonSchema(exportPolicySchema, {
    target: "draft-07",
    // Checks in code (rules between fields, base64) have no JSON Schema: `outflow check` has them all.
    errorMode: "ignore",
    overrideAction: ({ valibotAction, jsonSchema }) => {
      const { type, metadata } = valibotAction as { type: string; metadata?: object };
      return type === "metadata" ? { ...jsonSchema, ...metadata } : undefined;
    },
  }) as { $schema?: string };
  return {
    $schema,
    title: "ExportPolicy",
    description:
      "Which series are exported, and where to: telemetry.miloapis.com/v1alpha1. outflow check verifies more.",
    ...schema,
  };
}
