/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's maps; see fastpath_maps.h. Control thread only.
 *
 * Tricky: topologies, MACs and fp_control are mapped into this process: they are written in place, each
 * change ending with one store. A map has its size for life, so another number of MACs needs other maps; then
 * fp_control is another one, too, as programs that still use the old table must find its mask there.
 */
#include "ebpf/fastpath_maps.h"

#include "conf/drop.h"
#include "ebpf/fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The programs are compiled from the same header for another machine. */
_Static_assert(sizeof(struct fp_fdb_bucket) == 64, "fp.h");
_Static_assert(sizeof(struct fp_port) == 8, "fp.h");
_Static_assert(sizeof(struct fp_net) == 304, "fp.h");
_Static_assert(sizeof(struct fp_vtep) == 104, "fp.h");
_Static_assert(sizeof(struct fp_control) == 40, "fp.h");
_Static_assert(sizeof(struct fp_topology) % 8 == 0, "the kernel rounds elements of arrays up to eight bytes");

static const struct {
    const char *name; /* of the map, of its pin, and in the programs */
    enum bpf_map_type type;
    uint32_t key, value, entries, flags; /* entries 0: by the number of MACs */
} kinds[FASTPATH_MAPS] = {
    [FASTPATH_FDB] = {"fp_fdb", BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(struct fp_fdb_bucket), 0,
                      BPF_F_MMAPABLE},
    [FASTPATH_BOUNCED] = {"fp_bounced", BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(__u64), 0, BPF_F_MMAPABLE},
    [FASTPATH_TOPOLOGY] = {"fp_topology", BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(struct fp_topology),
                           FP_TOPOLOGIES, BPF_F_MMAPABLE},
    [FASTPATH_TX] = {"fp_tx", BPF_MAP_TYPE_DEVMAP, sizeof(__u32), sizeof(__u32), FP_PORTS, 0},
    [FASTPATH_NET_COUNT] = {"fp_net_count", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(__u32),
                            sizeof(struct fp_net_counters), FP_NETS, 0},
    [FASTPATH_VTEP_COUNT] = {"fp_vtep_count", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(__u32),
                             sizeof(struct fp_vtep_counters), FP_VTEPS, 0},
    [FASTPATH_PORT_COUNT] = {"fp_port_count", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(__u32),
                             sizeof(struct fp_port_counters), FP_PORTS, 0},
    [FASTPATH_DROP_COUNT] = {"fp_drop_count", BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(__u32), sizeof(__u64), DROP_N,
                             0},
    [FASTPATH_CONTROL] = {"fp_control", BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(struct fp_control), 1,
                          BPF_F_MMAPABLE},
};

static const uint32_t struct_sizes[4] = {sizeof(struct fp_fdb_bucket), sizeof(struct fp_topology),
                                         sizeof(struct fp_net_counters), sizeof(struct fp_port_counters)};

const char *fastpath_map_name(enum fastpath_map_id id)
{
    return kinds[id].name;
}

static void clear(struct fastpath_maps *m)
{
    memset(m, 0, sizeof(*m));
    for (unsigned i = 0; i < FASTPATH_MAPS; i++)
        m->fd[i] = -1;
}

static uint32_t entries_of(enum fastpath_map_id id, uint32_t buckets)
{
    if (id == FASTPATH_FDB)
        return buckets;
    return id == FASTPATH_BOUNCED ? buckets * FP_FDB_WAYS : kinds[id].entries;
}

static size_t memory_len(enum fastpath_map_id id, uint32_t buckets)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (size_t)entries_of(id, buckets) * kinds[id].value;

    return (len + page - 1) / page * page;
}

/* NULL: errno says why. */
static void *map_memory(const struct fastpath_maps *m, enum fastpath_map_id id, uint32_t buckets)
{
    void *p = mmap(NULL, memory_len(id, buckets), PROT_READ | PROT_WRITE, MAP_SHARED, m->fd[id], 0);

    return p == MAP_FAILED ? NULL : p;
}

static void unmap_memory(void *p, enum fastpath_map_id id, uint32_t buckets)
{
    if (p)
        munmap(p, memory_len(id, buckets));
}

/* buckets: a power of two. The table is empty until its mask and seed are known. */
static int map_all(struct fastpath_maps *m, uint32_t buckets)
{
    m->macs.mask = buckets - 1;
    m->macs.buckets = map_memory(m, FASTPATH_FDB, buckets);
    m->macs.bounced = m->macs.buckets ? map_memory(m, FASTPATH_BOUNCED, buckets) : NULL;
    if (m->macs.bounced && !m->topologies)
        m->topologies = map_memory(m, FASTPATH_TOPOLOGY, buckets);
    if (m->topologies)
        m->control = map_memory(m, FASTPATH_CONTROL, buckets);
    return m->control ? 0 : -errno;
}

