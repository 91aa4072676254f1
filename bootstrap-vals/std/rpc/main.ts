/** `std/rpc`: a function as an HTTP handler. `GET /?args=[2,3]`, or POST `{ "args": [2, 3] }`; the answer is JSON. */

export function rpc(fn: (...args: any[]) => unknown): (request: Request) => Promise<Response> {
  return async (request) => {
    let args: unknown;
    try {
      args = request.method === "GET" || request.method === "HEAD"
        ? JSON.parse(new URL(request.url).searchParams.get("args") ?? "[]")
        : ((await request.json()) as { args?: unknown }).args ?? [];
    } catch {
      return Response.json({ error: "The arguments are not JSON" }, { status: 400 });
    }
    if (!Array.isArray(args)) return Response.json({ error: "The arguments are not a list" }, { status: 400 });
    const result = await fn(...args);
    return Response.json(result === undefined ? null : result);
  };
}
export default rpc;
