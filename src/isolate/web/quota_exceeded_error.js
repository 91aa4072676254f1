// QuotaExceededError: a DOMException that says how much there may be and how much was asked for.
(native, web) => {
  "use strict";
  const amount = (value, what) => {
    if (value === undefined) return null;
    const number = +value;
    if (!(number > -Infinity && number < Infinity)) throw new TypeError(`${what} is not a finite number`);
    if (number < 0) throw new RangeError(`${what} is negative`);
    return number;
  };

  class QuotaExceededError extends web.DOMException {
    #quota;
    #requested;
    constructor(message = "", options = undefined) {
      super(message, "QuotaExceededError");
      const given = web.dictionary(options, "options");
      this.#quota = amount(given?.quota, "quota");
      this.#requested = amount(given?.requested, "requested");
      if (this.#quota !== null && this.#requested !== null && this.#requested < this.#quota) {
        throw new RangeError("requested is less than quota");
      }
    }
    get quota() {
      return this.#quota;
    }
    get requested() {
      return this.#requested;
    }
  }
  web.QuotaExceededError = QuotaExceededError;
  web.defineGlobal("QuotaExceededError", QuotaExceededError);
};
