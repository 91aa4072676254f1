/** Runs on a schedule. */
export default function (interval: { lastRunAt: Date | undefined }): void {
  console.log("Last run:", interval.lastRunAt ?? "never");
}