static void unmap_all(struct fastpath_maps *m)
{
    uint32_t buckets = m->macs.mask + 1;

    unmap_memory(m->macs.buckets, FASTPATH_FDB, buckets);
    unmap_memory(m->macs.bounced, FASTPATH_BOUNCED, buckets);
    unmap_memory(m->topologies, FASTPATH_TOPOLOGY, buckets);
    unmap_memory(m->control, FASTPATH_CONTROL, buckets);
}

static int create(enum fastpath_map_id id, uint32_t buckets, char *err, size_t err_len)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts);
    uint32_t entries = entries_of(id, buckets);
    int fd;

    opts.map_flags = kinds[id].flags;
    fd = bpf_map_create(kinds[id].type, kinds[id].name, kinds[id].key, kinds[id].value, entries, &opts);
    if (fd >= 0)
        return fd;
    return fail(err, err_len, -errno, "the kernel does not give the fast path its map %s (%u entries): %s%s",
                kinds[id].name, entries, strerror(errno),
                errno == EPERM ? "; it needs root, or CAP_BPF and CAP_NET_ADMIN" : "");
}

/* The seed: so that nobody can choose MACs that meet in one bucket. */
static int begin(struct fastpath_maps *m, uint32_t buckets, uint32_t active)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return -errno;
    fp_table_init(&m->macs, m->macs.buckets, m->macs.bounced, buckets, seed);
    m->control->version = FP_VERSION;
    m->control->fdb_seed = seed;
    m->control->fdb_mask = buckets - 1;
    memcpy(m->control->struct_sizes, struct_sizes, sizeof(struct_sizes));
    __atomic_store_n(&m->control->active, active, __ATOMIC_RELEASE);
    return 0;
}

int fastpath_maps_create(struct fastpath_maps *m, uint32_t max_macs, char *err, size_t err_len)
{
    uint32_t buckets = fp_table_buckets(max_macs);
    int rc;

    clear(m);
    for (unsigned i = 0; i < FASTPATH_MAPS; i++) {
        m->fd[i] = create(i, buckets, err, err_len);
        if (m->fd[i] < 0)
            return m->fd[i];
    }
    rc = map_all(m, buckets);
    if (rc == 0)
        rc = begin(m, buckets, FP_TOPOLOGIES);
    return rc < 0 ? fail(err, err_len, rc, "the fast path's maps cannot be mapped: %s", strerror(-rc)) : 0;
}

/* ---- those that are pinned
 * ------------------------------------------------------------------------------------ */

static int check_kind(enum fastpath_map_id id, int fd, uint32_t *buckets, char *err, size_t err_len)
{
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info);
    int rc = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;

    if (rc < 0)
        return fail(err, err_len, rc, "%s cannot be looked at: %s", kinds[id].name, strerror(-rc));
    if (id == FASTPATH_FDB)
        *buckets = info.max_entries;
    if (info.type != kinds[id].type || info.key_size != kinds[id].key || info.value_size != kinds[id].value ||
        (info.map_flags & BPF_F_MMAPABLE) != (kinds[id].flags & BPF_F_MMAPABLE) ||
        info.max_entries != entries_of(id, *buckets) || *buckets == 0 || (*buckets & (*buckets - 1)) != 0)
        return fail(err, err_len, -EINVAL, "%s is of another shape", kinds[id].name);
    return 0;
}

static int check_control(const struct fp_control *c, uint32_t buckets, char *err, size_t err_len)
{
    if (c->version != FP_VERSION)
        return fail(err, err_len, -EINVAL, "they are of version %u, this is %u", c->version, FP_VERSION);
    if (memcmp(c->struct_sizes, struct_sizes, sizeof(struct_sizes)) != 0 || c->fdb_mask != buckets - 1)
        return fail(err, err_len, -EINVAL, "what is in them is of another shape");
    return 0;
}

int fastpath_maps_take_over(struct fastpath_maps *m, const struct fastpath_dir *d, char *err, size_t err_len)
{
    unsigned missing = 0;
    uint32_t buckets = 0;
    int rc;

    clear(m);
    for (unsigned i = 0; i < FASTPATH_MAPS; i++) {
        m->fd[i] = fastpath_dir_get(d, kinds[i].name);
        if (m->fd[i] < 0 && m->fd[i] != -ENOENT)
            return fail(err, err_len, m->fd[i], "%s cannot be opened: %s", kinds[i].name,
                        strerror(-m->fd[i]));
        missing += m->fd[i] < 0;
    }
    if (missing == FASTPATH_MAPS)
        return fail(err, err_len, -ENOENT, "nothing is pinned");
    if (missing)
        return fail(err, err_len, -EINVAL, "%u of them are missing", missing);
    for (unsigned i = 0; i < FASTPATH_MAPS; i++) { /* FASTPATH_FDB first */
        rc = check_kind(i, m->fd[i], &buckets, err, err_len);
        if (rc < 0)
            return rc;
    }
    rc = map_all(m, buckets);
    if (rc < 0)
        return fail(err, err_len, rc, "they cannot be mapped: %s", strerror(-rc));
    rc = check_control(m->control, buckets, err, err_len);
    if (rc == 0)
        fp_table_init(&m->macs, m->macs.buckets, m->macs.bounced, buckets, m->control->fdb_seed);
    return rc;
}

