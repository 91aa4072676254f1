// atob, btoa, and the base64 and hex methods of Uint8Array where the engine has none.
(native, web) => {
  web.defineGlobal("atob", native.atob);
  web.defineGlobal("btoa", native.btoa);
  const add = (target, methods) => {
    for (const name of Object.keys(methods)) {
      if (name in target) continue;
      Object.defineProperty(target, name, { value: methods[name], writable: true, configurable: true });
    }
  };
  add(Uint8Array, native.ofConstructor);
  add(Uint8Array.prototype, native.ofPrototype);
};
