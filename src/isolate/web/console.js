// console is native. `web.describe(prototype, (object) => plain)` says how platform objects are shown.
(native, web) => {
  const { defineProperty, getOwnPropertyDescriptor, create, assign } = Object;
  const { apply } = Reflect;
  const console = assign(create({}), native.methods);
  defineProperty(console, Symbol.toStringTag, { value: "console", configurable: true });
  web.defineGlobal("console", console);
  web.describe = native.describe;
  web.inspect = native.inspect;
  // Shows the attributes of a class, by their getters as they are now, with those of the class above it.
  web.describeBy = (type, names, above = []) => {
    const getters = [...above];
    for (const name of names) getters.push([name, getOwnPropertyDescriptor(type.prototype, name).get]);
    web.describe(type.prototype, (object) => {
      const shown = create(null);
      for (let i = 0; i < getters.length; i++) shown[getters[i][0]] = apply(getters[i][1], object, []);
      return shown;
    });
    return getters;
  };
  web.describeBy(URL, ["href"]);
  web.describe(URLSearchParams.prototype, ((toString) => (params) => ({ query: toString.call(params) }))(
    URLSearchParams.prototype.toString));
  const event = web.describeBy(Event, ["type", "defaultPrevented"]);
  web.describeBy(CustomEvent, ["detail"], event);
  web.describeBy(ErrorEvent, ["message", "error"], event);
  web.describeBy(MessageEvent, ["data"], event);
  web.describeBy(PromiseRejectionEvent, ["reason"], event);
  web.describeBy(AbortSignal, ["aborted", "reason"]);
  web.describeBy(AbortController, ["signal"]);
  web.describeBy(CryptoKey, ["type", "extractable", "algorithm", "usages"]);
};
