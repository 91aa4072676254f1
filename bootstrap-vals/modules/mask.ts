/** A source with everything blanked that is no code: texts, comments, regular expressions. Every place stays where it was. */

// After these a slash begins a regular expression.
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\breturn|\btypeof|\bawait)\s*$/;
// What is before a slash that has to be known, at most.
const LOOK_BACK = 40;
// Where anything but code may begin, or end.
const SPECIAL = /["'`\/{}]/g;
const ANYTHING = /[^\n]/g;

/** The source, as long as it was, with blanks for what is no code. Substitutions within templates are code. */
export function mask(source: string): string {
  // In pieces: appending to one text takes time with the square of its length.
  const pieces: string[] = [];
  let last = "";
  let at = 0;
  // Of each template that is open: how deep in braces its substitution is.
  const templates: number[] = [];
  let depth = 0;
  const code = (end: number) => {
    const piece = source.slice(at, end);
    pieces.push(piece);
    last = (last + piece.slice(-LOOK_BACK)).slice(-LOOK_BACK);
    at = end;
  };
  // A value stands where a text was, as far as a slash after it is concerned.
  const blank = (end: number, isValue: boolean) => {
    pieces.push(source.slice(at, end).replace(ANYTHING, " "));
    if (isValue) last = "0";
    at = end;
  };
  const template = () => {
    for (let i = at; i < source.length; i++) {
      if (source[i] === "\\") i++;
      else if (source[i] === "`") return blank(i + 1, true);
      else if (source[i] === "$" && source[i + 1] === "{") {
        blank(i, false);
        code(i + 2);
        templates.push(depth++);
        return;
      }
    }
    blank(source.length, true);
  };
  while (at < source.length) {
    const character = source[at] as string;
    const next = source[at + 1];
    if (character === '"' || character === "'") blank(closing(source, at, character), true);
    else if (character === "/" && next === "/") blank(until(source, "\n", at), false);
    else if (character === "/" && next === "*") blank(Math.min(until(source, "*/", at + 2) + 2, source.length), false);
    else if (character === "/" && BEFORE_REGEX.test(last)) blank(closingRegex(source, at), true);
    else if (character === "`") {
      blank(at + 1, false);
      template();
    } else if (character === "{") {
      depth++;
      code(at + 1);
    } else if (character === "}") {
      depth--;
      code(at + 1);
      if (templates[templates.length - 1] === depth) {
        templates.pop();
        template();
      }
    } else {
      SPECIAL.lastIndex = at + 1;
      code(SPECIAL.exec(source)?.index ?? source.length);
    }
  }
  return pieces.join("");
}

function closing(source: string, from: number, quote: string): number {
  for (let i = from + 1; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === quote || source[i] === "\n") return i + 1;
  }
  return source.length;
}

function closingRegex(source: string, from: number): number {
  let isInClass = false;
  for (let i = from + 1; i < source.length; i++) {
    const character = source[i];
    if (character === "\\") i++;
    else if (character === "\n") return from + 1;
    else if (character === "[") isInClass = true;
    else if (character === "]") isInClass = false;
    else if (character === "/" && !isInClass) return i + 1;
  }
  return from + 1;
}

function until(source: string, end: string, from: number): number {
  const found = source.indexOf(end, from);
  return found < 0 ? source.length : found;
}
