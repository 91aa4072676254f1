// The keys of Emacs, loaded by who asks for them.
export { emacs, EmacsHandler } from "@replit/codemirror-emacs";
