const INTERVAL_MS = 2;

/** Starts `call(1)`, `call(2)` … at 500 a second for `ms`, never waiting for one, and resolves when all have ended. */
export function everyTwoMs(ms, call) {
  const total = Math.floor(ms / INTERVAL_MS);
  const calls = [];
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor((performance.now() - start) / INTERVAL_MS));
      while (calls.length < due) calls.push(call(calls.length + 1));
      if (calls.length < total) return;
      clearInterval(timer);
      Promise.all(calls).then(() => resolve(), reject);
    }, 1);
  });
}
