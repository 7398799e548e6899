// main.c - acre-partitions: reads recorded runs, plans the partitions that need the least memory, tries the
// plan on a real set, and prints it as a header for ACRE_PARTITIONS_DEFINE. See acre-partitions(1).
// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan.h"

enum { WRONG_PLAN = 1, WRONG_USE = 2 };

struct arguments {
    size_t partitions;
    size_t align;
    size_t most;
    unsigned margin_percent;
    bool table;
    const char *name;
    char *const *paths;
    size_t path_count;
};

static const char usage[] =
    "usage: acre-partitions [options] TRACE...\n"
    "\n"
    "  -k, --partitions N   at most N partitions, 1 to 16 (default 6)\n"
    "      --align BYTES    of blocks: 16 (default), or 8, for machines of 32 bits\n"
    "      --most BYTES     leave out larger requests: another allocator serves them\n"
    "      --margin PERCENT more blocks of each size than were recorded (default 0)\n"
    "      --name NAME      of the plan: NAME_PLAN (default PARTITIONS)\n"
    "      --table          print what 1 to 16 partitions need, and no header\n"
    "      --help           print this\n"
    "\n"
    "A TRACE has an operation a line: a ID SIZE, f ID, r ID SIZE [NEW]. \"-\" is standard input.\n";

static int refuse(const char *words, const char *what)
{
    (void)fprintf(stderr, "acre-partitions: %s%s\n", words, what);
    return WRONG_USE;
}

/// A decimal number from `least` to `most`. Ends the program if it is none.
static size_t number(const char *option, const char *text, size_t least, size_t most)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || value < least || value > most) {
        (void)fprintf(
            stderr, "acre-partitions: --%s wants a number from %zu to %zu, not \"%s\"\n", option,
            least, most, text);
        exit(WRONG_USE);
    }
    return (size_t)value;
}

static bool is_name(const char *text)
{
    bool good = isalpha((unsigned char)text[0]) || text[0] == '_';
    for (const char *at = text; *at != '\0'; at++) {
        good = good && (isalnum((unsigned char)*at) || *at == '_');
    }
    return good;
}

static void parse(struct arguments *arguments, int argc, char **argv)
{
    enum { ALIGN = 256, MOST, MARGIN, NAME, TABLE, HELP };
    static const struct option options[] = {
        {"partitions", required_argument, NULL, 'k'},
        {"align", required_argument, NULL, ALIGN},
        {"most", required_argument, NULL, MOST},
        {"margin", required_argument, NULL, MARGIN},
        {"name", required_argument, NULL, NAME},
        {"table", no_argument, NULL, TABLE},
        {"help", no_argument, NULL, HELP},
        {NULL, 0, NULL, 0},
    };
    *arguments =
        (struct arguments){.partitions = 6, .align = 16, .most = PTRDIFF_MAX, .name = "PARTITIONS"};
    for (int option; (option = getopt_long(argc, argv, "k:", options, NULL)) != -1;) {
        switch (option) {
        case 'k':
            arguments->partitions = number("partitions", optarg, 1, ACRE_PARTITIONS_MAX);
            break;
        case ALIGN:
            arguments->align = number("align", optarg, 8, 16);
            break;
        case MOST:
            arguments->most = number("most", optarg, 1, PTRDIFF_MAX);
            break;
        case MARGIN:
            arguments->margin_percent = (unsigned)number("margin", optarg, 0, 1000);
            break;
        case NAME:
            arguments->name = optarg;
            break;
        case TABLE:
            arguments->table = true;
            break;
        case HELP:
            (void)fputs(usage, stdout);
            exit(0);
        default:
            (void)fputs(usage, stderr);
            exit(WRONG_USE);
        }
    }
    if ((arguments->align & (arguments->align - 1)) != 0) {
        exit(refuse("--align wants 8 or 16", "")); // what ACRE_PARTITIONS_DEFINE gives
    }
    if (!is_name(arguments->name)) {
        exit(refuse("no name for a macro: ", arguments->name));
    }
    arguments->paths = argv + optind;
    arguments->path_count = (size_t)(argc - optind);
    if (arguments->path_count == 0) {
        (void)fputs(usage, stderr);
        exit(WRONG_USE);
    }
}

static size_t peak_of(const struct trace *traces, size_t count)
{
    size_t peak = 0;
    for (size_t i = 0; i < count; i++) {
        peak = traces[i].peak_bytes > peak ? traces[i].peak_bytes : peak;
    }
    return peak;
}

