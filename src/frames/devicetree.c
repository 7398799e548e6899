// devicetree.c - a boot map from a flattened devicetree.
//
// The structure block is a list of big-endian tokens, walked once, with two numbers kept for each depth of
// nodes: how many cells an address and a size have in the children. No offset is used before it is
// known to lie in the blob, so a broken tree ends with a reason.
//
// Source: Devicetree Specification 0.4, sections 3.4 (/memory), 3.5 (/reserved-memory), 5 (the format).
// SPDX-License-Identifier: MIT
#include "acre/bootmap.h"

enum {
    MAGIC = (int)0xd00dfeed,
    TREE_HEADER_BYTES = 40,
    TOKEN_NODE = 1,
    TOKEN_END_NODE = 2,
    TOKEN_PROPERTY = 3,
    TOKEN_NOP = 4,
    TOKEN_END = 9,
    DEPTH_MAX = 16,
    CELLS_MAX = 2, // numbers of more than 64 bits are no addresses of memory
};

/// Where a walk is.
struct walk {
    acre_bootmap *map;
    const unsigned char *blob;
    uint32_t bytes;                             // of the blob
    uint32_t at, end;                           // in the structure block
    uint32_t strings;                           // where names of properties begin
    unsigned depth;                             // of the node; the root has 1
    unsigned char address_cells[DEPTH_MAX + 1]; // of the children of the node at a depth
    unsigned char size_cells[DEPTH_MAX + 1];
    acre_map_kind kind; // of what `reg` names in the node; NONE: nothing of interest
    bool in_reserved;   // below /reserved-memory
    acre_status status;
};

static uint64_t read_be(const unsigned char *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | at[i];
    }
    return value;
}

static uint32_t word_at(const struct walk *walk, uint32_t at)
{
    return (uint32_t)read_be(walk->blob + at, 4);
}

static bool broken(struct walk *walk, const char *reason)
{
    walk->map->reason = reason;
    walk->status = ACRE_BAD_MAP;
    return false;
}

/// Whether the text at an offset, which must end inside the blob, is `name`, or `name` with an address.
static bool is_name(const struct walk *walk, uint32_t at, const char *name, bool with_address)
{
    for (; at < walk->bytes; at++, name++) {
        char is = (char)walk->blob[at];
        if (*name == '\0') {
            return is == '\0' || (with_address && is == '@');
        }
        if (is != *name) {
            return false;
        }
    }
    return false;
}

static bool append(struct walk *walk, uint64_t base, uint64_t bytes, acre_map_kind kind)
{
    walk->status = acre_bootmap_append(walk->map, base, bytes, kind);
    return walk->status == ACRE_OK;
}

/// The pairs of address and size of a property.
static bool read_reg(struct walk *walk, uint32_t at, uint32_t bytes)
{
    unsigned address = walk->address_cells[walk->depth - 1] * 4u;
    unsigned size = walk->size_cells[walk->depth - 1] * 4u;
    if (address == 0 || size == 0) {
        return true;
    }
    if (address > CELLS_MAX * 4u || size > CELLS_MAX * 4u) {
        return broken(walk, "the devicetree has memory at addresses of more than two cells");
    }
    for (; bytes >= address + size; bytes -= address + size) {
        uint64_t base = read_be(walk->blob + at, address);
        uint64_t length = read_be(walk->blob + at + address, size);
        if (!append(walk, base, length, walk->kind)) {
            return false;
        }
        at += address + size;
    }
    return true;
}

/// How many cells: some buses have addresses of more than memory may have.
static bool read_cells(struct walk *walk, uint32_t at, uint32_t bytes, unsigned char *out)
{
    if (bytes != 4) {
        return broken(walk, "the devicetree has a number of cells that is no number");
    }
    const uint32_t cells = word_at(walk, at);
    *out = (unsigned char)(cells <= CELLS_MAX ? cells : CELLS_MAX + 1);
    return true;
}

/// Enters a node: /memory, /reserved-memory and its children are of interest.
static bool enter_node(struct walk *walk)
{
    uint32_t name = walk->at;
    while (walk->at < walk->end && walk->blob[walk->at] != '\0') {
        walk->at += 1;
    }
    walk->at = (walk->at + 4) & ~3u;
    if (walk->at > walk->end || walk->depth == DEPTH_MAX) {
        return broken(walk, "a node of the devicetree does not end, or lies too deep");
    }
    walk->depth += 1;
    walk->address_cells[walk->depth] = 2; // what the specification says where nothing is said
    walk->size_cells[walk->depth] = 1;
    walk->kind = ACRE_MAP_NONE;
    if (walk->depth == 2) {
        walk->in_reserved = is_name(walk, name, "reserved-memory", false);
        walk->kind = is_name(walk, name, "memory", true) ? ACRE_MAP_USABLE : ACRE_MAP_NONE;
    } else if (walk->depth == 3 && walk->in_reserved) {
        walk->kind = ACRE_MAP_RESERVED;
    }
    return true;
}

