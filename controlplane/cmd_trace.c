/* SPDX-License-Identifier: BSD-3-Clause
 *
 * trace: what would happen to a frame now. The data plane says the steps (dataplane/trace.h), this file the
 * words; the fast path has its own part. Control thread only.
 */
#include "controlplane/cmd_trace_fast.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ETH_LEN   14u
#define TAG_LEN   4u
#define FRAME_MIN 60u
#define NAME_LEN  TRACE_NAME_LEN
#define TEXT_LEN  TRACE_TEXT_LEN

/* ---- words */

const char *cmd_trace_place(const struct gateway *g, enum dp_where where, uint16_t target, char buf[NAME_LEN])
{
    const struct gateway_port *port = where == DP_WHERE_PORT ? gateway_port(g, target) : NULL;
    const struct gateway_vtep *vtep = where == DP_WHERE_VTEP ? gateway_vtep(g, target) : NULL;
    char address[IPADDR_STRLEN];

    if (port)
        snprintf(buf, NAME_LEN, "port %s", port->name);
    else if (vtep)
        snprintf(buf, NAME_LEN, "VTEP %s", ipaddr_format(&vtep->address, address));
    else if (where == DP_WHERE_PORT && target == DP_OWN_PORT)
        snprintf(buf, NAME_LEN, "the gateway itself");
    else
        snprintf(buf, NAME_LEN,
                 where == DP_WHERE_FLOOD ? "all ports and VTEPs of the network" : "a place that is gone");
    return buf;
}

static const char *tag(uint16_t vlan, char buf[NAME_LEN])
{
    if (vlan)
        snprintf(buf, NAME_LEN, "VLAN %u", vlan);
    else
        snprintf(buf, NAME_LEN, "untagged");
    return buf;
}

static const struct {
    const char *name;
} kinds[TRACE_KINDS] = {
    [TRACE_NETWORK] = {"network"},     [TRACE_TUNNEL] = {"tunnel"},       [TRACE_SOURCE_KNOWN] = {"source"},
    [TRACE_SOURCE_LEARN] = {"source"}, [TRACE_SOURCE_MOVES] = {"source"}, [TRACE_SOURCE_IGNORE] = {"source"},
    [TRACE_SHOWS_IP] = {"neighbour"},  [TRACE_ASKS] = {"proxy"},          [TRACE_PROXY] = {"proxy"},
    [TRACE_GROUP] = {"destination"},   [TRACE_UNKNOWN] = {"destination"}, [TRACE_FOUND] = {"destination"},
    [TRACE_BICAST] = {"bicast"},       [TRACE_BOUNCE] = {"bounce"},       [TRACE_OUT_PORT] = {"out"},
    [TRACE_OUT_VTEP] = {"out"},        [TRACE_OUT_OWN] = {"out"},         [TRACE_DROP] = {"drop"},
};

static void source_words(const struct gateway *g, const struct trace_step *s, char text[TEXT_LEN])
{
    char a[NAME_LEN];

    if (s->kind == TRACE_SOURCE_KNOWN)
        snprintf(text, TEXT_LEN, "its source is where the table has it");
    else if (s->kind == TRACE_SOURCE_LEARN)
        snprintf(text, TEXT_LEN, "its source is not known: it is learned here, and told to the peers");
    else if (s->kind == TRACE_SOURCE_MOVES)
        snprintf(text, TEXT_LEN, "its source is at %s so far: it moves here",
                 cmd_trace_place(g, s->where, s->target, a));
    else
        snprintf(text, TEXT_LEN, "its source is not learned from there: BGP tells it (R1.10)");
}

static void found_words(const struct gateway *g, const struct trace_step *s, char text[TEXT_LEN])
{
    char a[NAME_LEN];

    snprintf(text, TEXT_LEN, "its destination is at %s%s%s%s", cmd_trace_place(g, s->where, s->target, a),
             s->dest.is_static ? ", static" : "",
             s->dest.bounce ? ", and has left this site a moment ago" : "",
             s->dest.watch ? ", watched for its first frame after a move" : "");
}

static void drop_words(const struct gateway *g, const struct trace_step *s, char text[TEXT_LEN])
{
    char a[NAME_LEN];

    snprintf(text, TEXT_LEN, "dropped%s%s: %s (%s)", s->where ? " on its way to " : "",
             s->where ? cmd_trace_place(g, s->where, s->target, a) : "", drop_text(s->reason),
             drop_name(s->reason));
}

