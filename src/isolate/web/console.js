// console is native. `web.describe(prototype, (object) => plain)` says how platform objects are shown.
(native, web) => {
  const { defineProperty, create, assign } = Object;
  const console = assign(create({}), native.methods);
  defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
  web.defineGlobal("console", console);
  web.describe = native.describe;
  web.inspect = native.inspect;
  web.describe(URL.prototype, ((get) => (url) => ({ href: get.call(url) }))(
    Object.getOwnPropertyDescriptor(URL.prototype, "href").get));
  web.describe(URLSearchParams.prototype, ((toString) => (params) => ({ query: toString.call(params) }))(
    URLSearchParams.prototype.toString));
};
