/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's life and its topology; see fastpath.h. MACs are in fastpath_fdb.c, counters in
 * fastpath_count.c. Control thread only.
 *
 * Tricky: a topology is written in place, where programs on other CPUs may still be reading an older one. So
 * there are FP_TOPOLOGIES places, the one that was left longest ago is taken, and if that was not long ago,
 * the kernel is asked to wait until every program that runs now has ended.
 */
#include "ebpf/fastpath_private.h"

#include "conf/log.h"
#include "ebpf/fail.h"
#include "ebpf/fp_topology.h"
#include "ebpf/xdp_link.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define LONG_AGO 1000000000ull /* ns */

/* ---- opening it
 * ---------------------------------------------------------------------------------------------- */

const struct fp_topology *fastpath_topology(const struct fastpath *fp)
{
    uint32_t active = fp->maps.control->active;

    return active < FP_TOPOLOGIES ? &fp->maps.topologies[active] : NULL;
}

/* Pinned ones of another size are copied, with what is in them. */
static int resize(struct fastpath *fp, uint32_t max_macs, char *err, size_t err_len)
{
    uint32_t lost = 0, was = fp->maps.macs.used;
    int rc = fastpath_maps_resize(&fp->maps, max_macs, &fp->dir, &lost, err, err_len);

    if (rc == 0)
        log_info(FASTPATH_SUBSYSTEM,
                 "room for %" PRIu32 " MACs now; %" PRIu32 " of the %" PRIu32 " that were there found none",
                 max_macs, lost, was);
    return rc;
}

static void remember_tx(struct fastpath *fp)
{
    for (uint32_t port = 0; port < FP_PORTS; port++)
        if (bpf_map_lookup_elem(fp->maps.fd[FASTPATH_TX], &port, &fp->tx[port]))
            fp->tx[port] = 0;
}

/* The maps that are pinned; false: there are none of use. */
static bool take_over(struct fastpath *fp, uint32_t max_macs)
{
    char err[FASTPATH_ERR_LEN];
    int rc = fastpath_maps_take_over(&fp->maps, &fp->dir, err, sizeof(err));

    if (rc == 0 && fastpath_forwards(fp) && !fp_topology_is_sound(fastpath_topology(fp)))
        rc = fail(err, sizeof(err), -EINVAL, "they have a network or a VTEP twice");
    if (rc == 0 && fp->maps.macs.mask + 1 != fp_table_buckets(max_macs))
        rc = resize(fp, max_macs, err, sizeof(err));
    if (rc < 0) {
        fastpath_maps_close(&fp->maps);
        if (rc != -ENOENT)
            log_warning(FASTPATH_SUBSYSTEM, "the maps pinned in %s are of no use: %s; they are made anew",
                        fp->dir.path, err);
        fastpath_maps_unpin(&fp->dir);
        return false;
    }
    fp->taken_over = fastpath_forwards(fp);
    if (!fp->taken_over) /* nothing says what the ids of their places mean */
        fp_table_clear(&fp->maps.macs);
    remember_tx(fp);
    log_info(FASTPATH_SUBSYSTEM, "took over what is pinned in %s: %" PRIu32 " MACs%s", fp->dir.path,
             fp->maps.macs.used, fp->taken_over ? "" : ", no topology");
    return true;
}

/* It goes without: drivers tell something, too. */
static void listen_for_lost(struct fastpath *fp)
{
    if (xdp_lost_open(fp->maps.fd[FASTPATH_TX], &fp->lost, fp->why_blind, sizeof(fp->why_blind)) < 0) {
        fp->lost = NULL;
        log_info(FASTPATH_SUBSYSTEM,
                 "frames that are lost after they were redirected are seen only where their driver counts "
                 "them: %s",
                 fp->why_blind);
    }
    for (unsigned port = 0; port < FP_PORTS; port++)
        xdp_lost_port(fp->lost, port, fp->tx[port]);
}

static int open_maps(struct fastpath *fp, const struct fastpath_config *config, char *err, size_t err_len)
{
    char why[FASTPATH_ERR_LEN];
    int rc;

    if (fp->dir.fd >= 0 && take_over(fp, config->max_macs))
        return 0;
    rc = fastpath_maps_create(&fp->maps, config->max_macs, err, err_len);
    if (rc < 0 || fp->dir.fd < 0)
        return rc;
    rc = fastpath_maps_pin(&fp->maps, &fp->dir, why, sizeof(why));
    if (rc < 0) {
        snprintf(fp->why_not, sizeof(fp->why_not), "%s", why);
        fastpath_maps_unpin(&fp->dir);
        (void)fastpath_dir_remove(&fp->dir);
        fastpath_dir_close(&fp->dir);
    }
    return 0;
}

