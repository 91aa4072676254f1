// Classes and functions of one API that the scripts of others use, under names no program can change.
(native, web) => {
  const { crypto } = globalThis;
  web.encodeUtf8 = native.encodeUtf8;
  web.decodeUtf8 = native.decodeUtf8;
  web.URL = URL;
  web.TextDecoder = TextDecoder;
  web.Blob = Blob;
  web.ErrorEvent = ErrorEvent;
  web.clone = structuredClone;
  const { apply } = Reflect;
  const { randomUUID } = crypto;
  web.randomUUID = () => apply(randomUUID, crypto, []);
};
