// structuredClone. `web.refuseClone(prototype)` is for platform classes that are on no global.
(native, web) => {
  web.defineGlobal("structuredClone", native.structuredClone);
  // `[clone, ports]`: what is in the list moves over, ports as new objects.
  web.transfer = native.transfer;
  web.refuseClone = native.refuse;
  // Keys travel as a plain value and are made again of it.
  native.shape(...web.crypto.cloning);
};
