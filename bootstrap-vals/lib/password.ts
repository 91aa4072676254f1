/**
 * The work of a password check, as a program of its own: it takes a good part of a second on purpose, and whoever waits
 * for the platform meanwhile must not feel it.
 */

/** PBKDF2 with SHA-256, as hexadecimal digits. */
export async function derive(password: string, salt: string, iterations: number): Promise<string> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", encoder.encode(password), "PBKDF2", false, ["deriveBits"]);
  const parameters = { name: "PBKDF2", hash: "SHA-256", salt: encoder.encode(salt), iterations };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256));
  let text = "";
  for (const byte of bits) text += byte.toString(16).padStart(2, "0");
  return text;
}
