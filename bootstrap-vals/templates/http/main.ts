/** Answers HTTP requests. */
export default function (request: Request): Response {
  const { pathname } = new URL(request.url);
  return Response.json({ hello: "world", pathname });
}
