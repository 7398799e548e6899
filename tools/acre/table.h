// table.h - a table of text: columns as wide as their widest cell, no colour, no lines.
// SPDX-License-Identifier: MIT
#ifndef ACRE_TOOL_TABLE_H
#define ACRE_TOOL_TABLE_H

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 12

/// Rows of cells. The first row is the heading.
struct table {
    size_t column_count;
    size_t row_count;
    size_t row_max;
    char **cells; // row by row; NULL is an empty cell
    char **notes; // for each row, what stands behind its last cell or in place of it; may be NULL
};

void table_init(struct table *table, size_t column_count, size_t row_max);
void table_free(struct table *table);

/// Starts another row. At most `row_max` of them.
void table_add_row(struct table *table);

/// Sets a cell of the last row, or its note. Takes `text`, which is to be freed.
void table_set(struct table *table, size_t column, char *text);
void table_set_note(struct table *table, char *text);

/// Prints the table: the first column to the left, the others to the right, two spaces between.
void table_print(const struct table *table, FILE *file);

#endif
