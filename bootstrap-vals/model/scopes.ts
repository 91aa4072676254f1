/** What an API token may be allowed to do, by name. */

export const SCOPES = [
  "val:read", "val:write", "user:read", "user:write", "blob:read", "blob:write", "sqlite:read", "sqlite:write",
  "email:read", "email:write", "telemetry:read", "town:write",
] as const;
export type Scope = (typeof SCOPES)[number];

export function hasScope(asker: { scopes: string[] }, scope: string): boolean {
  return asker.scopes.includes("*") || asker.scopes.includes(scope);
}
