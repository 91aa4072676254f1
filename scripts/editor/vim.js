// The keys of vi, loaded by who asks for them.
export { vim, Vim } from "@replit/codemirror-vim";
