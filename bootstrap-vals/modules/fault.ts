/** What is wrong with an import, for whoever wrote it. */

export class Fault extends Error {
  readonly suggestion: string | undefined;

  constructor(message: string, suggestion?: string) {
    super(message);
    this.name = "Fault";
    this.suggestion = suggestion;
  }
}
