// The keys of Emacs, loaded by who asks for them.
export { emacs } from "@replit/codemirror-emacs";
