/** The palette of commands: everything that can be reached from here, found by typing. */

export interface Command {
  title: string;
  /** Its key, as people write it. */
  keys?: string;
  run(): void;
}

const extra: Command[] = [];

/** Adds commands of the page that is open. */
export function addCommands(commands: Command[]): void {
  extra.push(...commands);
}

/** Opens the palette with the links of this page and the commands added. */
export function openPalette(): void {
  if (document.querySelector("dialog.palette") !== null) return;
  const commands = [...extra, ...linksOfPage()];
  const dialog = document.createElement("dialog");
  dialog.className = "palette";
  dialog.setAttribute("aria-label", "Commands");
  const input = document.createElement("input");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-expanded", "true");
  input.setAttribute("aria-controls", "palette-list");
  input.setAttribute("aria-label", "Command or page");
  input.placeholder = "Command or page";
  input.autocomplete = "off";
  const list = document.createElement("ul");
  list.id = "palette-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Matches");
  dialog.append(input, list);
  document.body.append(dialog);

  let shown: Command[] = [];
  let selected = 0;
  const choose = (index: number) => {
    const command = shown[index];
    dialog.close();
    command?.run();
  };
  const draw = () => {
    shown = [...commands.filter((command) => fits(command.title, input.value)), ...search(input.value.trim())];
    selected = Math.min(selected, Math.max(0, shown.length - 1));
    list.replaceChildren(...shown.map((command, index) => {
      const item = document.createElement("li");
      item.id = `palette-${index}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(index === selected));
      item.append(command.title);
      if (command.keys !== undefined) item.append(Object.assign(document.createElement("span"), { textContent: command.keys }));
      item.addEventListener("click", () => choose(index));
      return item;
    }));
    input.setAttribute("aria-activedescendant", shown.length === 0 ? "" : `palette-${selected}`);
    list.children[selected]?.scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", () => {
    selected = 0;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && shown.length > 0) {
      event.preventDefault();
      selected = (selected + step + shown.length) % shown.length;
      draw();
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(selected);
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  draw();
  dialog.showModal();
}

/** What is no command may be the name of a val, or words in one. */
function search(typed: string): Command[] {
  const form = document.querySelector<HTMLFormElement>("form.find");
  if (typed === "" || form === null) return [];
  return [{ title: `Search vals for ${typed}`, run: () => location.assign(`${form.action}?q=${encodeURIComponent(typed)}`) }];
}

function linksOfPage(): Command[] {
  const seen = new Set<string>();
  const commands: Command[] = [];
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a[href]:not(.skip)")) {
    const title = (link.dataset.made === undefined ? "" : "View source: ") + (link.textContent ?? "").trim().replace(/\s+/g, " ");
    if (title === "" || seen.has(link.href) || link.getAttribute("href")?.startsWith("#")) continue;
    seen.add(link.href);
    commands.push({ title, run: () => location.assign(link.href) });
  }
  return commands;
}

/** Every letter typed occurs, in that order. */
function fits(title: string, typed: string): boolean {
  let at = 0;
  const text = title.toLowerCase();
  for (const letter of typed.toLowerCase().replace(/\s+/g, "")) {
    at = text.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}
