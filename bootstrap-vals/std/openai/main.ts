/**
 * `std/openai`: a client of the OpenAI API for chats, responses, embeddings and models. Without a key of one's own it
 * goes through the town, with the endpoint and key that the town's owner has set.
 */

import { env } from "town:kernel";
import { apiUrl, PASS, setting } from "../../lib/api.ts";

export interface ClientOptions {
  apiKey?: string;
  baseURL?: string;
  organization?: string;
  defaultHeaders?: Record<string, string>;
}

type Parameters = Record<string, unknown>;
type Answer = any;

export class OpenAIError extends Error {
  override name = "OpenAIError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class OpenAI {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions = {}) {
    this.#options = options;
  }

  readonly chat = {
    completions: { create: (parameters: Parameters): Promise<Answer> => this.#create("/chat/completions", parameters) },
  };
  readonly responses = { create: (parameters: Parameters): Promise<Answer> => this.#create("/responses", parameters) };
  readonly embeddings = { create: (parameters: Parameters): Promise<Answer> => this.#create("/embeddings", parameters) };
  readonly models = {
    list: async (): Promise<Answer> => (await this.#send("/models", { method: "GET" })).json(),
    retrieve: async (id: string): Promise<Answer> => (await this.#send(`/models/${id}`, { method: "GET" })).json(),
  };

  /** The answer, or with `stream: true` its events as they come. */
  async #create(path: string, parameters: Parameters): Promise<Answer> {
    const headers = { "content-type": "application/json" };
    const response = await this.#send(path, { method: "POST", headers, body: JSON.stringify(parameters) });
    return parameters.stream === true ? events(response) : response.json();
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const { apiKey, baseURL, organization, defaultHeaders } = this.#options;
    const own = apiKey ?? (typeof env.OPENAI_API_KEY === "string" ? env.OPENAI_API_KEY : undefined);
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${own ?? setting(PASS)}`);
    if (organization !== undefined) headers.set("openai-organization", organization);
    for (const [name, value] of Object.entries(defaultHeaders ?? {})) headers.set(name, value);
    const base = baseURL ?? (own === undefined ? `${apiUrl()}/v1/openai` : "https://api.openai.com/v1");
    const response = await fetch(base + path, { ...init, headers });
    if (response.ok) return response;
    throw new OpenAIError(response.status, `${response.status} ${await response.text()}`);
  }
}
export { OpenAI as ValTownOpenAI };
export default OpenAI;

/** The JSON of each `data:` line, until `[DONE]`. */
async function* events(response: Response): AsyncGenerator<Answer> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() as string;
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const data = line.slice(5).trim();
      if (data === "[DONE]") return;
      yield JSON.parse(data);
    }
  }
}
