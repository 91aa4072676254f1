// The TypeScript compiler and its language service, for a worker.
export { default } from "typescript";
