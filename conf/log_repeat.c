/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See log_repeat.h.
 */
#include "conf/log_repeat.h"

#include <stdio.h>
#include <string.h>

static bool same_fields(const struct log_fields *kept, const struct log_fields *f)
{
    if (!f)
        return kept->n == 0;
    if (kept->n != f->n || kept->used != f->used || memcmp(kept->text, f->text, f->used) != 0)
        return false;
    for (unsigned i = 0; i < f->n; i++)
        if (strcmp(kept->field[i].key, f->field[i].key) != 0)
            return false;
    return true;
}

static bool is_kind(const struct log_repeat_kind *k, const struct log_line *l)
{
    return k->used && k->level == l->level && strncmp(k->message, l->message, sizeof(k->message) - 1) == 0 &&
           strncmp(k->subsystem, l->subsystem, sizeof(k->subsystem) - 1) == 0 &&
           same_fields(&k->fields, l->fields);
}

static void end_kind(struct log_repeat_kind *k, log_repeat_say_fn *say, void *arg)
{
    const struct log_line line = {.level = k->level,
                                  .subsystem = k->subsystem,
                                  .message = k->message,
                                  .fields = &k->fields,
                                  .repeated = k->held};

    k->used = false;
    if (k->held)
        say(arg, &line);
}

static bool is_over(const struct log_repeat_kind *k, uint64_t now_ns)
{
    return k->used && now_ns - k->since_ns >= LOG_REPEAT_NS;
}

static void begin_kind(struct log_repeat_kind *k, const struct log_line *l, uint64_t now_ns)
{
    k->used = true;
    k->level = l->level;
    k->lines = 1;
    k->since_ns = now_ns;
    k->held = 0;
    snprintf(k->subsystem, sizeof(k->subsystem), "%s", l->subsystem);
    snprintf(k->message, sizeof(k->message), "%s", l->message);
    k->fields.n = k->fields.used = 0;
    if (l->fields)
        k->fields = *l->fields;
}

bool log_repeat_pass(struct log_repeat *r, const struct log_line *line, uint64_t now_ns,
                     log_repeat_say_fn *say, void *arg)
{
    struct log_repeat_kind *room = &r->kinds[0];

    log_repeat_flush(r, now_ns, false, say, arg);
    for (size_t i = 0; i < LOG_REPEAT_KINDS; i++) {
        struct log_repeat_kind *k = &r->kinds[i];

        if (is_kind(k, line)) {
            if (k->lines < LOG_REPEAT_LINES) {
                k->lines++;
                return true;
            }
            k->held++;
            return false;
        }
        if (room->used && (!k->used || k->since_ns < room->since_ns))
            room = k;
    }
    if (room->used)
        end_kind(room, say, arg);
    begin_kind(room, line, now_ns);
    return true;
}

void log_repeat_flush(struct log_repeat *r, uint64_t now_ns, bool all, log_repeat_say_fn *say, void *arg)
{
    for (size_t i = 0; i < LOG_REPEAT_KINDS; i++)
        if (all ? r->kinds[i].used : is_over(&r->kinds[i], now_ns))
            end_kind(&r->kinds[i], say, arg);
}