static bool read_property(struct walk *walk)
{
    if (walk->end - walk->at < 8 || walk->depth == 0) {
        return broken(walk, "a property of the devicetree is cut off");
    }
    uint32_t bytes = word_at(walk, walk->at);
    uint32_t name = word_at(walk, walk->at + 4);
    uint32_t at = walk->at + 8;
    if (bytes > walk->end - at || name >= walk->bytes - walk->strings) {
        return broken(walk, "a property of the devicetree lies outside it");
    }
    walk->at = at + ((bytes + 3) & ~3u);
    if (walk->at > walk->end) {
        return broken(walk, "a property of the devicetree is cut off");
    }
    name += walk->strings;
    if (is_name(walk, name, "#address-cells", false)) {
        return read_cells(walk, at, bytes, &walk->address_cells[walk->depth]);
    }
    if (is_name(walk, name, "#size-cells", false)) {
        return read_cells(walk, at, bytes, &walk->size_cells[walk->depth]);
    }
    if (walk->kind != ACRE_MAP_NONE && is_name(walk, name, "reg", false)) {
        return read_reg(walk, at, bytes);
    }
    return true;
}

/// One token. False: the end, or something is wrong.
static bool step(struct walk *walk)
{
    if (walk->end - walk->at < 4) {
        return broken(walk, "the devicetree does not end");
    }
    uint32_t token = word_at(walk, walk->at);
    walk->at += 4;
    switch (token) {
    case TOKEN_NODE:
        return enter_node(walk);
    case TOKEN_PROPERTY:
        return read_property(walk);
    case TOKEN_NOP:
        return true;
    case TOKEN_END:
        return false;
    case TOKEN_END_NODE:
        if (walk->depth == 0) {
            return broken(walk, "the devicetree ends more nodes than it has");
        }
        walk->depth -= 1;
        walk->kind = ACRE_MAP_NONE;
        return true;
    default:
        return broken(walk, "the devicetree has a token that there is not");
    }
}

/// The block of address and size pairs that ends with two zeros.
static bool read_reservations(struct walk *walk, uint32_t at)
{
    for (; at <= walk->bytes - 16 && at >= TREE_HEADER_BYTES; at += 16) {
        uint64_t base = read_be(walk->blob + at, 8);
        uint64_t bytes = read_be(walk->blob + at + 8, 8);
        if (base == 0 && bytes == 0) {
            return true;
        }
        if (!append(walk, base, bytes, ACRE_MAP_RESERVED)) {
            return false;
        }
    }
    return broken(walk, "the reservations of the devicetree do not end");
}

acre_status acre_bootmap_read_devicetree(
    acre_bootmap *map, const void *blob, uint64_t bytes_max, acre_phys blob_addr)
{
    struct walk walk = {.map = map, .blob = blob};
    if (bytes_max < TREE_HEADER_BYTES || word_at(&walk, 0) != (uint32_t)MAGIC) {
        (void)broken(&walk, "not a devicetree");
        return walk.status;
    }
    walk.bytes = word_at(&walk, 4);
    walk.at = word_at(&walk, 8);
    walk.strings = word_at(&walk, 12);
    uint32_t structure_bytes = word_at(&walk, 36);
    if (walk.bytes > bytes_max || walk.bytes < TREE_HEADER_BYTES || walk.at > walk.bytes ||
        walk.at % 4 != 0 || structure_bytes > walk.bytes - walk.at || walk.strings > walk.bytes) {
        (void)broken(&walk, "the header of the devicetree says what cannot be");
        return walk.status;
    }
    walk.end = walk.at + structure_bytes;
    walk.address_cells[0] = 2;
    walk.size_cells[0] = 1;
    if (append(&walk, blob_addr.addr, walk.bytes, ACRE_MAP_RESERVED) &&
        read_reservations(&walk, word_at(&walk, 16))) {
        while (step(&walk)) {
        }
    }
    return walk.status;
}
