// objects.js FILE - reads records from JSON, groups and sorts them, and writes them again.
//
// A job of acre bench: most objects live in the engine's own heap; its compiler, its parser, large
// strings and buffers use malloc.
// SPDX-License-Identifier: MIT
'use strict';
const fs = require('fs');

const records = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const regions = new Map();
for (const record of records) {
    if (!regions.has(record.region)) {
        regions.set(record.region, []);
    }
    regions.get(record.region).push({...record, tags: record.name.split(' ')});
}
const buffers = [];
let total = 0;
for (const [region, members] of [...regions].sort()) {
    members.sort((a, b) => a.price - b.price || a.id - b.id);
    const text = JSON.stringify(members);
    buffers.push(Buffer.from(region + text));
    total += Buffer.concat(buffers).length % 1000003;
}
console.log(records.length, regions.size, total);
