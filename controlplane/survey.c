/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See survey.h. Control thread only.
 */
#include "controlplane/survey.h"

#include <errno.h>
#include <stdlib.h>

#define TRIES    2
#define EVERY_MS 120

struct probe {
    struct survey *survey;
    struct survey_path path;
    uint16_t low, high, sent; /* answered; not answered; the one under way */
};

struct survey {
    struct oam *oam;
    survey_done_fn done;
    void *arg;
    struct probe probes[SURVEY_MAX];
    unsigned n, under_way;
};

struct survey *survey_new(struct oam *oam, survey_done_fn done, void *arg)
{
    struct survey *s = calloc(1, sizeof(*s));

    if (s)
        *s = (struct survey){.oam = oam, .done = done, .arg = arg};
    return s;
}

void survey_free(struct survey *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->n; i++)
        oam_forget(s->oam, &s->probes[i]);
    free(s);
}

static void on_echo(void *arg, const struct oam_message *answer, uint64_t rtt, mono_t now);

static bool echo(struct probe *p, uint16_t length, mono_t now)
{
    struct oam_message m = {.type = OAM_ECHO, .length = length};

    p->sent = length;
    return oam_send(p->survey->oam, p->path.net, p->path.vtep, &m, TRIES, EVERY_MS, now, on_echo, p) == 0;
}

/* What is to be sent next; 0: it is known. */
static uint16_t next_length(const struct probe *p)
{
    if (p->low == 0)
        return p->high > OAM_FRAME_MIN ? OAM_FRAME_MIN : 0;
    return p->high - p->low > 1 ? (uint16_t)((p->low + p->high) / 2) : 0;
}

static void on_echo(void *arg, const struct oam_message *answer, uint64_t rtt, mono_t now)
{
    struct probe *p = arg;
    struct survey *s = p->survey;
    uint16_t next;

    if (answer && answer->length == p->sent) {
        p->low = p->path.reached = p->sent;
        p->path.answers = true;
        p->path.rtt_ns = rtt;
    } else {
        p->high = p->sent;
    }
    next = next_length(p);
    if (next != 0 && echo(p, next, now))
        return;
    if (--s->under_way == 0)
        s->done(s->arg);
}

int survey_start(struct survey *s, const struct survey_path *paths, unsigned n, mono_t now)
{
    if (s->under_way > 0)
        return -EBUSY;
    s->n = n < SURVEY_MAX ? n : SURVEY_MAX;
    for (unsigned i = 0; i < s->n; i++) {
        struct probe *p = &s->probes[i];

        *p = (struct probe){.survey = s, .path = paths[i]};
        p->path.answers = false;
        p->path.reached = 0;
        if (p->path.wanted < OAM_FRAME_MIN)
            p->path.wanted = OAM_FRAME_MIN;
        p->high = (uint16_t)(p->path.wanted + 1);
        s->under_way += echo(p, p->path.wanted, now);
    }
    return (int)s->under_way;
}

const struct survey_path *survey_path(const struct survey *s, unsigned i)
{
    return i < s->n ? &s->probes[i].path : NULL;
}
