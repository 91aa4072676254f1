// structuredClone. `web.refuseClone(prototype)` is for platform classes that are on no global.
(native, web) => {
  web.defineGlobal("structuredClone", native.structuredClone);
  web.refuseClone = native.refuse;
};
