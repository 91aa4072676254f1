// URL and URLSearchParams are native classes; URLs of blobs are kept here, as long as the isolate lives.
(native, web) => {
  "use strict";
  web.defineGlobal("URL", native.URL);
  web.defineGlobal("URLSearchParams", native.URLSearchParams);
  web.isURLSearchParams = native.isURLSearchParams;

  const { Map } = globalThis;
  const { get, set, delete: remove } = Map.prototype;
  const { apply } = Reflect;
  const { indexOf, slice } = String.prototype;
  const blobs = new Map();
  const statics = {
    createObjectURL(blob) {
      web.need(arguments.length, 1, "URL.createObjectURL");
      if (!web.isBlob(blob)) throw new TypeError("URL.createObjectURL: not a Blob");
      const url = `blob:null/${web.randomUUID()}`;
      apply(set, blobs, [url, blob]);
      return url;
    },
    revokeObjectURL(url) {
      web.need(arguments.length, 1, "URL.revokeObjectURL");
      apply(remove, blobs, [`${url}`]);
    },
  };
  for (const name in statics) {
    Object.defineProperty(native.URL, name, { value: statics[name], writable: true, enumerable: true, configurable: true });
  }
  // The blob of a URL, whose fragment does not count.
  web.blobFromUrl = (url) => {
    const end = apply(indexOf, url, ["#"]);
    return apply(get, blobs, [end < 0 ? url : apply(slice, url, [0, end])]);
  };
}
