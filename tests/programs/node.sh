#!/bin/sh
# node.sh - node works on acre: buffers, strings, compression and hashing in threads, workers.
# usage: node.sh LIBACRE_SO
# SPDX-License-Identifier: MIT
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

need node
cat >"$work/script.js" <<'END'
const { createHash, pbkdf2Sync } = require("crypto");
const { Worker, isMainThread, parentPort, workerData } = require("worker_threads");
const zlib = require("zlib");

function work(number) {
  const table = new Map();
  for (let i = 0; i < 100000; i++) table.set("key" + i, { i, text: "x".repeat(i % 50) });
  const text = JSON.stringify([...table]);
  const packed = zlib.gzipSync(text);
  const same = zlib.gunzipSync(packed).toString() === text;
  return [number, createHash("sha256").update(text).digest("hex"), same];
}

if (!isMainThread) {
  parentPort.postMessage(work(workerData));
} else {
  const workers = [1, 2, 3].map(
    (number) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: number });
        worker.on("message", resolve);
        worker.on("error", reject);
      }),
  );
  const buffers = [];
  for (let i = 0; i < 2000; i++) buffers.push(Buffer.alloc((i * 7919) % 100000, i & 255));
  const hash = createHash("sha1");
  for (const buffer of buffers) hash.update(buffer);
  console.log(hash.digest("hex"), pbkdf2Sync("a", "b", 1000, 32, "sha256").toString("hex"));
  Promise.all(workers).then((results) => {
    console.log(results);
    console.log(work(0));
  });
}
END
same 'a script' node "$work/script.js"
finish