static void other_words(const struct gateway *g, const struct trace_step *s, char text[TEXT_LEN])
{
    const struct gateway_network *net = gateway_network(g, s->net);
    char a[NAME_LEN], ip[IPADDR_STRLEN], mac[MAC_STRLEN];

    switch (s->kind) {
    case TRACE_NETWORK:
        snprintf(text, TEXT_LEN, "%s is network %s", tag(s->vlan, a), net ? net->conf->name : "?");
        break;
    case TRACE_TUNNEL:
        snprintf(text, TEXT_LEN, "%s may send for the network's VNI",
                 cmd_trace_place(g, DP_WHERE_VTEP, s->target, a));
        break;
    case TRACE_SHOWS_IP:
        snprintf(text, TEXT_LEN, "it shows that its sender has %s", ipaddr_format(&s->ip, ip));
        break;
    case TRACE_ASKS:
        snprintf(text, TEXT_LEN, "it asks for %s, and the proxy leaves the answer to others",
                 ipaddr_format(&s->ip, ip));
        break;
    case TRACE_PROXY:
        snprintf(text, TEXT_LEN, "it asks for %s, and the proxy answers: %s (R7.2)",
                 ipaddr_format(&s->ip, ip), mac_format(s->mac, mac));
        break;
    case TRACE_GROUP:
        snprintf(text, TEXT_LEN, "its destination is a group: flooded, within the limits (R8.3)");
        break;
    case TRACE_UNKNOWN:
        snprintf(text, TEXT_LEN, "its destination is not known: flooded at the site%s",
                 s->yes ? " and to the WAN" : ", not to the WAN (R8.2)");
        break;
    case TRACE_BICAST:
        snprintf(text, TEXT_LEN, "a move is prepared: a second copy for %s",
                 cmd_trace_place(g, s->where, s->target, a));
        break;
    case TRACE_BOUNCE:
        snprintf(text, TEXT_LEN, "it is sent on over the WAN, if that is the first time (R6.5)");
        break;
    case TRACE_OUT_VTEP:
        snprintf(text, TEXT_LEN, "leaves to %s", cmd_trace_place(g, s->where, s->target, a));
        break;
    case TRACE_OUT_OWN:
        snprintf(text, TEXT_LEN, "is for the gateway itself");
        break;
    default:
        text[0] = '\0';
    }
}

static void words(const struct gateway *g, const struct trace_step *s, char text[TEXT_LEN])
{
    char a[NAME_LEN], b[NAME_LEN];

    if (s->kind >= TRACE_SOURCE_KNOWN && s->kind <= TRACE_SOURCE_IGNORE)
        source_words(g, s, text);
    else if (s->kind == TRACE_FOUND)
        found_words(g, s, text);
    else if (s->kind == TRACE_DROP)
        drop_words(g, s, text);
    else if (s->kind == TRACE_OUT_PORT)
        snprintf(text, TEXT_LEN, "leaves by %s, %s", cmd_trace_place(g, s->where, s->target, a),
                 tag(s->vlan, b));
    else
        other_words(g, s, text);
}

/* ---- the answer */

static void step_row(const struct gateway *g, const struct trace_step *s, cJSON *row)
{
    char text[TEXT_LEN];

    json_text(row, "step", kinds[s->kind].name);
    words(g, s, text);
    json_text(row, "text", text);
    if (s->kind == TRACE_DROP)
        json_text(row, "reason", drop_name(s->reason));
    if (s->where && s->kind >= TRACE_FOUND)
        cmd_json_where(g, s->where, s->target, row);
}

static const char *verdict(const struct trace *t)
{
    for (unsigned i = 0; i < t->n; i++)
        if (t->step[i].kind == TRACE_PROXY)
            return "answered";
    return t->left == 0 ? "dropped" : t->dropped ? "partly dropped" : "forwarded";
}

static void fill(const struct gateway *g, const struct trace *t, cJSON *result)
{
    const struct gateway_network *net = gateway_network(g, t->net);
    cJSON *rows;

    if (net)
        json_text(result, "network", net->conf->name);
    json_text(result, "verdict", verdict(t));
    json_u64(result, "copies", t->left);
    json_u64(result, "copies_dropped", t->dropped);
    rows = json_array(result, "steps");
    for (unsigned i = 0; i < t->n; i++)
        step_row(g, &t->step[i], json_row(rows));
    json_u64(result, "steps_more", t->more);
}

/* ---- the question */

static const struct gateway_port *find_port(const struct gateway *g, const char *name)
{
    for (unsigned i = 0; i < g->n_ports; i++)
        if (g->ports[i].access && strcmp(g->ports[i].name, name) == 0)
            return &g->ports[i];
    return NULL;
}

