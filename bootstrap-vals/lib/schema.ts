/** JSON Schema, as far as the description of the API needs it, and what a route says about itself. */

import type { Scope } from "../model/scopes.ts";

export type Schema = { readonly [key: string]: unknown };

export const text: Schema = { type: "string" };
export const integer: Schema = { type: "integer" };
export const number: Schema = { type: "number" };
export const boolean: Schema = { type: "boolean" };
export const uuid: Schema = { type: "string", format: "uuid" };
export const time: Schema = { type: "string", format: "date-time" };
export const uri: Schema = { type: "string", format: "uri" };
export const anything: Schema = {};

export function oneOf(...values: string[]): Schema {
  return { type: "string", enum: values };
}

export function nullable(schema: Schema): Schema {
  if (typeof schema.type === "string" && schema.enum === undefined) return { ...schema, type: [schema.type, "null"] };
  return { anyOf: [schema, { type: "null" }] };
}

export function arrayOf(items: Schema): Schema {
  return { type: "array", items };
}

/** A schema of `components`, by name. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** An object with these members and no others; a name that ends in `?` may be absent. */
export function object(members: Record<string, Schema>): Schema {
  const names = Object.keys(members);
  return {
    type: "object",
    properties: Object.fromEntries(names.map((name) => [name.replace(/\?$/, ""), members[name]])),
    required: names.filter((name) => !name.endsWith("?")),
    additionalProperties: false,
  };
}

export function mapOf(values: Schema): Schema {
  return { type: "object", additionalProperties: values };
}

/** A page of a list. */
export function pageOf(items: Schema): Schema {
  return object({ data: arrayOf(items), links: object({ self: uri, "next?": uri, "prev?": uri }) });
}

/**
 * Who may call a route. `reader`: whoever may see the val `:id`. `account`: whoever has one, for what is their own.
 * `author`: the author of the val `:id`. `owner`: of the town. The rest is open.
 */
export type Access = "anybody" | "reader" | "account" | "author" | "owner";

export interface About {
  summary: string;
  access: Access;
  /** What a token must be allowed, where one is given. */
  scope?: Scope;
  /** Parameters of the query; a name that ends in `?` may be absent. */
  query?: Record<string, Schema>;
  /** The body: JSON, or any bytes. */
  body?: Schema | "bytes";
  /** What comes back, by status: JSON, bytes of any type, or nothing. */
  answers: Record<number, Schema | "bytes" | null>;
}
