// performance: the clock, and the timeline of marks and measures with those who observe it.
(native, web) => {
  "use strict";
  const { now, timeOrigin } = native;
  const { need, dictionary, defineGlobal } = web;
  const { EventTarget } = globalThis;
  const { apply } = Reflect;
  const { freeze } = Object;
  // What a program marks and never clears must not fill its memory.
  const ENTRIES_MAX = 10000;
  const TYPES = freeze(["mark", "measure"]);
  const key = {};
  let entries = [], observers = [], dropped = 0, scheduled = false, factsOf;

  class PerformanceEntry {
    #e;
    constructor(given, entry) {
      if (given !== key) throw web.illegal();
      this.#e = entry;
    }
    static {
      factsOf = (entry) => entry.#e;
    }
    get name() { return this.#e.name; }
    get entryType() { return this.#e.entryType; }
    get startTime() { return this.#e.startTime; }
    get duration() { return this.#e.duration; }
    toJSON() {
      const { name, entryType, startTime, duration, detail } = this.#e;
      return { name, entryType, startTime, duration, ...(detail === undefined ? {} : { detail }) };
    }
  }
  class PerformanceMark extends PerformanceEntry {
    constructor(markName, markOptions = undefined) {
      need(arguments.length, 1, "PerformanceMark");
      const name = `${markName}`, init = dictionary(markOptions, "markOptions");
      const startTime = init?.startTime === undefined ? now() : time(init.startTime);
      super(key, { name, entryType: "mark", startTime, duration: 0, detail: detailOf(init) });
    }
    get detail() { return factsOf(this).detail; }
  }
  class PerformanceMeasure extends PerformanceEntry {
    get detail() { return factsOf(this).detail; }
  }
  const detailOf = (init) => init?.detail === undefined || init.detail === null ? null : web.clone(init.detail);
  const time = (value) => {
    const number = +value;
    if (!(number >= 0 && number < Infinity)) throw new TypeError("A time must be a number from 0 on");
    return number;
  };
  // The time that a mark's name or a number stands for.
  const timeOf = (mark) => {
    if (typeof mark === "number") return time(mark);
    const name = `${mark}`;
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = factsOf(entries[i]);
      if (entry.name === name && entry.entryType === "mark") return entry.startTime;
    }
    throw new web.DOMException(`There is no mark ${name}`, "SyntaxError");
  };

  const select = (list, name, type) => {
    const found = [];
    for (let i = 0; i < list.length; i++) {
      const entry = factsOf(list[i]);
      if ((name === undefined || entry.name === name) && (type === undefined || entry.entryType === type)) {
        // By their beginnings, and equal ones in the order in which they were made.
        let at = found.length;
        while (at > 0 && factsOf(found[at - 1]).startTime > entry.startTime) at--;
        for (let j = found.length; j > at; j--) found[j] = found[j - 1];
        found[at] = list[i];
      }
    }
    return found;
  };
  const without = (type, name) => {
    const left = [];
    for (let i = 0; i < entries.length; i++) {
      const entry = factsOf(entries[i]);
      if (entry.entryType !== type || name !== undefined && entry.name !== name) left[left.length] = entries[i];
    }
    entries = left;
  };
  const add = (entry) => {
    if (entries.length < ENTRIES_MAX) entries[entries.length] = entry;
    else dropped++;
    const type = factsOf(entry).entryType;
    for (let i = 0; i < observers.length; i++) {
      const o = observers[i];
      if (o.types[type] && o.buffer.length < ENTRIES_MAX) {
        o.buffer[o.buffer.length] = entry;
        schedule();
      }
    }
    return entry;
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    web.queueTask(() => {
      scheduled = false;
      const told = observers;
      for (let i = 0; i < told.length; i++) {
        const o = told[i], { buffer } = o;
        if (buffer.length === 0) continue;
        o.buffer = [];
        const options = o.first ? { droppedEntriesCount: dropped } : {};
        o.first = false;
        try {
          apply(o.callback, o.self, [new PerformanceObserverEntryList(key, buffer), o.self, options]);
        } catch (error) {
          web.reportException(error);
        }
      }
    });
  };

  class PerformanceObserverEntryList {
    #list;
    constructor(given, list) {
      if (given !== key) throw web.illegal();
      this.#list = list;
    }
    getEntries() { return select(this.#list); }
    getEntriesByType(type) {
      need(arguments.length, 1, "getEntriesByType");
      return select(this.#list, undefined, `${type}`);
    }
    getEntriesByName(name, type = undefined) {
      need(arguments.length, 1, "getEntriesByName");
      return select(this.#list, `${name}`, type === undefined ? undefined : `${type}`);
    }
  }

  class PerformanceObserver {
    #o;
    constructor(callback) {
      need(arguments.length, 1, "PerformanceObserver");
      if (typeof callback !== "function") throw new TypeError("The callback is not a function");
      this.#o = { self: this, callback, buffer: [], types: { __proto__: null }, mode: null, first: true };
    }
    static get supportedEntryTypes() { return TYPES; }
    observe(options = undefined) {
      const o = this.#o, init = dictionary(options, "options");
      const several = init?.entryTypes, one = init?.type;
      if (several === undefined && one === undefined) throw new TypeError("observe needs entryTypes or type");
      if (several !== undefined && (one !== undefined || init.buffered !== undefined)) throw new TypeError("observe takes entryTypes alone");
      const mode = several === undefined ? "single" : "multiple";
      const wanted = [];
      if (several === undefined) wanted[0] = `${one}`;
      else {
        if (typeof several !== "object" || several === null) throw new TypeError("entryTypes is not a sequence");
        for (const type of several) wanted[wanted.length] = `${type}`;
      }
      if (o.mode !== null && o.mode !== mode) throw new web.DOMException("An observer keeps to entryTypes or to type", "InvalidModificationError");
      o.mode = mode;
      const types = mode === "single" ? o.types : { __proto__: null };
      let any = false;
      for (let i = 0; i < wanted.length; i++) {
        if (wanted[i] === "mark" || wanted[i] === "measure") types[wanted[i]] = any = true;
      }
      if (!any) return;
      o.types = types;
      o.first = true;
      if (!watching(o)) {
        const list = [];
        for (let i = 0; i < observers.length; i++) list[i] = observers[i];
        list[list.length] = o;
        observers = list;
      }
      if (init.buffered) {
        const earlier = select(entries, undefined, wanted[0]);
        for (let i = 0; i < earlier.length; i++) o.buffer[o.buffer.length] = earlier[i];
        schedule();
      }
    }
    disconnect() {
      const o = this.#o, left = [];
      for (let i = 0; i < observers.length; i++) if (observers[i] !== o) left[left.length] = observers[i];
      observers = left;
      o.buffer = [];
      o.types = { __proto__: null };
      o.mode = null;
    }
    takeRecords() {
      const { buffer } = this.#o;
      this.#o.buffer = [];
      return buffer;
    }
  }
  const watching = (o) => {
    for (let i = 0; i < observers.length; i++) if (observers[i] === o) return true;
    return false;
  };

  class Performance extends EventTarget {
    #it = true;
    constructor() {
      if (arguments[0] !== key) throw web.illegal();
      super();
    }
    now() {
      this.#it;
      return now();
    }
    get timeOrigin() {
      this.#it;
      return timeOrigin();
    }
    toJSON() {
      this.#it;
      return { timeOrigin: timeOrigin() };
    }
    mark(markName, markOptions = undefined) {
      this.#it;
      need(arguments.length, 1, "mark");
      return add(new PerformanceMark(markName, markOptions));
    }
    measure(measureName, startOrMeasureOptions = undefined, endMark = undefined) {
      this.#it;
      need(arguments.length, 1, "measure");
      const name = `${measureName}`, from = startOrMeasureOptions;
      const init = from !== null && (typeof from === "object" || typeof from === "function") ? from : undefined;
      const { start, end, duration } = init ?? {};
      if (start !== undefined || end !== undefined || duration !== undefined || init?.detail !== undefined) {
        if (endMark !== undefined) throw new TypeError("measure takes options or an end mark, not both");
        if (start === undefined && end === undefined) throw new TypeError("measure needs a start or an end");
        if (start !== undefined && end !== undefined && duration !== undefined) throw new TypeError("measure takes two of start, end and duration");
      }
      let to;
      if (endMark !== undefined) to = timeOf(endMark);
      else if (end !== undefined) to = timeOf(end);
      else if (start !== undefined && duration !== undefined) to = timeOf(start) + time(duration);
      else to = now();
      let startTime = 0;
      if (start !== undefined) startTime = timeOf(start);
      else if (end !== undefined && duration !== undefined) startTime = to - time(duration);
      else if (init === undefined && from !== undefined && from !== null) startTime = timeOf(from);
      return add(new PerformanceMeasure(key, { name, entryType: "measure", startTime, duration: to - startTime, detail: detailOf(init) }));
    }
    clearMarks(markName = undefined) {
      this.#it;
      without("mark", markName === undefined ? undefined : `${markName}`);
    }
    clearMeasures(measureName = undefined) {
      this.#it;
      without("measure", measureName === undefined ? undefined : `${measureName}`);
    }
    getEntries() {
      this.#it;
      return select(entries);
    }
    getEntriesByType(type) {
      this.#it;
      need(arguments.length, 1, "getEntriesByType");
      return select(entries, undefined, `${type}`);
    }
    getEntriesByName(name, type = undefined) {
      this.#it;
      need(arguments.length, 1, "getEntriesByName");
      return select(entries, `${name}`, type === undefined ? undefined : `${type}`);
    }
  }

  const classes = { PerformanceEntry, PerformanceMark, PerformanceMeasure, PerformanceObserver, PerformanceObserverEntryList, Performance };
  for (const name in classes) defineGlobal(name, classes[name]);
  const shown = web.describeBy(PerformanceEntry, ["name", "entryType", "startTime", "duration"]);
  web.describeBy(PerformanceMark, ["detail"], shown);
  web.describeBy(PerformanceMeasure, ["detail"], shown);
  defineGlobal("performance", new Performance(key));
  defineGlobal("Navigator", native.Navigator);
  defineGlobal("navigator", native.navigator);
  web.now = now;
}