static int find_source(const struct gateway *g, const struct api_args *args, struct trace_frame *f,
                       char err[API_ERR_LEN])
{
    const union api_value *port = api_arg(args, PORT), *vtep = api_arg(args, VTEP);
    const struct gateway_port *p = port ? find_port(g, port->text) : NULL;

    if (!port == !vtep) {
        snprintf(err, API_ERR_LEN, "from where? --port PORT or --vtep ADDRESS");
        return -EINVAL;
    }
    f->from = port ? DP_WHERE_PORT : DP_WHERE_VTEP;
    if (p) {
        f->source = p->id;
        return 0;
    }
    for (unsigned i = 0; vtep && i < g->n_vteps; i++) {
        if (!ipaddr_eq(&g->vteps[i].address, &vtep->address))
            continue;
        f->source = g->vteps[i].id;
        return 0;
    }
    snprintf(err, API_ERR_LEN,
             port ? "no access port of that name; \"show ports\" lists them"
                  : "no VTEP with that address; \"show vteps\" lists them");
    return -ENOENT;
}

/* The tag that a frame of the network has at that port. False: the port does not carry it. */
static bool put_tag(const struct gateway *g, const struct gateway_network *net, const struct trace_frame *f,
                    uint8_t *frame, uint16_t *len)
{
    const struct gateway_port *port = f->from == DP_WHERE_PORT ? gateway_port(g, f->source) : NULL;
    uint16_t vlan = 0;

    if (!port)
        return true;
    if (!conf_access_carries(port->access, net->conf, &vlan))
        return false;
    if (vlan == 0)
        return true;
    frame[12] = 0x81;
    frame[13] = 0x00;
    frame[14] = (uint8_t)(vlan >> 8);
    frame[15] = (uint8_t)vlan;
    *len = TAG_LEN;
    return true;
}

/* Of what --src, --dst and --ethertype say. */
static int make_frame(const struct gateway *g, const struct api_args *args, const struct gateway_network *net,
                      struct trace_frame *f, uint8_t *frame, char err[API_ERR_LEN])
{
    const union api_value *src = api_arg(args, SRC), *dst = api_arg(args, DST),
                          *type = api_arg(args, ETHERTYPE);
    unsigned long ethertype = 0x0800;
    char *end = NULL;
    uint16_t at = 0;

    if (!src || !dst || !net) {
        snprintf(err, API_ERR_LEN, "which frame? --frame HEX, or --network NAME --src MAC --dst MAC");
        return -EINVAL;
    }
    if (type)
        ethertype = strtoul(type->text, &end, 0);
    if (type && (*end || end == type->text || ethertype < 0x600 || ethertype > 0xffff)) {
        snprintf(err, API_ERR_LEN, "ethertype must be a number like 0x0806, from 0x0600 to 0xffff");
        return -EINVAL;
    }
    memcpy(frame, dst->mac.b, 6);
    memcpy(frame + 6, src->mac.b, 6);
    if (!put_tag(g, net, f, frame, &at)) {
        snprintf(err, API_ERR_LEN, "that port does not carry the network");
        return -EINVAL;
    }
    frame[12 + at] = (uint8_t)(ethertype >> 8);
    frame[13 + at] = (uint8_t)ethertype;
    f->len = (uint16_t)(FRAME_MIN + at);
    return 0;
}

int cmd_trace(void *ctx, const struct api_args *args, cJSON *result, char err[API_ERR_LEN])
{
    const struct gateway *g = ctx;
    const union api_value *hex = api_arg(args, FRAME), *length = api_arg(args, LENGTH);
    uint8_t frame[TRACE_FRAME_MAX] = {0};
    struct trace_frame f = {.frame = frame};
    const struct gateway_network *net;
    struct trace t;
    int rc = cmd_find_network(g, args, &net, err);

    if (rc == 0)
        rc = find_source(g, args, &f, err);
    if (rc == 0 && hex) {
        memcpy(frame, hex->bytes.b, hex->bytes.n);
        f.len = hex->bytes.n;
    } else if (rc == 0) {
        rc = make_frame(g, args, net, &f, frame, err);
    }
    if (rc < 0)
        return rc;
    if (f.from == DP_WHERE_VTEP && !net) {
        snprintf(err, API_ERR_LEN, "in which network? --network NAME");
        return -EINVAL;
    }
    f.net = net ? net->id : 0;
    if (length && (length->number < f.len || length->number > TRACE_FRAME_MAX)) {
        snprintf(err, API_ERR_LEN, "length must be from %d, which is what is given of it, to %d", f.len,
                 TRACE_FRAME_MAX);
        return -EINVAL;
    }
    f.len = length ? (uint16_t)length->number : f.len;
    rc = fwd_trace(g->fwd, &f, &t);
    if (rc < 0) {
        snprintf(err, API_ERR_LEN, "there is no topology yet");
        return rc;
    }
    fill(g, &t, result);
    cmd_trace_fast(g, &f, result);
    if (net && t.net && t.net != net->id)
        json_text(result, "note", "the frame's tag says another network than --network");
    return 0;
}
