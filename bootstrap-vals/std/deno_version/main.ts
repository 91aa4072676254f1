/** `std/deno_version`: the versions that `Deno.version` tells. */

declare const Deno: { version: Record<string, string> };

export const deno_version = () => Deno.version;
export default deno_version;
