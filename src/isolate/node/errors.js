// Errors as Node makes them: an ordinary class with a `code` that programs look at.
(native, web, require) => {
  const fail = (Base, code, message) => {
    const error = new Base(message);
    error.code = code;
    return error;
  };
  const received = (value) => {
    if (value === null || value === undefined) return String(value);
    if (typeof value === "function") return `function ${value.name}`;
    if (typeof value === "object") return `an instance of ${value.constructor?.name ?? "Object"}`;
    return `type ${typeof value} (${String(value).slice(0, 25)})`;
  };
  const wrongType = (name, wanted, value) =>
    fail(TypeError, "ERR_INVALID_ARG_TYPE", `The "${name}" argument must be ${wanted}. Received ${received(value)}`);
  const outOfRange = (name, wanted, value) =>
    fail(RangeError, "ERR_OUT_OF_RANGE", `The value of "${name}" is out of range. It must be ${wanted}. Received ${String(value)}`);
  const needFunction = (value, name) => {
    if (typeof value !== "function") throw wrongType(name, "of type function", value);
  };
  const needString = (value, name) => {
    if (typeof value !== "string") throw wrongType(name, "of type string", value);
  };
  const aborted = (reason) => {
    const error = fail(Error, "ABORT_ERR", "The operation was aborted");
    error.name = "AbortError";
    if (reason !== undefined) error.cause = reason;
    return error;
  };
  // What a program may name and not use, with what there is instead.
  const unavailable = (what, instead) => () => {
    throw fail(Error, "ERR_METHOD_NOT_IMPLEMENTED", `${what} is not available here${instead ? `: ${instead}` : ""}`);
  };
  return { fail, wrongType, outOfRange, needFunction, needString, aborted, unavailable };
}