static void print_row(const char *start, size_t k, size_t bytes, size_t peak)
{
    printf("%s%2zu %10zu %7.3f\n", start, k, bytes, (double)bytes / (double)peak);
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void print_lower(const char *text)
{
    for (; *text != '\0'; text++) {
        int letter = (unsigned char)*text;
        (void)putchar(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
    }
}

static void print_comment(
    const struct arguments *arguments, const struct trace *traces, const struct plan *plans)
{
    size_t peak = peak_of(traces, arguments->path_count);
    printf("// ");
    print_lower(arguments->name);
    puts("_plan.h - partitions that acre-partitions planned, and tried, from");
    for (size_t i = 0; i < arguments->path_count; i++) {
        printf(
            "//     %s: %zu operations, peak %zu bytes", file_name(arguments->paths[i]),
            traces[i].count, traces[i].peak_bytes);
        if (traces[i].left_out != 0) {
            printf(
                "; %zu requests of up to %zu bytes left out", traces[i].left_out,
                traces[i].larger_most);
        }
        puts("");
    }
    if (arguments->margin_percent != 0) {
        printf("// with %u %% more blocks than were live.\n", arguments->margin_percent);
    }
    puts("//\n// partitions, bytes on the machine that planned, over the peak:");
    for (size_t k = 1; k <= ACRE_PARTITIONS_MAX && plans[k - 1].count == k; k++) {
        print_row(
            k == plans[arguments->partitions - 1].count ? "//  * " : "//    ", k,
            plans[k - 1].bytes, peak);
    }
}

static void print_plan(const struct arguments *arguments, const struct plan *plan)
{
    const char *name = arguments->name;
    printf(
        "#ifndef %s_PLAN_H\n#define %s_PLAN_H\n\n#include \"acre/partitions.h\"\n\n", name, name);
    if (arguments->align < 16) {
        printf("// Sizes are multiples of %zu.\n", arguments->align);
        puts("#if UINTPTR_MAX > UINT32_MAX\n#error \"planned for machines of 32 bits: --align\"\n"
             "#endif\n");
    }
    for (size_t i = 0; i < plan->count; i++) {
        printf(
            "// %zu to %zu bytes: %zu at a time\n", plan->least[i], plan->partition[i].block_bytes,
            plan->partition[i].count);
    }
    char line[160];
    (void)snprintf(line, sizeof(line), "#define %.100s_PLAN(PARTITION)", name);
    for (size_t i = 0; i < plan->count; i++) {
        printf("%-99s\\\n", line);
        (void)snprintf(
            line, sizeof(line), "    PARTITION(%zu, %zu)", plan->partition[i].block_bytes,
            plan->partition[i].count);
    }
    printf("%s\n\n#endif\n", line);
}

static int try_plans(
    const struct arguments *arguments, const struct trace *traces, const struct plan *plans)
{
    for (size_t k = 1; k <= ACRE_PARTITIONS_MAX; k++) {
        if (!arguments->table && k != arguments->partitions) {
            continue;
        }
        for (size_t i = 0; i < arguments->path_count; i++) {
            const char *wrong = plan_try(&plans[k - 1], &traces[i], arguments->align);
            if (wrong != NULL) {
                (void)fprintf(
                    stderr, "acre-partitions: %s, %zu partitions: %s\n", arguments->paths[i], k,
                    wrong);
                return WRONG_PLAN;
            }
        }
    }
    return 0;
}

static int plan_and_print(const struct arguments *arguments, const struct trace *traces)
{
    static struct plan plans[ACRE_PARTITIONS_MAX];
    static struct peaks peaks;
    size_t peak = peak_of(traces, arguments->path_count);
    if (peak == 0) {
        return refuse("nothing was allocated, or nothing that is small enough", "");
    }
    bool planned = peaks_make(&peaks, traces, arguments->path_count, arguments->align) &&
                   plan_make(plans, &peaks, arguments->align, arguments->margin_percent);
    peaks_free(&peaks);
    if (!planned) {
        return refuse("the plan needs more memory than there is", "");
    }
    int status = try_plans(arguments, traces, plans);
    if (status != 0) {
        return status;
    }
    if (arguments->table) {
        for (size_t k = 1; k <= ACRE_PARTITIONS_MAX; k++) {
            print_row("", k, plans[k - 1].bytes, peak);
        }
        return 0;
    }
    print_comment(arguments, traces, plans);
    puts("//\n// SPDX-License-Identifier: MIT");
    print_plan(arguments, &plans[arguments->partitions - 1]);
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    parse(&arguments, argc, argv);
    struct trace *traces = calloc(arguments.path_count, sizeof(*traces));
    if (traces == NULL) {
        return refuse("not enough memory", "");
    }
    bool good = true;
    for (size_t i = 0; good && i < arguments.path_count; i++) {
        good = trace_read(&traces[i], arguments.paths[i], arguments.most);
        if (good && traces[i].unknown != 0) {
            (void)fprintf(
                stderr, "acre-partitions: %s: %zu blocks whose other end was not recorded\n",
                arguments.paths[i], traces[i].unknown);
        }
    }
    int status = good ? plan_and_print(&arguments, traces) : WRONG_USE;
    for (size_t i = 0; i < arguments.path_count; i++) {
        trace_free(&traces[i]);
    }
    free(traces);
    if (fflush(stdout) != 0) {
        return refuse("cannot write", "");
    }
    return status;
}
