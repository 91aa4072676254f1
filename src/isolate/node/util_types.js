// node:util/types. What a value is, by its inside and not by what it says.
(native, web, require) => {
  "use strict";
  const { kind } = native;
  const tag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;
  const array = (value) => (ArrayBuffer.isView(value) ? tag.call(value) : undefined);
  const labelled = (value, name) => Object.prototype.toString.call(value) === `[object ${name}]`;
  const types = {
    isExternal: () => false,
    isArgumentsObject: (value) => labelled(value, "Arguments"),
    isBigIntObject: (value) => kind(value) === "Boxed" && typeof value.valueOf() === "bigint",
    isBooleanObject: (value) => kind(value) === "Boxed" && typeof value.valueOf() === "boolean",
    isNumberObject: (value) => kind(value) === "Boxed" && typeof value.valueOf() === "number",
    isStringObject: (value) => kind(value) === "Boxed" && typeof value.valueOf() === "string",
    isSymbolObject: (value) => kind(value) === "Boxed" && typeof value.valueOf() === "symbol",
    isBoxedPrimitive: (value) => kind(value) === "Boxed",
    isNativeError: (value) => kind(value) === "Error",
    isAsyncFunction: (value) => typeof value === "function" && /^Async/.test(value[Symbol.toStringTag]),
    isGeneratorFunction: (value) => typeof value === "function" && /GeneratorFunction$/.test(value[Symbol.toStringTag]),
    isGeneratorObject: (value) => labelled(value, "Generator") || labelled(value, "AsyncGenerator"),
    isMapIterator: (value) => labelled(value, "Map Iterator"),
    isSetIterator: (value) => labelled(value, "Set Iterator"),
    isModuleNamespaceObject: (value) => labelled(value, "Module"),
    isArrayBufferView: ArrayBuffer.isView,
    isAnyArrayBuffer: (value) => kind(value) === "ArrayBuffer" || kind(value) === "SharedArrayBuffer",
    isTypedArray: (value) => array(value) !== undefined,
    isCryptoKey: (value) => value instanceof CryptoKey,
    isKeyObject: (value) => value instanceof require("crypto").KeyObject,
  };
  for (const name of ["Date", "RegExp", "Promise", "Proxy", "Map", "Set", "WeakMap", "WeakSet", "ArrayBuffer", "SharedArrayBuffer", "DataView"]) {
    types[`is${name}`] = (value) => kind(value) === name;
  }
  for (const name of [
    "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
    "Float16Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array",
  ]) types[`is${name}`] = (value) => array(value) === name;
  return types;
}
