// xml.h - a checker for the XML of malloc_info: well-formed, and which elements it holds.
//
// It knows elements, attributes in double quotes and text without markup; that is all that
// malloc_info may print.
// SPDX-License-Identifier: MIT
#ifndef ACRE_CONFORM_XML_H
#define ACRE_CONFORM_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define XML_DEPTH_MAX 16

static inline const char *xml_skip_space(const char *at)
{
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') {
        at++;
    }
    return at;
}

static inline const char *xml_skip_name(const char *at)
{
    while ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_' || *at == '-' ||
           (*at >= '0' && *at <= '9')) {
        at++;
    }
    return at;
}

/// Skips attributes, each a name and a quoted value. Returns NULL when one is malformed.
static inline const char *xml_skip_attributes(const char *at)
{
    for (at = xml_skip_space(at); *at != '>' && *at != '/'; at = xml_skip_space(at)) {
        const char *end = xml_skip_name(at);
        if (end == at || end[0] != '=' || end[1] != '"') {
            return NULL;
        }
        at = end + 2;
        while (*at != '"') {
            if (*at == '\0' || *at == '<' || *at == '&') {
                return NULL;
            }
            at++;
        }
        at++;
    }
    return at;
}

/// Whether `text` is one well-formed element, and nothing after it but space.
static inline bool xml_is_well_formed(const char *text)
{
    const char *open[XML_DEPTH_MAX];
    size_t lengths[XML_DEPTH_MAX];
    size_t depth = 0;
    bool seen_root = false;
    for (const char *at = text; *at != '\0';) {
        if (*at != '<') {
            if (*at == '>' || *at == '&' || (depth == 0 && xml_skip_space(at) == at)) {
                return false;
            }
            at++;
            continue;
        }
        bool closing = at[1] == '/';
        const char *name = at + (closing ? 2 : 1);
        const char *end = xml_skip_name(name);
        size_t length = (size_t)(end - name);
        if (length == 0 || (depth == 0 && (closing || seen_root))) {
            return false;
        }
        if (closing) {
            depth--;
            if (length != lengths[depth] || memcmp(name, open[depth], length) != 0 || *end != '>') {
                return false;
            }
            at = end + 1;
            continue;
        }
        seen_root = true;
        at = xml_skip_attributes(end);
        if (at == NULL || depth == XML_DEPTH_MAX) {
            return false;
        }
        if (at[0] == '/' && at[1] == '>') {
            at += 2;
        } else if (*at == '>') {
            open[depth] = name;
            lengths[depth] = length;
            depth++;
            at++;
        } else {
            return false;
        }
    }
    return seen_root && depth == 0;
}

#endif
