/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See fastpath_trace.h. Control thread only.
 */
#include "ebpf/fastpath_trace.h"

#include "conf/vxlan_template.h"
#include "ebpf/fail.h"
#include "ebpf/fastpath_private.h"
#include "ebpf/fp_look.h"
#include "ebpf/xdp_program.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#define ETH_LEN 14u
#define TTL     255 /* the first time (R6.5) */

struct fastpath_tracer {
    const struct fastpath *fp;
    struct xdp_program *program;
    int notes; /* map fp_look_trace, the program's */
};

/* What the port's own program was loaded with: xdp.c forwards by no topology that says something else. */
static struct xdp_config config_of(const struct fp_topology *t, dp_port_id port)
{
    struct xdp_config c = {.ifname = "trace",
                           .take = port == t->underlay ? XDP_TAKE_VXLAN : XDP_TAKE_ALL,
                           .address = {.family = t->family},
                           .vxlan_port = (uint16_t)t->vxlan_port,
                           .port = port};

    memcpy(c.address.b, t->address, t->family == 4 ? 4 : 16);
    return c;
}

int fastpath_tracer_open(const struct fastpath *fp, dp_port_id port, struct fastpath_tracer **out, char *err,
                         size_t err_len)
{
    const struct fp_topology *t = fastpath_topology(fp);
    struct fastpath_tracer *tracer;
    struct xdp_config config;
    int rc;

    if (!t)
        return fail(err, err_len, -ENODATA, "the fast path has not been told yet what to forward");
    if (port >= FP_PORTS || !(t->ports[port].flags & FP_PORT_PRESENT))
        return fail(err, err_len, -ENOENT, "no program of the fast path is on this port");
    tracer = calloc(1, sizeof(*tracer));
    if (!tracer)
        return fail(err, err_len, -ENOMEM, "out of memory");
    config = config_of(t, port);
    tracer->fp = fp;
    rc = xdp_program_load(
        &(struct xdp_program_spec){.config = &config, .fp = fp, .fast = true, .queues = 1, .trace = true},
        &tracer->program, err, err_len);
    if (rc == 0) {
        tracer->notes = xdp_program_map(tracer->program, "fp_look_trace");
        if (tracer->notes < 0)
            rc = fail(err, err_len, tracer->notes, "the program takes no notes");
    }
    if (rc < 0) {
        fastpath_tracer_close(tracer);
        return rc;
    }
    *out = tracer;
    return 0;
}

void fastpath_tracer_close(struct fastpath_tracer *tracer)
{
    if (!tracer)
        return;
    xdp_program_free(tracer->program);
    free(tracer);
}

static struct fastpath_found found(const struct fp_look_trace *notes, unsigned i)
{
    uint32_t where = notes->where[i];
    struct fastpath_found f = {.looked = i < notes->finds, .found = notes->found[i]};

    if (!f.looked || !f.found)
        return f;
    f.slow = where & FP_SLOW;
    f.dest = (struct dp_dest){.where = (enum dp_where)FP_KIND(where),
                              .target = FP_TARGET(where),
                              .is_static = where & FP_STATIC,
                              .bounce = where & FP_BOUNCE};
    return f;
}

static void read_notes(const struct fastpath_tracer *tracer, const struct fp_look_trace *notes,
                       struct fastpath_trace *out)
{
    const struct fp_topology *t = fastpath_topology(tracer->fp);

    out->net = (dp_net_id)notes->net;
    out->vtep = (dp_vtep_id)notes->vtep;
    out->source = found(notes, 0);
    out->destination = found(notes, 1);
    switch (notes->end) {
    case FP_LOOK_LEFT:
        out->port = (dp_port_id)notes->port;
        out->end = t && t->underlay == notes->port ? FASTPATH_TO_VTEP : FASTPATH_TO_PORT;
        break;
    case FP_LOOK_DROP:
        out->reason = (enum drop_reason)notes->why;
        out->end = FASTPATH_DROPPED;
        break;
    case FP_LOOK_WORKER:
        out->punt = notes->why;
        out->end = FASTPATH_TO_WORKER;
        break;
    default:
        out->end = FASTPATH_TO_KERNEL;
    }
}

