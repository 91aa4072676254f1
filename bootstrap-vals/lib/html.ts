/** HTML as a tagged template that escapes every value, unless it is HTML already. */

export interface Html {
  readonly html: string;
}
export type HtmlValue = Html | string | number | boolean | null | undefined | HtmlValue[];

/** `` html`<p>${name}</p>` ``: arrays are joined; null, undefined and booleans vanish. */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  let text = strings[0] as string;
  for (let index = 0; index < values.length; index++) text += render(values[index]) + (strings[index + 1] as string);
  return { html: text };
}

function render(value: HtmlValue): string {
  if (value === null || value === undefined || typeof value === "boolean") return "";
  if (Array.isArray(value)) return value.map(render).join("");
  if (typeof value === "object") return value.html;
  return escape(String(value));
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
