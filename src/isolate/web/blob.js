// Blob and File are native, but for streams, which scripts make.
(native, web) => {
  const { Blob, File, blobParts } = native;
  const methods = {
    stream() {
      return web.streamFromBytes(blobParts(this).bytes);
    },
  };
  Object.defineProperty(Blob.prototype, "stream", { value: methods.stream, writable: true, enumerable: true, configurable: true });
  web.defineGlobal("Blob", Blob);
  web.defineGlobal("File", File);
  web.isBlob = native.isBlob;
  web.blobParts = blobParts;
  // A blob whose type stays as it is given.
  web.makeBlob = native.makeBlob;
  const get = (Class, name) => Object.getOwnPropertyDescriptor(Class.prototype, name).get;
  const size = get(Blob, "size");
  const type = get(Blob, "type");
  const name = get(File, "name");
  web.describe(File.prototype, (file) => ({ name: name.call(file), size: size.call(file), type: type.call(file) }));
  web.describe(Blob.prototype, (blob) => ({ size: size.call(blob), type: type.call(blob) }));
};
