/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's maps; see fastpath_maps.h. Control thread only.
 *
 * Tricky: fp_fdb has all its memory from the start, so that replacing where a MAC points cannot fail, and so
 * that the table is full at max_macs and not before. fp_topology and fp_control are mapped into this process:
 * a topology is written in place, and made the current one by one store.
 */
#include "ebpf/fastpath_maps.h"

#include "conf/drop.h"
#include "ebpf/fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The programs are compiled from the same header for another machine. */
_Static_assert(sizeof(struct fp_fdb_value) == 16, "fp.h");
_Static_assert(sizeof(struct fp_port) == 8, "fp.h");
_Static_assert(sizeof(struct fp_net) == 304, "fp.h");
_Static_assert(sizeof(struct fp_vtep) == 104, "fp.h");
_Static_assert(sizeof(struct fp_control) == 24, "fp.h");
_Static_assert(sizeof(struct fp_topology) % 8 == 0, "an element of a mapped array is a multiple of 8 bytes");

static const struct {
    const char *name; /* of the map, of its pin, and in the programs */
    enum bpf_map_type type;
    uint32_t key, value, entries, flags;
} kinds[FASTPATH_MAPS] = {
    [FASTPATH_FDB] = {"fp_fdb", BPF_MAP_TYPE_HASH, sizeof(__u64), sizeof(struct fp_fdb_value), 0, 0},
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

static const uint32_t struct_sizes[4] = {sizeof(struct fp_fdb_value), sizeof(struct fp_topology),
                                         sizeof(struct fp_net_counters), sizeof(struct fp_port_counters)};

#define COPY_BATCH 4096

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

static size_t topologies_len(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (FP_TOPOLOGIES * sizeof(struct fp_topology) + page - 1) / page * page;
}

static int map_memory(struct fastpath_maps *m)
{
    void *p = mmap(NULL, topologies_len(), PROT_READ | PROT_WRITE, MAP_SHARED, m->fd[FASTPATH_TOPOLOGY], 0);

    if (p == MAP_FAILED)
        return -errno;
    m->topologies = p;
    p = mmap(NULL, sizeof(*m->control), PROT_READ | PROT_WRITE, MAP_SHARED, m->fd[FASTPATH_CONTROL], 0);
    if (p == MAP_FAILED)
        return -errno;
    m->control = p;
    return 0;
}

static int create(enum fastpath_map_id id, uint32_t max_macs, char *err, size_t err_len)
{
    LIBBPF_OPTS(bpf_map_create_opts, opts);
    uint32_t entries = id == FASTPATH_FDB ? max_macs : kinds[id].entries;
    int fd;

    opts.map_flags = kinds[id].flags;
    fd = bpf_map_create(kinds[id].type, kinds[id].name, kinds[id].key, kinds[id].value, entries, &opts);
    if (fd >= 0)
        return fd;
    return fail(err, err_len, -errno, "the kernel does not give the fast path its map %s (%u entries): %s%s",
                kinds[id].name, entries, strerror(errno),
                errno == EPERM ? "; it needs root, or CAP_BPF and CAP_NET_ADMIN" : "");
}

int fastpath_maps_create(struct fastpath_maps *m, uint32_t max_macs, char *err, size_t err_len)
{
    int rc;

    clear(m);
    for (unsigned i = 0; i < FASTPATH_MAPS; i++) {
        m->fd[i] = create(i, max_macs, err, err_len);
        if (m->fd[i] < 0)
            return m->fd[i];
    }
    m->max_macs = max_macs;
    rc = map_memory(m);
    if (rc < 0)
        return fail(err, err_len, rc, "the fast path's maps cannot be mapped: %s", strerror(-rc));
    m->control->version = FP_VERSION;
    memcpy(m->control->struct_sizes, struct_sizes, sizeof(struct_sizes));
    __atomic_store_n(&m->control->active, FP_TOPOLOGIES, __ATOMIC_RELEASE);
    return 0;
}

/* ---- those that are pinned
 * ------------------------------------------------------------------------------------ */

static int check_kind(enum fastpath_map_id id, int fd, uint32_t *entries, char *err, size_t err_len)
{
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info);
    int rc = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;

    if (rc < 0)
        return fail(err, err_len, rc, "%s cannot be looked at: %s", kinds[id].name, strerror(-rc));
    *entries = info.max_entries;
    if (info.type != kinds[id].type || info.key_size != kinds[id].key || info.value_size != kinds[id].value ||
        (info.map_flags & BPF_F_MMAPABLE) != (kinds[id].flags & BPF_F_MMAPABLE) ||
        (id != FASTPATH_FDB && info.max_entries != kinds[id].entries))
        return fail(err, err_len, -EINVAL, "%s is of another shape", kinds[id].name);
    return 0;
}

