// `kinds`: one object of each kind that no name on the global leads to; the prototypes are what matters. `close` is for when
// the realm is hardened.
(() => {
  "use strict";
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  // Libraries set these for the sake of another engine. Nobody's errors are shown to anybody else by it.
  const ignored = (name, value) => {
    const value_ = getOwnPropertyDescriptor(Error, name)?.value ?? value;
    const accessor = { get [name]() { return value_; }, set [name](_) {} };
    const { get, set } = getOwnPropertyDescriptor(accessor, name);
    defineProperty(Error, name, { get, set, enumerable: false, configurable: false });
  };
  const close = () => {
    ignored("stackTraceLimit", 10);
    ignored("prepareStackTrace", undefined);
  };
  const iterators = [
    [][Symbol.iterator](), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](), ""[Symbol.iterator](), "a".matchAll(/a/g),
    new Headers().entries(), new URLSearchParams().entries(), new FormData().entries(), new ReadableStream().values(),
  ];
  if (typeof Iterator === "function" && Iterator.from) {
    iterators.push([].values().map((value) => value), Iterator.from({ next: () => ({ done: true }) }));
  }
  const kinds = [
    iterators,
    function* () {}, (function* () {})(), async () => {}, async function* () {}, (async function* () {})(),
    (function () { return arguments; })(),
    (() => { try { null.x; } catch (error) { return error; } })(),
  ];
  return { close, kinds };
})();
