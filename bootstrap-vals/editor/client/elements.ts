/** Making elements with fewer words than the DOM needs. */

type Child = Node | string | null | undefined | false;
type Wish = Record<string, unknown> & { on?: Record<string, (event: never) => void> };

/** `make("button", { class: "small", on: { click } }, "Save")`: attributes, except `on`, and properties that begin with a dot. */
export function make<Name extends keyof HTMLElementTagNameMap>(name: Name, wish: Wish = {}, ...children: Child[]): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(wish)) {
    if (key === "on") {
      for (const [event, listener] of Object.entries(value as NonNullable<Wish["on"]>)) element.addEventListener(event, listener as EventListener);
    } else if (key.startsWith(".")) Object.assign(element, { [key.slice(1)]: value });
    else if (key.startsWith("aria-") && value !== undefined) element.setAttribute(key, String(value));
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child): child is Node | string => typeof child === "string" || child instanceof Node));
  return element;
}

/** Asks for a line of text in a dialog; undefined when it was left. */
export function ask(title: string, label: string, value: string, action: string): Promise<string | undefined> {
  return new Promise((done) => {
    const input = make("input", { id: "asked", ".value": value, autocomplete: "off", spellcheck: "false", required: true });
    const form = make("form", { method: "dialog", class: "inner" },
      make("h2", {}, title), make("label", { for: "asked" }, label), input,
      make("p", { class: "actions" }, make("button", { class: "first", value: "yes" }, action), make("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel")));
    const dialog = make("dialog", { "aria-label": title }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "yes" && input.value.trim() !== "" ? input.value.trim() : undefined);
    });
    document.body.append(dialog);
    dialog.showModal();
    input.select();
  });
}

/** A line that comes up and goes, read out to who cannot see it. */
export function say(text: string, kind: "" | "bad" = ""): void {
  const place = document.querySelector("#says") ?? document.body.appendChild(make("div", { id: "says", role: "status", "aria-live": "polite" }));
  const line = make("p", { class: kind }, text);
  place.append(line);
  setTimeout(() => line.remove(), kind === "bad" ? 8000 : 3000);
}