int fastpath_maps_pin(const struct fastpath_maps *m, const struct fastpath_dir *d, char *err, size_t err_len)
{
    for (unsigned i = 0; i < FASTPATH_MAPS; i++) {
        int rc = fastpath_dir_pin(d, kinds[i].name, m->fd[i]);

        if (rc < 0)
            return fail(err, err_len, rc, "%s/%s cannot be pinned: %s", d->path, kinds[i].name,
                        strerror(-rc));
    }
    return 0;
}

void fastpath_maps_unpin(const struct fastpath_dir *d)
{
    for (unsigned i = FASTPATH_MAPS; i > 0; i--)
        (void)fastpath_dir_unpin(d, kinds[i - 1].name);
    (void)fastpath_dir_unpin(d, "next");
}

/* ---- another size
 * -------------------------------------------------------------------------------------------- */

static const enum fastpath_map_id sized[] = {FASTPATH_FDB, FASTPATH_BOUNCED, FASTPATH_CONTROL};

/* Frames go on meanwhile, through the old table: a source that is touched in between is seen a little less.
 */
static uint32_t copy_macs(const struct fp_table *from, struct fp_table *to)
{
    const struct fp_fdb_entry *e;
    uint64_t cursor = 0;
    uint32_t lost = 0;

    while ((e = fp_table_next(from, &cursor)) != NULL) {
        if (fp_table_set(to, e->key, e->where, e->seen))
            lost++;
        else
            *fp_table_bounced(to, fp_table_find(to, e->key)) = *fp_table_bounced(from, e);
    }
    return lost;
}

/* Those of next in place of those of m; m's end up in next, to be closed with it. */
static void swap(struct fastpath_maps *m, struct fastpath_maps *next)
{
    struct fastpath_maps was = *m;

    for (size_t i = 0; i < sizeof(sized) / sizeof(sized[0]); i++) {
        m->fd[sized[i]] = next->fd[sized[i]];
        next->fd[sized[i]] = was.fd[sized[i]];
    }
    m->macs = next->macs;
    m->control = next->control;
    next->macs = was.macs;
    next->control = was.control;
}

/* A process that dies between two of these pins leaves a set that does not fit together, and so is not used.
 */
static int pin_sized(const struct fastpath_maps *m, const struct fastpath_dir *d)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(sized) / sizeof(sized[0]); i++)
        rc = fastpath_dir_pin(d, kinds[sized[i]].name, m->fd[sized[i]]);
    return rc;
}

int fastpath_maps_resize(struct fastpath_maps *m, uint32_t max_macs, const struct fastpath_dir *d,
                         uint32_t *lost, char *err, size_t err_len)
{
    uint32_t buckets = fp_table_buckets(max_macs);
    struct fastpath_maps next;
    int rc = 0;

    clear(&next);
    for (size_t i = 0; rc == 0 && i < sizeof(sized) / sizeof(sized[0]); i++) {
        next.fd[sized[i]] = create(sized[i], buckets, err, err_len);
        rc = next.fd[sized[i]] < 0 ? next.fd[sized[i]] : 0;
    }
    if (rc == 0) {
        next.topologies = m->topologies;
        rc = map_all(&next, buckets);
        if (rc == 0)
            rc = begin(&next, buckets, m->control->active);
        next.topologies = NULL;
        if (rc == 0)
            *lost = copy_macs(&m->macs, &next.macs);
        if (rc == 0 && d)
            rc = pin_sized(&next, d);
        if (rc == 0)
            swap(m, &next);
        else
            fail(err, err_len, rc, "there is no room for %u MACs: %s", max_macs, strerror(-rc));
    }
    fastpath_maps_close(&next);
    return rc;
}

void fastpath_maps_close(struct fastpath_maps *m)
{
    unmap_all(m);
    for (unsigned i = 0; i < FASTPATH_MAPS; i++)
        if (m->fd[i] >= 0)
            close(m->fd[i]);
    clear(m);
}

int fastpath_maps_use(const struct fastpath_maps *m, struct bpf_object *obj)
{
    for (unsigned i = 0; i < FASTPATH_MAPS; i++) {
        struct bpf_map *map = bpf_object__find_map_by_name(obj, kinds[i].name);
        int rc = map ? bpf_map__reuse_fd(map, m->fd[i]) : 0;

        if (rc < 0)
            return rc;
    }
    return 0;
}
