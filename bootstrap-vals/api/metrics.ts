/** What an operator's monitoring reads: the counters of the kernel and the use of the disk, in the text format of Prometheus. */

import type { Route } from "../lib/router.ts";
import type { Town } from "../lib/town.ts";
import { requireOwner } from "../model/access.ts";

export const metricsRoutes: Route[] = [
  ["GET", "/api/town/metrics", async (request, _params, town) => {
    await requireOwner(town, request);
    const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" };
    return new Response((await metricsOf(town)).map(written).join(""), { headers });
  }, {
    access: "owner", scope: "town:write", summary: "Counters since the start, for Prometheus; a town inside another has those of its own data alone",
    answers: { 200: "bytes" },
  }],
];

interface Metric {
  name: string;
  type: "counter" | "gauge";
  help: string;
  /** By labels, as they are written. */
  values: [labels: string, value: number][];
}

async function metricsOf(town: Town): Promise<Metric[]> {
  const [usage, health] = await Promise.all([town.storage.usage(), town.system?.health()]);
  const metrics: Metric[] = [
    { name: "town_storage_bytes", type: "gauge", help: "Bytes of all databases of this town.", values: [["", usage.bytes + usage.bytesBelow]] },
    { name: "town_storage_bytes_max", type: "gauge", help: "Bytes that they may have.", values: [["", usage.bytesMax]] },
  ];
  const counts = health?.counts;
  if (counts == null) return metrics;
  const runs = Object.entries(counts.runs).map(([outcome, count]): [string, number] => [`{outcome="${outcome}"}`, count]);
  metrics.push(
    { name: "town_start_time_seconds", type: "gauge", help: "When the town started, in seconds since 1970.", values: [["", counts.since / 1000]] },
    { name: "town_processes", type: "gauge", help: "Processes that programs have.", values: [["", counts.processes]] },
    { name: "town_requests_refused_total", type: "counter", help: "Requests turned away with 503 before any program saw them.", values: [["", counts.refused]] },
    { name: "town_runs_total", type: "counter", help: "Runs of programs that have ended, by outcome.", values: runs },
  );
  return metrics;
}

function written({ name, type, help, values }: Metric): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${values.map(([labels, value]) => `${name}${labels} ${value}\n`).join("")}`;
}