/* Without a place to pin the fast path ends with the process; another gateway's place is another matter. */
static int open_dir(struct fastpath *fp, const struct fastpath_config *config, char *err, size_t err_len)
{
    int rc =
        fastpath_dir_open(&fp->dir, config->dir, config->gateway, true, fp->why_not, sizeof(fp->why_not));

    if (rc == 0) {
        fp->why_not[0] = '\0';
        rc = xdp_link_check_all(&fp->dir, err, err_len);
    } else if (rc == -EBUSY) {
        snprintf(err, err_len, "%s", fp->why_not);
    } else {
        rc = 0;
    }
    return rc;
}

int fastpath_open(const struct fastpath_config *config, struct fastpath **out, char *err, size_t err_len)
{
    struct fastpath *fp = calloc(1, sizeof(*fp));
    mono_t now = mono_now();
    int rc;

    if (!fp)
        return -ENOMEM;
    fp->dir.fd = -1;
    for (unsigned i = 0; i < FASTPATH_MAPS; i++)
        fp->maps.fd[i] = -1;
    for (unsigned i = 0; i < FP_TOPOLOGIES; i++)
        fp->retired[i] = now;
    fp->punt_limit = config->punt_limit;
    fp->max_macs = config->max_macs;
    fp->draft = calloc(1, sizeof(*fp->draft));
    rc = fp->draft ? open_dir(fp, config, err, err_len) : -ENOMEM;
    if (rc == 0)
        rc = open_maps(fp, config, err, err_len);
    if (rc == 0)
        rc = fastpath_count_init(fp);
    if (rc == -ENOMEM)
        snprintf(err, err_len, "out of memory for the fast path");
    if (rc < 0) {
        if (fp->dir.fd >= 0)
            (void)fastpath_dir_remove(&fp->dir); /* if it is empty, that is */
        fastpath_close(fp);
        return rc;
    }
    listen_for_lost(fp);
    *out = fp;
    return 0;
}

void fastpath_close(struct fastpath *fp)
{
    if (!fp)
        return;
    xdp_lost_close(fp->lost);
    fastpath_count_fini(fp);
    fastpath_maps_close(&fp->maps);
    fastpath_dir_close(&fp->dir);
    free(fp->draft);
    free(fp);
}

int fastpath_remove(const char *dir, const char *gateway, char *err, size_t err_len)
{
    struct fastpath_dir d;
    int rc = fastpath_dir_open(&d, dir, gateway, false, err, err_len);

    if (rc < 0)
        return rc;
    rc = xdp_link_remove_all(&d, err, err_len);
    fastpath_maps_unpin(&d);
    if (rc == 0) {
        rc = fastpath_dir_remove(&d);
        if (rc < 0)
            snprintf(err, err_len, "%s cannot be taken away: %s", d.path, strerror(-rc));
    }
    fastpath_dir_close(&d);
    return rc;
}

int fastpath_unpin(struct fastpath *fp, char *err, size_t err_len)
{
    if (fp->dir.fd < 0)
        return 0;
    xdp_link_sweep(fp);
    if (xdp_link_any(&fp->dir)) {
        snprintf(err, err_len, "a program in %s is still pinned", fp->dir.path);
        return -EBUSY;
    }
    fastpath_maps_unpin(&fp->dir);
    (void)fastpath_dir_remove(&fp->dir);
    fastpath_dir_close(&fp->dir);
    snprintf(fp->why_not, sizeof(fp->why_not), "it was detached");
    return 0;
}

bool fastpath_pinned(const struct fastpath *fp, const char **why_not)
{
    if (why_not)
        *why_not = fp->why_not;
    return fp->dir.fd >= 0;
}

/* ---- what was there
 * ------------------------------------------------------------------------------------------ */

bool fastpath_forwards(const struct fastpath *fp)
{
    return fastpath_topology(fp) != NULL;
}

bool fastpath_taken_over(const struct fastpath *fp)
{
    return fp->taken_over;
}

void fastpath_kept(const struct fastpath *fp, struct fastpath_kept *out)
{
    const struct fp_topology *t = fp->taken_over ? fastpath_topology(fp) : NULL;

    memset(out, 0, sizeof(*out));
    if (!t)
        return;
    for (unsigned i = 0; i < FP_PORTS; i++) {
        out->ifindex[i] = t->ports[i].flags & FP_PORT_PRESENT ? t->ports[i].ifindex : 0;
        out->device[i] = t->device[i];
        if (out->ifindex[i] || out->device[i])
            out->n_ports = i + 1;
    }
    for (unsigned i = 1; i <= DP_MAX_NETWORKS; i++) {
        out->vni[i] = t->nets[i].flags & FP_NET_VALID ? t->nets[i].vni : 0;
        if (out->vni[i])
            out->n_nets = i + 1;
    }
    for (unsigned i = 1; i < DP_MAX_VTEPS; i++) {
        if (t->vteps[i].family != 4 && t->vteps[i].family != 6)
            continue;
        out->vtep[i].family = t->vteps[i].family;
        if (t->vteps[i].resolved)
            memcpy(out->next_hop[i].b, t->vteps[i].header, sizeof(out->next_hop[i].b));
        memcpy(out->vtep[i].b, t->vteps[i].address, t->vteps[i].family == 4 ? 4 : 16);
        out->n_vteps = i + 1;
    }
}

