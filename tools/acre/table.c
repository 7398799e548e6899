// table.c - a table of text: columns as wide as their widest cell, no colour, no lines.
// SPDX-License-Identifier: MIT
#include "table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

void table_init(struct table *table, size_t column_count, size_t row_max)
{
    table->column_count = column_count;
    table->row_count = 0;
    table->row_max = row_max;
    table->cells = text_memory(column_count * row_max, sizeof *table->cells);
    table->notes = text_memory(row_max, sizeof *table->notes);
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->row_count * table->column_count; i++) {
        free(table->cells[i]);
    }
    for (size_t i = 0; i < table->row_count; i++) {
        free(table->notes[i]);
    }
    free(table->cells);
    free(table->notes);
}

void table_add_row(struct table *table)
{
    table->row_count++;
}

void table_set(struct table *table, size_t column, char *text)
{
    table->cells[(table->row_count - 1) * table->column_count + column] = text;
}

void table_set_note(struct table *table, char *text)
{
    table->notes[table->row_count - 1] = text;
}

static const char *table_cell(const struct table *table, size_t row, size_t column)
{
    const char *text = table->cells[row * table->column_count + column];
    return text == NULL ? "" : text;
}

// Returns the number of the last column of the row that has text.
static size_t table_last_column(const struct table *table, size_t row)
{
    size_t last = table->column_count - 1;
    while (last > 0 && table_cell(table, row, last)[0] == '\0') {
        last--;
    }
    return last;
}

static size_t table_width(const struct table *table, size_t column)
{
    size_t width = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        size_t len = strlen(table_cell(table, row, column));
        width = len > width ? len : width;
    }
    return width;
}

void table_print(const struct table *table, FILE *file)
{
    int widths[TABLE_COLUMNS_MAX] = {0};
    for (size_t column = 0; column < table->column_count; column++) {
        widths[column] = (int)table_width(table, column);
    }
    for (size_t row = 0; row < table->row_count; row++) {
        size_t last = table_last_column(table, row);
        const char *note = table->notes[row];
        // No spaces at the end of a line.
        bool is_alone = last == 0 && note == NULL;
        fprintf(file, "%-*s", is_alone ? 0 : widths[0], table_cell(table, row, 0));
        for (size_t column = 1; column <= last; column++) {
            fprintf(file, "  %*s", widths[column], table_cell(table, row, column));
        }
        fprintf(file, "%s%s\n", note == NULL ? "" : "  ", note == NULL ? "" : note);
    }
}
