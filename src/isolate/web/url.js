// URL and URLSearchParams are native classes.
(native, web) => {
  web.defineGlobal("URL", native.URL);
  web.defineGlobal("URLSearchParams", native.URLSearchParams);
  web.isURLSearchParams = native.isURLSearchParams;
};
