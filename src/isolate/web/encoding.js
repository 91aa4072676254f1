// TextEncoder and TextDecoder are native classes.
(native, web) => {
  web.defineGlobal("TextEncoder", native.TextEncoder);
  web.defineGlobal("TextDecoder", native.TextDecoder);
};
