// DOMException: a real Error whose name and message live on the prototype.
(native, web) => {
  "use strict";
  const { construct } = Reflect;
  const codes = {
    __proto__: null,
    IndexSizeError: 1, HierarchyRequestError: 3, WrongDocumentError: 4, InvalidCharacterError: 5,
    NoModificationAllowedError: 7, NotFoundError: 8, NotSupportedError: 9, InUseAttributeError: 10,
    InvalidStateError: 11, SyntaxError: 12, InvalidModificationError: 13, NamespaceError: 14,
    InvalidAccessError: 15, TypeMismatchError: 17, SecurityError: 18, NetworkError: 19, AbortError: 20,
    URLMismatchError: 21, QuotaExceededError: 22, TimeoutError: 23, InvalidNodeTypeError: 24, DataCloneError: 25,
  };
  // Private names are put on an object that another constructor made by returning it as `super()`.
  class Made {
    constructor(object) {
      return object;
    }
  }
  class Fields extends Made {
    #name;
    #message;
    constructor(object, name, message) {
      super(object);
      this.#name = name;
      this.#message = message;
    }
    static name(object) {
      return object.#name;
    }
    static message(object) {
      return object.#message;
    }
    static is(object) {
      return typeof object === "object" && object !== null && #name in object;
    }
  }
  const { name: nameOf, message: messageOf } = Fields;

  class DOMException {
    constructor(message = "", options = "Error") {
      message = `${message}`;
      let name = options, cause;
      let caused = false;
      if (typeof options === "object" && options !== null) {
        caused = "cause" in options;
        cause = options.cause;
        name = options.name === undefined ? "Error" : options.name;
      }
      const error = construct(Error, [], new.target);
      if (caused) Object.defineProperty(error, "cause", { value: cause, writable: true, configurable: true });
      return new Fields(error, `${name}`, message);
    }
    get name() {
      return nameOf(this);
    }
    get message() {
      return messageOf(this);
    }
    get code() {
      return codes[nameOf(this)] ?? 0;
    }
  }
  Object.setPrototypeOf(DOMException.prototype, Error.prototype);
  web.constants(DOMException, {
    INDEX_SIZE_ERR: 1, DOMSTRING_SIZE_ERR: 2, HIERARCHY_REQUEST_ERR: 3, WRONG_DOCUMENT_ERR: 4, INVALID_CHARACTER_ERR: 5,
    NO_DATA_ALLOWED_ERR: 6, NO_MODIFICATION_ALLOWED_ERR: 7, NOT_FOUND_ERR: 8, NOT_SUPPORTED_ERR: 9, INUSE_ATTRIBUTE_ERR: 10,
    INVALID_STATE_ERR: 11, SYNTAX_ERR: 12, INVALID_MODIFICATION_ERR: 13, NAMESPACE_ERR: 14, INVALID_ACCESS_ERR: 15,
    VALIDATION_ERR: 16, TYPE_MISMATCH_ERR: 17, SECURITY_ERR: 18, NETWORK_ERR: 19, ABORT_ERR: 20, URL_MISMATCH_ERR: 21,
    QUOTA_EXCEEDED_ERR: 22, TIMEOUT_ERR: 23, INVALID_NODE_TYPE_ERR: 24, DATA_CLONE_ERR: 25,
  });
  web.DOMException = DOMException;
  web.isDOMException = Fields.is;
  web.defineGlobal("DOMException", DOMException);
}
