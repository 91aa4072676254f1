// performance and navigator are native objects.
(native, web) => {
  for (const name of Object.keys(native)) web.defineGlobal(name, native[name]);
};
