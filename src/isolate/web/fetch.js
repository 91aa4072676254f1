// fetch(): everything but the network, which is the host's.
(native, web) => {
  "use strict";
  const { resolve, reject, then, deferred, attempt } = web.promises;
  const { Request } = globalThis;
  const { dataUrl } = web.bodies;
  const { apply } = Reflect;
  const { startsWith } = String.prototype;

  const local = (request, type, bytes) => {
    const { method } = request;
    const list = type === "" ? [] : ["content-type", type];
    return web.makeResponse({
      status: 200, statusText: "OK", headers: list, url: request.url, redirected: false,
      body: method === "HEAD" ? null : bytes,
    });
  };
  const scheme = (url, name) => apply(startsWith, url, [name]);

  const respond = (head) => web.makeResponse(head);
  const perform = (request) => {
    const { url } = request;
    if (scheme(url, "http:") || scheme(url, "https:")) {
      const asked = web.readRequest(request);
      if (asked.body === null && web.isUpgrade(asked.headers)) return web.fetchSocket(asked);
      return then(attempt(web.host.fetch, web.host, asked), respond);
    }
    if (scheme(url, "data:")) {
      const data = dataUrl(url);
      if (data !== null) return resolve(local(request, data.type, data.bytes));
    } else if (scheme(url, "blob:") && request.method === "GET") {
      const blob = web.blobOfRequest(request);
      if (blob) {
        const { bytes, type } = web.blobParts(blob);
        return resolve(local(request, type, bytes));
      }
    }
    return reject(new TypeError(`fetch: cannot get ${url}`));
  };

  const functions = {
    fetch(input, init = undefined) {
      let request;
      try {
        web.need(arguments.length, 1, "fetch");
        request = new Request(input, init);
      } catch (error) {
        return reject(error);
      }
      const signal = web.followed(request);
      if (signal === null) return perform(request);
      if (web.abort.aborted(signal)) {
        const reason = web.abort.reason(signal);
        web.dropBody(request, reason);
        return reject(reason);
      }
      const outcome = deferred();
      let response = null, over = false;
      web.abort.add(signal, () => {
        const reason = web.abort.reason(signal);
        over = true;
        if (response === null) outcome.reject(reason);
        else web.failResponse(response, reason);
      });
      then(perform(request), (value) => {
        response = value;
        if (over) web.failResponse(value, web.abort.reason(signal));
        else outcome.resolve(value);
      }, outcome.reject);
      return outcome.promise;
    },
  };
  web.defineGlobal("fetch", functions.fetch);
}
