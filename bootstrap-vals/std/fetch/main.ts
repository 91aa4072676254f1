/** `std/fetch`: once a fetch through a proxy, now the global one under its old name. */

const plain = globalThis.fetch;
export { plain as fetch };
export default plain;