static int check_control(const struct fp_control *c, char *err, size_t err_len)
{
    if (c->version != FP_VERSION)
        return fail(err, err_len, -EINVAL, "they are of version %u, this is %u", c->version, FP_VERSION);
    if (memcmp(c->struct_sizes, struct_sizes, sizeof(struct_sizes)) != 0)
        return fail(err, err_len, -EINVAL, "what is in them is of another shape");
    return 0;
}

int fastpath_maps_take_over(struct fastpath_maps *m, const struct fastpath_dir *d, char *err, size_t err_len)
{
    unsigned missing = 0;
    uint32_t entries = 0;
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
    for (unsigned i = 0; i < FASTPATH_MAPS; i++) {
        rc = check_kind(i, m->fd[i], &entries, err, err_len);
        if (rc < 0)
            return rc;
        if (i == FASTPATH_FDB)
            m->max_macs = entries;
    }
    rc = map_memory(m);
    if (rc < 0)
        return fail(err, err_len, rc, "they cannot be mapped: %s", strerror(-rc));
    return check_control(m->control, err, err_len);
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

/* Frames go on meanwhile, through the old map: a source that is touched in between is seen a little less. */
static int copy_macs(int from, int to, uint32_t *lost)
{
    uint64_t *keys = malloc(COPY_BATCH * sizeof(*keys));
    struct fp_fdb_value *values = malloc(COPY_BATCH * sizeof(*values));
    uint32_t bucket = 0, n;
    bool started = false;
    int rc = keys && values ? 0 : -ENOMEM;

    *lost = 0;
    while (rc == 0) {
        n = COPY_BATCH;
        if (bpf_map_lookup_batch(from, started ? &bucket : NULL, &bucket, keys, values, &n, NULL))
            rc = -errno;
        started = true;
        for (uint32_t i = 0; (rc == 0 || rc == -ENOENT) && i < n; i++)
            *lost += bpf_map_update_elem(to, &keys[i], &values[i], BPF_ANY) != 0;
    }
    free(keys);
    free(values);
    return rc == -ENOENT ? 0 : rc;
}

int fastpath_maps_resize(struct fastpath_maps *m, uint32_t max_macs, const struct fastpath_dir *d,
                         uint32_t *lost, char *err, size_t err_len)
{
    int fd = create(FASTPATH_FDB, max_macs, err, err_len), rc;

    if (fd < 0)
        return fd;
    rc = copy_macs(m->fd[FASTPATH_FDB], fd, lost);
    if (rc == 0 && d)
        rc = fastpath_dir_pin(d, kinds[FASTPATH_FDB].name, fd);
    if (rc < 0) {
        close(fd);
        return fail(err, err_len, rc, "%s cannot be given room for %u MACs: %s", kinds[FASTPATH_FDB].name,
                    max_macs, strerror(-rc));
    }
    close(m->fd[FASTPATH_FDB]);
    m->fd[FASTPATH_FDB] = fd;
    m->max_macs = max_macs;
    return 0;
}

void fastpath_maps_close(struct fastpath_maps *m)
{
    if (m->topologies)
        munmap(m->topologies, topologies_len());
    if (m->control)
        munmap(m->control, sizeof(*m->control));
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
