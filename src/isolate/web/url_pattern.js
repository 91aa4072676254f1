// URLPattern is a native class.
(native, web) => {
  web.defineGlobal("URLPattern", native.URLPattern);
};
