/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See log_line.h.
 */
#include "conf/log_line.h"

#include "conf/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define END_ROOM 64 /* for what follows a message that is cut: how often, quote, brace, newline */

/* Text that grows until it is full. */
struct out {
    char *p;
    size_t n, size;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *o, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(o->p + o->n, o->size - o->n, fmt, ap);
    va_end(ap);
    if (n > 0)
        o->n += (size_t)n < o->size - o->n ? (size_t)n : o->size - o->n - 1;
}

/* A character that JSON or quotes want escaped costs one more backslash than the text has. */
static void put_clean(struct out *o, const char *text, bool quoted, bool json)
{
    size_t left = strlen(text);

    while (left > 0 && o->n + END_ROOM + 6 < o->size) {
        uint32_t value;
        size_t n = utf8_char(text, left, &value);

        if (n == 0 || !utf8_harmless(value)) {
            n = n ? n : 1;
            if (o->n + END_ROOM + 5 * n >= o->size)
                break;
            for (size_t i = 0; i < n; i++)
                put(o, json ? "\\\\x%02x" : "\\x%02x", (unsigned char)text[i]);
        } else if (value == '\\') {
            put(o, json ? "\\\\\\\\" : "\\\\");
        } else if (value == '"' && quoted) {
            put(o, "\\\"");
        } else {
            put(o, "%.*s", (int)n, text);
        }
        text += n;
        left -= n;
    }
}

static bool is_plain(const char *value)
{
    if (!*value)
        return false;
    for (; *value; value++)
        if ((unsigned char)*value <= ' ' || *value == '"' || *value == '=' || *value == '\\')
            return false;
    return true;
}

static void put_time(struct out *o, uint64_t ns)
{
    time_t seconds = (time_t)(ns / 1000000000u);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    put(o, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
        tm.tm_min, tm.tm_sec, (unsigned)(ns % 1000000000u / 1000000));
}

/* Room for the whole field, or it is left out: half a value would be a wrong one. */
static bool fits(const struct out *o, const char *key, const char *value)
{
    return o->n + strlen(key) + 5 * strlen(value) + 16 + END_ROOM < o->size;
}

static void put_field(struct out *o, const char *key, const char *value, bool json)
{
    bool quoted = json || !is_plain(value);

    if (!fits(o, key, value))
        return;
    put(o, json ? ",\"%s\":" : " %s=", key);
    if (quoted)
        put(o, "\"");
    put_clean(o, value, quoted, json);
    if (quoted)
        put(o, "\"");
}

static void put_fields(struct out *o, const struct log_line *l, bool json)
{
    char count[24];

    for (unsigned i = 0; l->fields && i < l->fields->n; i++)
        put_field(o, l->fields->field[i].key, l->fields->text + l->fields->field[i].at, json);
    if (l->repeated == 0)
        return;
    snprintf(count, sizeof(count), "%" PRIu64, l->repeated);
    put_field(o, "repeated", count, json);
}

static void put_text(struct out *o, const struct log_line *l, bool journal)
{
    if (!journal) {
        put_time(o, l->time_ns);
        put(o, " ");
    }
    put(o, "%s %s: ", log_level_name(l->level), l->subsystem);
    put_clean(o, l->message, false, false);
    if (l->repeated)
        put(o, " (repeated %" PRIu64 " times)", l->repeated);
    put_fields(o, l, false);
}

static void put_json(struct out *o, const struct log_line *l)
{
    put(o, "{\"time\":\"");
    put_time(o, l->time_ns);
    put(o, "\",\"level\":\"%s\",\"subsystem\":\"%s\",\"message\":\"", log_level_name(l->level), l->subsystem);
    put_clean(o, l->message, true, true);
    put(o, "\"");
    put_fields(o, l, true);
    put(o, "}");
}

size_t log_line_format(const struct log_line *l, enum log_format format, bool journal, char *buf, size_t size)
{
    static const int priority[LOG_LEVELS] = {3, 4, 6, 7}; /* syslog(3) */
    struct out o = {.p = buf, .size = size};

    if (journal)
        put(&o, "<%d>", priority[l->level]);
    if (format == LOG_FORMAT_JSON)
        put_json(&o, l);
    else
        put_text(&o, l, journal);
    put(&o, "\n");
    return o.n;
}
