// What a check says: what was checked, what was not, against which key, and one of six verdicts.

/** The worst first. `proven` is evidence that holds: the log lied; `not_proven` accuses nobody. */
const VERDICTS = ['not_verified', 'proven', 'cannot_tell', 'not_proven', 'partly', 'verified'];
const FAULTS_KEPT = 200;

/** The record that an entry makes, as far as a fault names it. */
const nameOf = (entry) => ({ at: entry.event.at, type: entry.event.type });

class Report {
  /** The one that was begun last: what was found stays found, whatever ends a check. */
  static last = null;

  constructor(kind, onProgress = () => {}) {
    this.kind = kind;
    this.steps = [];
    this.faults = [];
    this.faultCount = 0;
    this.unknown = [];
    this.notChecked = [];
    this.erased = 0;
    this.records = [];
    this.onProgress = onProgress;
    Report.last = this;
  }

  /**
   * One step: a section of FORMAT.md and what is done there. The work counts what it checks; what it refuses is a
   * fault. Gives what the work gives, null after a fault.
   */
  async step(section, name, work) {
    const step = { section, name, outcome: 'holds', done: 0, of: 0 };
    this.steps.push(step);
    const before = this.faultCount;
    let result = null;
    try {
      result = await work(step);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.fault(step, error);
    }
    if (this.faultCount > before) step.outcome = 'fault';
    return result;
  }

  /** Something does not hold. `at` may name the entry, its record, the line. */
  fault(step, error, at = {}) {
    this.faultCount++;
    if (this.faults.length < FAULTS_KEPT) {
      const { section, name } = step;
      this.faults.push({ section, name, code: error.code, values: error.values, ...at });
    }
  }

  /** Does work for an entry; what it refuses is a fault that names the entry. Gives null after a fault. */
  tried(step, at, work) {
    try {
      const result = work();
      step.done++;
      return result;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.fault(step, error, at);
      return null;
    }
  }

  async progress(name, done, of) {
    this.onProgress(name, done, of);
    await breath();
  }

  /** A step that was left out, and why. */
  leftOut(section, name, code, values = {}) {
    this.steps.push({ section, name, outcome: 'not_checked', done: 0, of: 0, code, values });
  }

  /** What does not hold is explained by the way of the file: that is no lie, and nothing can be told. */
  setAside(code, values = {}) {
    this.mishaps = this.faults.splice(0);
    this.faultCount = 0;
    for (const step of this.steps) if (step.outcome === 'fault') step.outcome = 'not_checked';
    this.head = null;
    this.records = [];
    this.complete = null;
    this.unknown.unshift({ code, values });
  }

  /** Something among the files that systems leave behind: it is named, and changes nothing. */
  stray(path) {
    this.strays ??= [];
    if (!this.strays.includes(path)) this.strays.push(path);
  }

  cannotTell(code, values = {}) {
    this.unknown.push({ code, values });
  }

  get verdict() {
    const isFork = this.kind === 'fork';
    if (this.faultCount) return isFork ? 'not_proven' : 'not_verified';
    if (this.unknown.length) return 'cannot_tell';
    if (isFork) return 'proven';
    return this.erased ? 'partly' : 'verified';
  }

  /** Plain JSON: what programs read, and what is exported. */
  json() {
    const { onProgress, internal, ...rest } = this;
    const first = this.faults[0];
    const named = this.faults.find((fault) => fault.entry !== undefined);
    return {
      verdict: this.verdict,
      section: first?.section ?? null,
      item: first?.entry ?? null,
      record: named ? { entry: named.entry, at: named.at ?? null, type: named.type ?? null } : null,
      code: first?.code ?? this.unknown[0]?.code ?? null,
      ...rest,
    };
  }
}