bool fastpath_kept_member(const struct fastpath *fp, dp_net_id net, dp_vtep_id vtep)
{
    const struct fp_topology *t = fp->taken_over ? fastpath_topology(fp) : NULL;

    return t && net < FP_NETS && vtep < FP_VTEPS && (t->nets[net].known[vtep / 64] >> vtep % 64 & 1);
}

/* ---- the topology
 * -------------------------------------------------------------------------------------------- */

/* Until every program that may read a place left at that time has ended: the barrier is a grace period of the
 * kernel's RCU, good for all places that were left before. Where it is refused (CPUs without a tick) time
 * must do. */
static void wait_for_programs(struct fastpath *fp, mono_t retired)
{
    mono_t now = mono_now();
    uint64_t age = now.ns - retired.ns;

    if (age >= LONG_AGO || retired.ns < fp->grace.ns)
        return;
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
        fp->grace = now;
    else
        usleep((useconds_t)((LONG_AGO - age) / 1000));
}

static unsigned oldest_place(const struct fastpath *fp)
{
    uint32_t active = fp->maps.control->active;
    unsigned oldest = active == 0 ? 1 : 0;

    for (unsigned i = 0; i < FP_TOPOLOGIES; i++)
        if (i != active && fp->retired[i].ns < fp->retired[oldest].ns)
            oldest = i;
    return oldest;
}

static void activate(struct fastpath *fp, uint32_t place)
{
    uint32_t was = fp->maps.control->active;

    __atomic_store_n(&fp->maps.control->active, place, __ATOMIC_RELEASE);
    if (was < FP_TOPOLOGIES)
        fp->retired[was] = mono_now();
}

void fastpath_suspend(struct fastpath *fp)
{
    activate(fp, FP_TOPOLOGIES);
}

/* Where frames are redirected to. A port that cannot be put there (it has just vanished) is no target. */
static void add_targets(struct fastpath *fp, struct fp_topology *t)
{
    for (uint32_t port = 0; port < FP_PORTS; port++) {
        uint32_t ifindex = t->ports[port].ifindex;

        if (ifindex == 0 || ifindex == fp->tx[port])
            continue;
        if (bpf_map_update_elem(fp->maps.fd[FASTPATH_TX], &port, &ifindex, BPF_ANY)) {
            log_warning(FASTPATH_SUBSYSTEM, "frames cannot be redirected to interface %" PRIu32 ": %s",
                        ifindex, strerror(errno));
            t->ports[port].flags &= (uint16_t)~FP_PORT_TARGET;
            continue;
        }
        fp->tx[port] = ifindex;
        xdp_lost_port(fp->lost, port, ifindex);
    }
}

/* Once no topology names them. */
static void remove_targets(struct fastpath *fp, const struct fp_topology *t)
{
    for (uint32_t port = 0; port < FP_PORTS; port++) {
        if (t->ports[port].ifindex != 0 || fp->tx[port] == 0)
            continue;
        (void)bpf_map_delete_elem(fp->maps.fd[FASTPATH_TX], &port);
        fp->tx[port] = 0;
        xdp_lost_port(fp->lost, port, 0);
    }
}

/* Whether the programs have it already. */
static bool is_published(const struct fastpath *fp, struct fp_topology *t)
{
    const struct fp_topology *now = fastpath_topology(fp);

    t->generation = now ? now->generation : 0;
    if (now && memcmp(now, t, sizeof(*t)) == 0)
        return true;
    t->generation++;
    return false;
}

static void write_topology(struct fastpath *fp, const struct fp_topology *t)
{
    unsigned place = oldest_place(fp);

    wait_for_programs(fp, fp->retired[place]);
    memcpy(&fp->maps.topologies[place], t, sizeof(*t));
    activate(fp, place);
}

int fastpath_publish(struct fastpath *fp, const struct dp_topology *topology,
                     const struct fastpath_port *ports)
{
    struct fp_topology *t = fp->draft;
    struct fp_topology_used used;
    int rc = fp_topology_build(topology, ports, fp->punt_limit, t, &used);

    if (rc < 0) {
        fastpath_suspend(fp);
        return rc;
    }
    add_targets(fp, t);
    if (!is_published(fp, t))
        write_topology(fp, t);
    remove_targets(fp, t);
    if (!fp->swept && fp->dir.fd >= 0)
        xdp_link_sweep(fp);
    fp->swept = true;
    return 0;
}
