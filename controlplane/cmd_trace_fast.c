/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See cmd_trace_fast.h: what the programs note (ebpf/fastpath_trace.h) in words. Control thread only.
 */
#include "controlplane/cmd_trace_fast.h"

#include "controlplane/gateway_fastpath.h"
#include "ebpf/fastpath_trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct report {
    const struct gateway *g;
    cJSON *fast, *steps;
};

__attribute__((format(printf, 3, 4))) static cJSON *step(struct report *r, const char *name, const char *fmt,
                                                         ...)
{
    cJSON *row = json_row(r->steps);
    char text[TRACE_TEXT_LEN];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    json_text(row, "step", name);
    json_text(row, "text", text);
    return row;
}

static void way_in(struct report *r, const struct fastpath_trace *t, bool from_vtep)
{
    const struct gateway_network *net = t->net ? gateway_network(r->g, t->net) : NULL;
    bool known = t->end != FASTPATH_DROPPED || t->reason != DROP_vtep_unknown;
    char a[TRACE_NAME_LEN];

    if (net)
        step(r, "network", "its %s is network %s", from_vtep ? "VNI" : "VLAN", net->conf->name);
    if (t->vtep && known)
        step(r, "tunnel", "%s may send for the network's VNI",
             cmd_trace_place(r->g, DP_WHERE_VTEP, t->vtep, a));
}

static void source(struct report *r, const struct fastpath_trace *t, const struct trace_frame *f)
{
    const struct fastpath_found *s = &t->source;
    char a[TRACE_NAME_LEN];

    if (!s->looked)
        return;
    if (!s->found)
        step(r, "source", "its source is not in the table");
    else if (s->dest.where == f->from && s->dest.target == f->source)
        step(r, "source", "its source is where the table has it");
    else
        step(r, "source", "its source is at %s in the table",
             cmd_trace_place(r->g, s->dest.where, s->dest.target, a));
}

static void destination(struct report *r, const struct fastpath_trace *t)
{
    const struct fastpath_found *d = &t->destination;
    char a[TRACE_NAME_LEN];

    if (!d->looked)
        return;
    if (!d->found) {
        step(r, "destination", "its destination is not in the table");
        return;
    }
    cmd_json_where(r->g, d->dest.where, d->dest.target,
                   step(r, "destination", "its destination is at %s%s%s%s",
                        cmd_trace_place(r->g, d->dest.where, d->dest.target, a),
                        d->dest.is_static ? ", static" : "",
                        d->dest.bounce ? ", and has left this site a moment ago" : "",
                        d->slow ? ", the worker's to send" : ""));
}

static void end(struct report *r, const struct fastpath_trace *t)
{
    enum dp_where where = t->end == FASTPATH_TO_VTEP ? DP_WHERE_VTEP : DP_WHERE_PORT;
    uint16_t target = t->end == FASTPATH_TO_VTEP ? t->destination.dest.target : t->port;
    const char *verdict = "forwarded";
    char a[TRACE_NAME_LEN];

    switch (t->end) {
    case FASTPATH_TO_PORT:
    case FASTPATH_TO_VTEP:
        cmd_json_where(r->g, where, target,
                       step(r, "out", "leaves %s %s: the worker does not see it",
                            where == DP_WHERE_VTEP ? "to" : "by", cmd_trace_place(r->g, where, target, a)));
        break;
    case FASTPATH_DROPPED:
        verdict = "dropped";
        json_text(step(r, "drop", "dropped: %s (%s)", drop_text(t->reason), drop_name(t->reason)), "reason",
                  drop_name(t->reason));
        break;
    case FASTPATH_TO_WORKER:
        verdict = "worker";
        json_text(step(r, "worker", "given to the worker: %s (%s)", fastpath_punt_text(t->punt),
                       fastpath_punt_name(t->punt)),
                  "reason", fastpath_punt_name(t->punt));
        break;
    case FASTPATH_TO_KERNEL:
        verdict = "kernel";
        step(r, "kernel", "left to the kernel: it is not for the gateway");
        break;
    }
    json_text(r->fast, "verdict", verdict);
}

/* As it is when it leaves, outer header and tag included. */
static void frame_out(struct report *r, const struct fastpath_trace *t)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * sizeof(t->frame) + 1];

    if (t->end != FASTPATH_TO_PORT && t->end != FASTPATH_TO_VTEP)
        return;
    for (unsigned i = 0; i < t->len; i++) {
        hex[2 * i] = digits[t->frame[i] >> 4];
        hex[2 * i + 1] = digits[t->frame[i] & 15];
    }
    hex[2 * t->len] = '\0';
    json_u64(r->fast, "length", t->len);
    json_text(r->fast, "frame", hex);
}

/* 0 or -errno with a sentence in err. */
static int run(const struct fastpath *fp, const struct trace_frame *f, struct fastpath_trace *t, char *err,
               size_t err_len)
{
    uint8_t outer[TRACE_FRAME_MAX + FASTPATH_TRACE_OUTER];
    struct fastpath_tracer *tracer = NULL;
    const uint8_t *frame = f->frame;
    dp_port_id port = f->source;
    size_t len = f->len;
    int rc;

    if (f->from == DP_WHERE_VTEP) {
        frame = outer;
        len = fastpath_trace_from_vtep(fp, f->net, f->source, f->frame, f->len, outer, &port);
        if (len == 0) {
            snprintf(err, err_len, "it has no such network or VTEP");
            return -ENOENT;
        }
    }
    rc = fastpath_tracer_open(fp, port, &tracer, err, err_len);
    if (rc < 0)
        return rc;
    rc = fastpath_tracer_run(tracer, frame, len, t);
    if (rc < 0)
        snprintf(err, err_len, "the kernel runs no frame of %zu bytes: %s", len, strerror(-rc));
    fastpath_tracer_close(tracer);
    return rc;
}

void cmd_trace_fast(const struct gateway *g, const struct trace_frame *f, cJSON *result)
{
    struct report r = {.g = g, .fast = json_object(result, "fastpath")};
    const char *why_not = gateway_fastpath_why_not(g);
    char err[FASTPATH_ERR_LEN] = "";
    struct fastpath_trace t;
    int rc;

    json_text(r.fast, "state", cmd_fastpath_state(g));
    if (why_not) {
        json_text(r.fast, "why", why_not);
        return;
    }
    rc = run(gateway_fastpath(g), f, &t, err, sizeof(err));
    if (rc < 0) {
        json_text(r.fast, "verdict", rc == -ENODATA || rc == -ENOENT ? "worker" : "unknown");
        json_text(r.fast, "why", err);
        return;
    }
    r.steps = json_array(r.fast, "steps");
    way_in(&r, &t, f->from == DP_WHERE_VTEP);
    source(&r, &t, f);
    destination(&r, &t);
    end(&r, &t);
    frame_out(&r, &t);
}