int fastpath_tracer_run(const struct fastpath_tracer *tracer, const void *frame, size_t len,
                        struct fastpath_trace *out)
{
    LIBBPF_OPTS(bpf_test_run_opts, opts);
    struct fp_look_trace notes = {0};
    uint32_t zero = 0;
    int rc;

    memset(out, 0, sizeof(*out));
    if (len > FASTPATH_TRACE_IN)
        return -EMSGSIZE;
    if (len < ETH_LEN)
        return -EINVAL;
    opts.data_in = frame;
    opts.data_size_in = (uint32_t)len;
    opts.data_out = out->frame;
    opts.data_size_out = sizeof(out->frame);
    rc = bpf_map_update_elem(tracer->notes, &zero, &notes, BPF_ANY);
    if (rc == 0)
        rc = bpf_prog_test_run_opts(xdp_program_fd(tracer->program), &opts);
    if (rc == 0)
        rc = bpf_map_lookup_elem(tracer->notes, &zero, &notes);
    if (rc < 0)
        return rc;
    out->len = (uint16_t)opts.data_size_out;
    read_notes(tracer, &notes, out);
    return 0;
}

/* ---- from a VTEP */

static void store16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* The one's complement sum of len bytes on top of sum, folded (RFC 1071). */
static uint16_t sum_of(const uint8_t *p, size_t len, uint32_t sum)
{
    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    if (len & 1)
        sum += (uint32_t)p[len - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void fill_lengths(uint8_t *ip, bool v4, size_t udp_len)
{
    uint8_t *udp = ip + (v4 ? 20 : 40);
    uint16_t sum;

    store16(udp, VXLAN_SOURCE_FIRST);
    store16(udp + 4, udp_len);
    if (v4) {
        store16(ip + 2, 20 + udp_len);
        store16(ip + 10, (uint16_t)~sum_of(ip, 20, 0));
        return;
    }
    store16(ip + 4, udp_len);
    sum = (uint16_t)~sum_of(udp, udp_len, sum_of(ip + 8, 32, 17 + (uint32_t)udp_len));
    store16(udp + 6, sum ? sum : 0xffff);
}

size_t fastpath_trace_from_vtep(const struct fastpath *fp, dp_net_id net, dp_vtep_id vtep, const void *frame,
                                size_t len, uint8_t *out, dp_port_id *port)
{
    const struct fp_topology *t = fastpath_topology(fp);
    struct vxlan_local sender = {0};
    struct dp_vtep us = {0};
    struct vxlan_template head = {0};

    if (!t || net >= FP_NETS || !(t->nets[net].flags & FP_NET_VALID) || vtep >= FP_VTEPS ||
        t->vteps[vtep].family == 0)
        return 0;
    sender.address.family = us.address.family = t->family;
    memcpy(sender.address.b, t->vteps[vtep].address, sizeof(sender.address.b));
    memcpy(us.address.b, t->address, sizeof(us.address.b));
    memcpy(us.next_hop.b, t->mac, sizeof(t->mac));
    us.source.b[0] = 0x02;
    sender.port = (uint16_t)t->vxlan_port;
    vxlan_template_init(&head, &sender, &us, TTL, false);
    memcpy(out, head.bytes, head.len);
    store16(out + head.len - 4, t->nets[net].vni >> 8);
    out[head.len - 2] = (uint8_t)t->nets[net].vni;
    memcpy(out + head.len, frame, len);
    fill_lengths(out + ETH_LEN, t->family == 4, head.len - (t->family == 4 ? 34u : 54u) + len);
    *port = (dp_port_id)t->underlay;
    return head.len + len;
}
