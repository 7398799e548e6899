// main.c - the firmware's job: measurements arrive as JSON, the last six are kept and looked at. The library
// that reads them asks calloc for a few bytes up to 800; what is behind calloc is decided by what is linked.
// run.py does it all: records, plans, links, runs.
// SPDX-License-Identifier: MIT
#include "board.h"
#include "json.h"

enum { MESSAGES = 200, KEPT = 6, TEXT_BYTES = 2400, READINGS_MAX = 128, NOTE_MAX = 790 };

static char text[TEXT_BYTES];
static struct json *kept[KEPT];
static unsigned sums[KEPT]; // of the readings of those
static unsigned random_state = 20261120;

static unsigned random_below(unsigned bound)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % bound;
}

static char *write_text(char *at, const char *words)
{
    while (*words != '\0') {
        *at++ = *words++;
    }
    return at;
}

static char *write_number(char *at, unsigned value)
{
    char digits[10];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) {
        *at++ = digits[--count];
    }
    return at;
}

/// What comes over the wire: a few readings as a rule, many at times; a note, long ones seldom. Returns the
/// sum of the readings.
static unsigned receive(unsigned number)
{
    unsigned sum = 0;
    unsigned readings =
        random_below(5) == 0 ? 20 + random_below(READINGS_MAX - 20) : random_below(9);
    unsigned letters = random_below(8) == 0 ? random_below(NOTE_MAX) : 3 + random_below(30);
    char *at = write_number(write_text(text, "{\"number\": "), number);
    at = write_text(at, ", \"sensor\": {\"id\": \"s-");
    at = write_text(write_number(at, random_below(1000)), "\", \"unit\": \"mK\"}, \"readings\": [");
    for (unsigned i = 0; i < readings; i++) {
        unsigned reading = random_below(100000);
        sum += reading;
        at = write_number(write_text(at, i == 0 ? "" : ", "), reading);
    }
    at = write_text(at, "], \"note\": \"");
    for (unsigned i = 0; i < letters; i++) {
        *at++ = (char)('a' + i % 26);
    }
    *write_text(at, "\"}") = '\0';
    return sum;
}

static unsigned value_of(const struct json *number)
{
    unsigned value = 0;
    for (const char *at = number->text; *at != '\0'; at++) {
        value = value * 10 + (unsigned)(*at - '0');
    }
    return value;
}

static bool is_whole(const struct json *message, unsigned sum)
{
    const struct json *readings = json_member(message, "readings");
    for (size_t i = 0; readings != NULL && i < readings->count; i++) {
        sum -= value_of(readings->items[i]);
    }
    return readings != NULL && sum == 0;
}

int main(void)
{
    if (!memory_start()) {
        return 2;
    }
    for (unsigned number = 0; number < MESSAGES; number++) {
        unsigned at = number % KEPT;
        json_free(kept[at]);
        sums[at] = receive(number);
        kept[at] = json_parse(text);
        if (kept[at] == NULL) {
            say("no memory for a message\n");
            memory_report();
            return 3;
        }
        for (unsigned i = 0; i < KEPT; i++) {
            if (kept[i] != NULL && !is_whole(kept[i], sums[i])) {
                say("a message was damaged\n");
                return 4;
            }
        }
    }
    for (unsigned i = 0; i < KEPT; i++) {
        json_free(kept[i]);
    }
    memory_report();
    return 0;
}
