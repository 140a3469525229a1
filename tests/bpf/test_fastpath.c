/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's maps from the control plane's side: what is pinned, taken over, or refused; topologies,
 * MACs, counters. No program is attached here (test_fastpath_ports.c does that). Each test has a network
 * namespace and a bpffs of its own, which end with its process. Needs root.
 */
#include "ebpf/fastpath_private.h"

#include "conf/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define MANY 100000u

static char mount_point[] = "/tmp/cwfpXXXXXX";
static char dir[64];
static char err[FASTPATH_ERR_LEN];
static struct fastpath_config config = {.gateway = "paris-1", .dir = dir, .max_macs = 1024};

static void setup(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    ck_assert_int_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
    ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    ck_assert_ptr_nonnull(mkdtemp(mount_point));
    ck_assert_int_eq(mount("bpf", mount_point, "bpf", 0, NULL), 0);
    snprintf(dir, sizeof(dir), "%s/causeway", mount_point);
    ck_assert_int_eq(system("ip link set lo up"), 0);
}

static void teardown(void)
{
    (void)umount2(mount_point, MNT_DETACH);
    (void)rmdir(mount_point);
}

static struct fastpath *open_fastpath(void)
{
    struct fastpath *fp = NULL;
    int rc = fastpath_open(&config, &fp, err, sizeof(err));

    ck_assert_msg(rc == 0, "%d: %s", rc, err);
    return fp;
}

static void expect_open(int want, const char *text)
{
    struct fastpath *fp = NULL;
    int rc;

    err[0] = '\0';
    rc = fastpath_open(&config, &fp, err, sizeof(err));
    ck_assert_msg(rc == want, "%d, not %d: %s", rc, want, err);
    ck_assert_msg(strstr(err, text) != NULL, "'%s' is not in '%s'", text, err);
}

static void ck_remove(int want)
{
    int rc = fastpath_remove(dir, config.gateway, err, sizeof(err));

    ck_assert_msg(rc == want, "%d, not %d: %s", rc, want, err);
}

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s/%s", dir, config.gateway, name);
    return path;
}

static bool is_pinned(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static struct mac mac_number(unsigned n)
{
    return (struct mac){{2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
}

static const struct dp_dest at_port_1 = {.where = DP_WHERE_PORT, .target = 1};
static const struct dp_dest at_vtep_2 = {.where = DP_WHERE_VTEP, .target = 2};

/* What a program writes when it sees the source; ns 0: nothing. */
static void touch(struct fastpath *fp, dp_net_id net, struct mac mac, uint64_t seen_ns, uint32_t bounced)
{
    uint64_t key = (uint64_t)net << 48;
    struct fp_fdb_entry *e;

    for (unsigned i = 0; i < 6; i++)
        key |= (uint64_t)mac.b[i] << 8 * i;
    e = fp_table_find(&fp->maps.macs, key);
    ck_assert_ptr_nonnull(e);
    e->seen = FP_SEEN(seen_ns);
    *fp_table_bounced(&fp->maps.macs, e) = bounced;
}

/* To three milliseconds. */
static void expect_seen(const struct fastpath *fp, dp_net_id net, struct mac mac, mono_t at)
{
    mono_t seen = {0};

    ck_assert(fastpath_fdb_seen(fp, net, mac, &seen));
    ck_assert_msg(seen.ns + 3000000 > at.ns && seen.ns < at.ns + 3000000, "%llu is not %llu",
                  (unsigned long long)seen.ns, (unsigned long long)at.ns);
}

static uint32_t used_macs(const struct fastpath *fp)
{
    uint32_t used, capacity;

    fastpath_fdb_usage(fp, &used, &capacity);
    ck_assert_uint_eq(capacity, config.max_macs);
    return used;
}

/* ---- a topology: ports 0 (underlay) and 1, network 7, VTEP 2
 * -------------------------------------------------- */

static const struct dp_member member = {.port = 1, .vlan = 100};
static const struct dp_net_vtep net_vtep = {.vtep = 2, .flood = true};
static struct dp_network network = {.id = 7,
                                    .vni = 10007,
                                    .dscp = DP_DSCP_INHERIT,
                                    .members = &member,
                                    .n_members = 1,
                                    .vteps = &net_vtep,
                                    .n_vteps = 1};
static const struct dp_vtep vtep = {.id = 2,
                                    .address = {4, {198, 18, 0, 2}},
                                    .resolved = true,
                                    .next_hop = {{2, 0, 0, 0, 1, 2}},
                                    .source = {{2, 0, 0, 0, 1, 1}},
                                    .mtu = 1600};
static const struct dp_topology topology = {.underlay = 0,
                                            .address = {4, {198, 18, 0, 1}},
                                            .underlay_mac = {{2, 0, 0, 0, 1, 1}},
                                            .vxlan_port = 4789,
                                            .ttl = 64,
                                            .networks = &network,
                                            .n_networks = 1,
                                            .vteps = &vtep,
                                            .n_vteps = 1};
/* The loopback interface takes part: nothing is sent. */
static struct fastpath_port ports[DP_MAX_PORTS] = {{.ifindex = 1, .target = true, .mtu = 1600},
                                                   {.ifindex = 1, .target = true, .mtu = 1500}};

static void publish(struct fastpath *fp)
{
    ck_assert_int_eq(fastpath_publish(fp, &topology, ports), 0);
}

static uint32_t target_of(const struct fastpath *fp, uint32_t port)
{
    uint32_t ifindex = 0;

    (void)bpf_map_lookup_elem(fp->maps.fd[FASTPATH_TX], &port, &ifindex);
    return ifindex;
}

/* ---- pins
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(test_first_open)
{
    struct fastpath *fp = open_fastpath();
    const char *why_not = NULL;
    struct fastpath_kept kept;

    ck_assert(fastpath_pinned(fp, &why_not));
    ck_assert_str_eq(why_not, "");
    ck_assert(!fastpath_taken_over(fp));
    ck_assert_ptr_null(fastpath_topology(fp));
    for (unsigned i = 0; i < FASTPATH_MAPS; i++)
        ck_assert_msg(is_pinned(fastpath_map_name(i)), "%s", fastpath_map_name(i));
    ck_assert(!is_pinned("next"));
    fastpath_kept(fp, &kept);
    ck_assert_uint_eq(kept.n_ports + kept.n_nets + kept.n_vteps, 0);
    ck_assert_uint_eq(used_macs(fp), 0);
    fastpath_close(fp);
    fastpath_close(NULL);
}
END_TEST

START_TEST(test_take_over)
{
    mono_t at = {mono_now().ns - 20 * 86400 * 1000000000ull};
    struct fastpath *fp = open_fastpath();
    struct fastpath_kept kept;

    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(1), at_vtep_2, false), 0);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(2), at_port_1, false), 0);
    touch(fp, 7, mac_number(2), at.ns, 0);
    fastpath_close(fp);

    fp = open_fastpath();
    ck_assert(fastpath_taken_over(fp));
    fastpath_kept(fp, &kept);
    ck_assert_uint_eq(kept.n_ports, 2);
    ck_assert_uint_eq(kept.ifindex[0], 1);
    ck_assert_uint_eq(kept.ifindex[1], 1);
    ck_assert_uint_eq(kept.n_nets, 8);
    ck_assert_uint_eq(kept.vni[7], 10007);
    ck_assert_uint_eq(kept.vni[6], 0);
    ck_assert_uint_eq(kept.n_vteps, 3);
    ck_assert(ipaddr_eq(&kept.vtep[2], &vtep.address));
    ck_assert_uint_eq(kept.vtep[1].family, 0);
    ck_assert_uint_eq(used_macs(fp), 2);
    expect_seen(fp, 7, mac_number(2), at);
    ck_assert_uint_eq(fastpath_topology(fp)->generation, 1);
    network.qinq = true;
    publish(fp);
    ck_assert_uint_eq(fastpath_topology(fp)->generation, 2);
    ck_assert(fastpath_taken_over(fp));

    fastpath_flush(fp);
    ck_assert_uint_eq(used_macs(fp), 0);
    fastpath_close(fp);
}
END_TEST

static void hold(void)
{
    (void)open_fastpath();
}

/* A child that runs fn and waits to be killed; returns when fn has returned. */
static pid_t start_child(void (*fn)(void))
{
    int ready[2];
    char c;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        fn();
        ck_assert_int_eq(write(ready[1], "x", 1), 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_msg(read(ready[0], &c, 1) == 1, "the child ended early");
    close(ready[0]);
    return pid;
}

static void kill_child(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(test_one_process_at_a_time)
{
    pid_t pid = start_child(hold);

    expect_open(-EBUSY, "/causeway/paris-1 is used by another process");
    ck_remove(-EBUSY);
    config.gateway = "paris-2";
    fastpath_close(open_fastpath());
    config.gateway = "paris-1";
    kill_child(pid);
    fastpath_close(open_fastpath());
}
END_TEST

START_TEST(test_remove)
{
    ck_remove(-ENOENT);
    fastpath_close(open_fastpath());
    config.gateway = "paris-2";
    fastpath_close(open_fastpath());
    ck_remove(0);
    ck_remove(-ENOENT);
    config.gateway = "paris-1";
    ck_assert(is_pinned("fp_control"));
    ck_remove(0);
    ck_assert_int_ne(access(dir, F_OK), 0);
}
END_TEST

/* A bpffs takes no dots, and a path no slashes. */
START_TEST(test_names)
{
    static const char *const names[] = {"paris.example.com", "..", "a/b", "\xc3\xa9t\xc3\xa9", "%2e", "next"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        config.gateway = names[i];
        fastpath_close(open_fastpath());
    }
    ck_assert_int_eq(system("test $(ls /tmp/cwfp*/causeway | wc -l) = 6"), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        config.gateway = names[i];
        ck_remove(0);
    }
}
END_TEST

static void expect_unpinned(const char *text)
{
    struct fastpath *fp = open_fastpath();
    const char *why_not = NULL;

    ck_assert(!fastpath_pinned(fp, &why_not));
    ck_assert_msg(strstr(why_not, text) != NULL, "'%s' is not in '%s'", text, why_not);
    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(1), at_vtep_2, false), 0);
    fastpath_close(fp);
}

START_TEST(test_without_a_bpffs)
{
    config.dir = "/tmp";
    expect_unpinned("/tmp is not in a bpffs");
    config.dir = "/tmp/no/such/directory";
    expect_unpinned("No such file");
    config.dir = "/tmp/nosuchdirectory";
    expect_unpinned("/tmp is not in a bpffs");
    config.dir = "";
    expect_unpinned("");
    config.dir = dir;
    config.gateway = "";
    expect_unpinned("empty");
    ck_assert_int_ne(access("/tmp/nosuchdirectory", F_OK), 0);
}
END_TEST

START_TEST(test_directory_that_others_can_write)
{
    config.gateway = "paris-1";
    fastpath_close(open_fastpath());
    ck_assert_int_eq(chmod(path_of(""), 0777), 0);
    expect_unpinned("others can write there");
    ck_assert_int_eq(chmod(path_of(""), 0700), 0);
    ck_assert_int_eq(chown(path_of(""), 1, 1), 0);
    expect_unpinned("is not ours alone");
}
END_TEST

START_TEST(test_no_rights)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
        expect_open(-EPERM, "it needs root, or CAP_BPF and CAP_NET_ADMIN");
        ck_remove(-ENOENT);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- pins that are of no use
 * ---------------------------------------------------------------------------------- */

static void expect_new_maps(void)
{
    struct fastpath *fp = open_fastpath();

    ck_assert(fastpath_pinned(fp, NULL));
    ck_assert(!fastpath_taken_over(fp));
    ck_assert_uint_eq(used_macs(fp), 0);
    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(1), at_vtep_2, false), 0);
    fastpath_close(fp);
    fp = open_fastpath();
    ck_assert(fastpath_taken_over(fp));
    fastpath_close(fp);
}

static void spoil_version(void)
{
    struct fastpath *fp = open_fastpath();

    fp->maps.control->version++;
    fastpath_close(fp);
}

static void spoil_shape(void)
{
    struct fastpath *fp = open_fastpath();

    fp->maps.control->struct_sizes[1] -= 8;
    fastpath_close(fp);
}

static void spoil_missing(void)
{
    ck_assert_int_eq(unlink(path_of("fp_vtep_count")), 0);
}

/* Another map by that name. */
static void spoil_map(void)
{
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fp_topology", 4, 64, FP_TOPOLOGIES, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlink(path_of("fp_topology")), 0);
    ck_assert_int_eq(bpf_obj_pin(fd, path_of("fp_topology")), 0);
    close(fd);
}

/* The same, but it cannot be mapped. */
static void spoil_flags(void)
{
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fp_control", 4, sizeof(struct fp_control), 1, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlink(path_of("fp_control")), 0);
    ck_assert_int_eq(bpf_obj_pin(fd, path_of("fp_control")), 0);
    close(fd);
}

/* No map at all. */
static void spoil_type(void)
{
    struct bpf_insn insns[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", insns, 2, NULL);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlink(path_of("fp_fdb")), 0);
    ck_assert_int_eq(bpf_obj_pin(fd, path_of("fp_fdb")), 0);
    ck_assert_int_eq(bpf_obj_pin(fd, path_of("link_eth0")), 0);
    close(fd);
}

static void spoil_link(void)
{
    ck_assert_int_eq(unlink(path_of("fp_tx")), 0);
    ck_assert_int_eq(symlink("/etc/passwd", path_of("fp_tx")), 0);
    ck_assert_int_eq(symlink("/etc/passwd", path_of("link_eth1")), 0);
    ck_assert_int_eq(symlink("promisc", path_of("undo_1")), 0);
    ck_assert_int_eq(symlink("promisc", path_of("undo_x")), 0);
}

/* A process was killed while it gave the table another size. */
static void spoil_size(void)
{
    int fd = bpf_map_create(
        BPF_MAP_TYPE_ARRAY, "fp_bounced", 4, 8, 4096,
        &(struct bpf_map_create_opts){.sz = sizeof(struct bpf_map_create_opts), .map_flags = BPF_F_MMAPABLE});

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlink(path_of("fp_bounced")), 0);
    ck_assert_int_eq(bpf_obj_pin(fd, path_of("fp_bounced")), 0);
    close(fd);
}

static void spoil_mask(void)
{
    struct fastpath *fp = open_fastpath();

    fp->maps.control->fdb_mask = UINT32_MAX;
    fastpath_close(fp);
}

static void (*const spoilers[])(void) = {spoil_version, spoil_shape, spoil_missing, spoil_map, spoil_size,
                                         spoil_mask,    spoil_flags, spoil_type,    spoil_link};

START_TEST(test_pins_of_no_use)
{
    struct fastpath *fp = open_fastpath();

    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(9), at_vtep_2, false), 0);
    fastpath_close(fp);
    spoilers[_i]();
    expect_new_maps();
    ck_assert(!is_pinned("link_eth0"));
    ck_assert(!is_pinned("link_eth1"));
    ck_assert(!is_pinned("undo_1"));
    ck_remove(0);
    ck_assert_int_ne(access(dir, F_OK), 0);
}
END_TEST

/* A process was killed between two of the pins it made. */
START_TEST(test_half_made)
{
    for (unsigned kept = 0; kept < FASTPATH_MAPS; kept++) {
        fastpath_close(open_fastpath());
        for (unsigned i = kept; i < FASTPATH_MAPS; i++)
            ck_assert_int_eq(unlink(path_of(fastpath_map_name(i))), 0);
        fastpath_close(open_fastpath());
        ck_assert(is_pinned(fastpath_map_name(FASTPATH_CONTROL)));
    }
}
END_TEST

/* Entries that no control plane has written. */
START_TEST(test_nonsense_in_the_table)
{
    static const uint32_t wheres[] = {0,          0x0001ffff, 0x00010011, 0x00020000,
                                      0x00020400, 0x000f0001, UINT32_MAX};
    struct fastpath_cursor cursor = {0};
    struct fastpath_mac out[8];
    struct fastpath *fp = open_fastpath();

    for (unsigned i = 0; i < sizeof(wheres) / sizeof(wheres[0]); i++)
        ck_assert_int_eq(fp_table_set(&fp->maps.macs, (uint64_t)7 << 48 | (i + 1), wheres[i], 1), 0);
    ck_assert_int_eq(fp_table_set(&fp->maps.macs, 77, 0x00010001, 1), 0);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(1), at_vtep_2, false), 0);
    ck_assert_uint_eq(fastpath_fdb_next(fp, &cursor, out, 8), 1);
    ck_assert(mac_eq(out[0].mac, mac_number(1)));
    fastpath_close(fp);
}
END_TEST

START_TEST(test_another_number_of_macs)
{
    struct fastpath *fp = open_fastpath();
    mono_t at = mono_now();
    uint32_t used;

    publish(fp);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(i), at_vtep_2, false), 0);
    touch(fp, 7, mac_number(3), at.ns, 99);
    fastpath_close(fp);

    for (config.max_macs = 4096; config.max_macs >= 2048; config.max_macs /= 2) {
        fp = open_fastpath();
        ck_assert(fastpath_taken_over(fp));
        ck_assert_uint_eq(used_macs(fp), 1000);
        expect_seen(fp, 7, mac_number(3), at);
        ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, mac_number(3)), 99);
        ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, mac_number(4)), 0);
        publish(fp);
        fastpath_close(fp);
    }

    config.max_macs = 100;
    fp = open_fastpath();
    ck_assert(fastpath_taken_over(fp));
    used = used_macs(fp);
    ck_assert_uint_ge(used, 100);
    ck_assert_uint_lt(used, 1000);
    fastpath_close(fp);
    fp = open_fastpath();
    ck_assert_uint_eq(used_macs(fp), used);
    fastpath_close(fp);
}
END_TEST

/* ---- topologies
 * ---------------------------------------------------------------------------------------------- */

START_TEST(test_publish)
{
    struct fastpath *fp = open_fastpath();
    uint32_t before = fp->maps.control->active;

    ck_assert_uint_eq(before, FP_TOPOLOGIES);
    for (unsigned i = 1; i <= 20; i++) {
        network.vni = 10000 + i;
        publish(fp);
        ck_assert_uint_lt(fp->maps.control->active, FP_TOPOLOGIES);
        ck_assert_uint_ne(fp->maps.control->active, before);
        before = fp->maps.control->active;
        ck_assert_uint_eq(fastpath_topology(fp)->nets[7].vni, 10000 + i);
        ck_assert_uint_eq(fastpath_topology(fp)->generation, i);
    }
    ck_assert_uint_eq(target_of(fp, 0), 1);
    ck_assert_uint_eq(target_of(fp, 1), 1);
    ck_assert(fastpath_topology(fp)->ports[1].flags & FP_PORT_TARGET);

    /* Nothing new. */
    publish(fp);
    ck_assert_uint_eq(fp->maps.control->active, before);
    ck_assert_uint_eq(fastpath_topology(fp)->generation, 20);
    /* Refused: all is as it was. */
    network.vni = 0;
    ck_assert_int_eq(fastpath_publish(fp, &topology, ports), -EINVAL);
    ck_assert_uint_eq(fp->maps.control->active, before);
    network.vni = 10007;

    fastpath_suspend(fp);
    ck_assert_uint_eq(fp->maps.control->active, FP_TOPOLOGIES);
    publish(fp);
    ck_assert_uint_eq(fastpath_topology(fp)->nets[7].vni, 10007);
    fastpath_close(fp);
}
END_TEST

/* As many as there may be, in a row, and eight apart. */
START_TEST(test_many_vteps)
{
    static struct dp_vtep vteps[DP_MAX_VTEPS - 1];
    struct fastpath *fp = open_fastpath();
    struct dp_topology t = topology;

    for (unsigned step = 1; step <= 256; step *= 2) {
        for (unsigned i = 0; i < DP_MAX_VTEPS - 1; i++) {
            unsigned n = i * step;

            vteps[i] = vtep;
            vteps[i].id = (dp_vtep_id)(i + 1);
            vteps[i].address.b[1] = (uint8_t)(n >> 16);
            vteps[i].address.b[2] = (uint8_t)(n >> 8);
            vteps[i].address.b[3] = (uint8_t)n;
        }
        t.vteps = vteps;
        t.n_vteps = DP_MAX_VTEPS - 1;
        ck_assert_int_eq(fastpath_publish(fp, &t, ports), 0);
    }
    fastpath_close(fp);
}
END_TEST

START_TEST(test_targets_come_and_go)
{
    struct fastpath *fp = open_fastpath();

    publish(fp);
    ports[1].ifindex = 0;
    network.n_members = 0;
    publish(fp);
    ck_assert_uint_eq(target_of(fp, 1), 0);
    /* An interface that has just gone. */
    network.n_members = 1;
    ports[1].ifindex = 4711;
    log_set_level(LOG_LEVEL_ERROR);
    publish(fp);
    ck_assert_uint_eq(target_of(fp, 1), 0);
    ck_assert(!(fastpath_topology(fp)->ports[1].flags & FP_PORT_TARGET));
    ports[1].ifindex = 1;
    publish(fp);
    ck_assert_uint_eq(target_of(fp, 1), 1);
    fastpath_close(fp);
    /* The next process knows what is in the map. */
    fp = open_fastpath();
    ports[1].ifindex = 0;
    network.n_members = 0;
    publish(fp);
    ck_assert_uint_eq(target_of(fp, 1), 0);
    fastpath_close(fp);
}
END_TEST

/* ---- MACs
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(test_macs)
{
    struct fastpath *fp = open_fastpath();
    struct mac a = mac_number(1);
    mono_t seen, at = mono_now();

    ck_assert_int_eq(fastpath_fdb_del(fp, 7, a), -ENOENT);
    ck_assert(!fastpath_fdb_seen(fp, 7, a, &seen));
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, a, at_port_1, false), 0);
    ck_assert(!fastpath_fdb_seen(fp, 7, a, &seen));
    touch(fp, 7, a, at.ns, 5);
    expect_seen(fp, 7, a, at);
    ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, a), 5);
    /* A program's clock may be ahead. */
    touch(fp, 7, a, mono_now().ns + 100000000, 5);
    ck_assert(fastpath_fdb_seen(fp, 7, a, &seen));
    ck_assert_uint_le(seen.ns, mono_now().ns);

    /* The same place with another mark: the time stays. */
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, a, at_port_1, true), 0);
    ck_assert(fastpath_fdb_seen(fp, 7, a, &seen));
    /* Another place: not seen there yet; what was bounced goes on. */
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, a, at_vtep_2, false), 0);
    ck_assert(!fastpath_fdb_seen(fp, 7, a, &seen));
    ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, a), 5);
    /* Another network is another MAC. */
    ck_assert_int_eq(fastpath_fdb_del(fp, 8, a), -ENOENT);
    ck_assert_uint_eq(used_macs(fp), 1);
    ck_assert_int_eq(fastpath_fdb_del(fp, 7, a), 0);
    ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, a), 0);
    ck_assert_uint_eq(used_macs(fp), 0);
    fastpath_close(fp);
}
END_TEST

static const struct {
    struct dp_dest dest;
    bool slow;
    uint32_t where;
} marks[] = {
    {{.where = DP_WHERE_PORT, .target = 3}, false, 0x00010003},
    {{.where = DP_WHERE_VTEP, .target = 1023}, false, 0x000203ff},
    {{.where = DP_WHERE_VTEP, .target = 2}, true, 0x00020002 | FP_SLOW},
    {{.where = DP_WHERE_VTEP, .target = 2, .watch = true}, false, 0x00020002 | FP_SLOW},
    {{.where = DP_WHERE_VTEP, .target = 2, .bounce = true}, false, 0x00020002 | FP_BOUNCE},
    {{.where = DP_WHERE_PORT, .target = 2, .is_static = true}, false, 0x00010002 | FP_STATIC},
    {{.where = DP_WHERE_PORT, .target = DP_OWN_PORT}, false, 0x00010010 | FP_SLOW},
    {{.where = DP_WHERE_FLOOD, .is_static = true}, false, 0x00030000 | FP_SLOW | FP_STATIC},
};

START_TEST(test_marks)
{
    struct fastpath *fp = open_fastpath();
    uint64_t key = UINT64_C(0x0fff665544332211);
    struct mac mac = {{0x11, 0x22, 0x33, 0x44, 0x55, 0x66}};
    struct fastpath_cursor cursor = {0};
    struct fastpath_mac out[2];
    const struct fp_fdb_entry *e;

    ck_assert_int_eq(fastpath_fdb_set(fp, 4095, mac, marks[_i].dest, marks[_i].slow), 0);
    e = fp_table_find(&fp->maps.macs, key);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->where, marks[_i].where);

    ck_assert_uint_eq(fastpath_fdb_next(fp, &cursor, out, 2), 1);
    ck_assert_uint_eq(fastpath_fdb_next(fp, &cursor, out + 1, 1), 0);
    ck_assert_uint_eq(out[0].net, 4095);
    ck_assert(mac_eq(out[0].mac, mac));
    ck_assert_uint_eq(out[0].dest.where, marks[_i].dest.where);
    ck_assert_uint_eq(out[0].dest.target, marks[_i].dest.target);
    ck_assert(out[0].dest.is_static == marks[_i].dest.is_static);
    ck_assert(out[0].dest.bounce == marks[_i].dest.bounce);
    ck_assert(out[0].slow == !!(marks[_i].where & FP_SLOW));
    fastpath_close(fp);
}
END_TEST

START_TEST(test_full)
{
    struct fastpath *fp = open_fastpath();
    unsigned n = 0;

    while (n < 100000 && fastpath_fdb_set(fp, 7, mac_number(n), at_vtep_2, false) == 0)
        n++;
    ck_assert_uint_ge(n, 1024);
    ck_assert_uint_lt(n, 100000);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(n), at_vtep_2, false), -ENOSPC);
    /* Those that are there can move (R4.10). */
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(i), at_port_1, false), 0);
    ck_assert_uint_eq(used_macs(fp), n);
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(fastpath_fdb_del(fp, 7, mac_number(i)), 0);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(n), at_vtep_2, false), 0);
    fastpath_close(fp);
}
END_TEST

/* Every one is told once, also when those that were told are deleted or moved at once. */
START_TEST(test_walk_of_100000)
{
    static struct fastpath_mac out[FASTPATH_FDB_BATCH];
    struct fastpath_cursor cursor = {0};
    static uint8_t told[MANY];
    struct fastpath *fp;
    size_t n, all = 0;

    config.max_macs = MANY;
    fp = open_fastpath();
    for (unsigned i = 0; i < MANY; i++)
        ck_assert_int_eq(fastpath_fdb_set(fp, (dp_net_id)(1 + i % 50), mac_number(i), at_vtep_2, false), 0);
    while ((n = fastpath_fdb_next(fp, &cursor, out, FASTPATH_FDB_BATCH)) > 0) {
        for (size_t i = 0; i < n; i++) {
            unsigned number =
                (unsigned)out[i].mac.b[3] << 16 | (unsigned)out[i].mac.b[4] << 8 | out[i].mac.b[5];

            ck_assert_uint_lt(number, MANY);
            ck_assert_uint_eq(out[i].net, 1 + number % 50);
            ck_assert_uint_eq(told[number]++, 0);
            if (number % 2)
                ck_assert_int_eq(fastpath_fdb_del(fp, out[i].net, out[i].mac), 0);
        }
        all += n;
    }
    ck_assert_uint_eq(all, MANY);
    ck_assert_uint_eq(used_macs(fp), MANY / 2);
    fastpath_close(fp);
    fp = open_fastpath();
    ck_assert_uint_eq(used_macs(fp), MANY / 2);
    fastpath_flush(fp);
    ck_assert_uint_eq(used_macs(fp), 0);
    fastpath_close(fp);
}
END_TEST

/* ---- counters
 * ------------------------------------------------------------------------------------------------ */

/* CPU i has seen base + i. */
static void count(const struct fastpath *fp, enum fastpath_map_id map, uint32_t key, unsigned words,
                  unsigned at, uint64_t base)
{
    int cpus = libbpf_num_possible_cpus();
    uint64_t *values = calloc((size_t)cpus * words, sizeof(*values));

    ck_assert_int_eq(bpf_map_lookup_elem(fp->maps.fd[map], &key, values), 0);
    for (unsigned i = 0; i < (unsigned)cpus; i++)
        values[i * words + at] = base + i;
    ck_assert_int_eq(bpf_map_update_elem(fp->maps.fd[map], &key, values, BPF_ANY), 0);
    free(values);
}

#define WORD(type, field) (offsetof(type, field) / 8)

static void count_all(const struct fastpath *fp, uint64_t base)
{
    const unsigned net = sizeof(struct fp_net_counters) / 8, port = sizeof(struct fp_port_counters) / 8;

    count(fp, FASTPATH_NET_COUNT, 4095, net, WORD(struct fp_net_counters, access_in.frames), base);
    count(fp, FASTPATH_NET_COUNT, 4095, net, WORD(struct fp_net_counters, wan_out.bytes), base * 2);
    count(fp, FASTPATH_NET_COUNT, 4095, net, WORD(struct fp_net_counters, bounced), base * 3);
    count(fp, FASTPATH_VTEP_COUNT, 1023, 4, WORD(struct fp_vtep_counters, tx.frames), base * 4);
    count(fp, FASTPATH_PORT_COUNT, 15, port, WORD(struct fp_port_counters, rx.bytes), base * 5);
    count(fp, FASTPATH_PORT_COUNT, 15, port, WORD(struct fp_port_counters, drops), base * 6);
    count(fp, FASTPATH_PORT_COUNT, 15, port, WORD(struct fp_port_counters, punts[FP_PUNT_syn]), base * 7);
    count(fp, FASTPATH_PORT_COUNT, 15, port, WORD(struct fp_port_counters, unserved), base * 8);
    count(fp, FASTPATH_DROP_COUNT, DROP_tx_full, 1, 0, base * 9);
    count(fp, FASTPATH_DROP_COUNT, 0, 1, 0, base * 10);
}

/* step: what each CPU has counted more, in units of count_all(). */
static void check_all(const struct fastpath *fp, uint64_t step, uint64_t rest)
{
    uint64_t cpus = (uint64_t)libbpf_num_possible_cpus();
    struct dp_net_counters net;
    struct dp_vtep_counters v;
    struct dp_port_counters port;
    struct fastpath_port_work work;
    struct dp_totals totals;

    fastpath_net_counters(fp, 4095, &net);
    ck_assert_uint_eq(net.access_in[0].frames, cpus * step + rest);
    ck_assert_uint_eq(net.access_in[1].frames, 0);
    ck_assert_uint_eq(net.access_in[0].bytes, 0);
    ck_assert_uint_eq(net.wan_out[0].bytes, cpus * step * 2 + rest);
    ck_assert_uint_eq(net.bounced, cpus * step * 3 + rest);
    fastpath_vtep_counters(fp, 1023, &v);
    ck_assert_uint_eq(v.tx.frames, cpus * step * 4 + rest);
    ck_assert_uint_eq(v.rx.frames, 0);
    fastpath_port_counters(fp, 15, &port);
    ck_assert_uint_eq(port.rx.bytes, cpus * step * 5 + rest);
    ck_assert_uint_eq(port.drops, cpus * step * 6 + rest);
    ck_assert_uint_eq(port.missed, 0);
    fastpath_port_work(fp, 15, &work);
    ck_assert_uint_eq(work.punts[FP_PUNT_syn], cpus * step * 7 + rest);
    ck_assert_uint_eq(work.punts[FP_PUNT_source], 0);
    ck_assert_uint_eq(work.unserved, cpus * step * 8 + rest);
    fastpath_totals(fp, &totals);
    ck_assert_uint_eq(totals.drops[DROP_tx_full], cpus * step * 9 + rest);
    ck_assert_uint_eq(totals.drops[0], cpus * step * 10 + rest);
    ck_assert_uint_eq(totals.drops[1], 0);
}

START_TEST(test_counters)
{
    uint64_t cpus = (uint64_t)libbpf_num_possible_cpus(), rest = cpus * (cpus - 1) / 2;
    struct fastpath *fp = open_fastpath();
    struct dp_net_counters net;
    struct dp_port_counters port;

    check_all(fp, 0, 0);
    count_all(fp, 1000);
    check_all(fp, 1000, rest);
    fastpath_net_counters(fp, 4094, &net);
    ck_assert_uint_eq(net.access_in[0].frames, 0);
    fastpath_port_counters(fp, 60000, &port);
    ck_assert_uint_eq(port.rx.frames, 0);
    publish(fp);
    fastpath_close(fp);

    /* A process counts from zero. */
    fp = open_fastpath();
    check_all(fp, 0, 0);
    count_all(fp, 1500);
    check_all(fp, 500, 0);
    fastpath_close(fp);
}
END_TEST

START_TEST(test_punt_names)
{
    ck_assert_uint_le(fastpath_punt_reasons(), FASTPATH_PUNTS);
    ck_assert_str_eq(fastpath_punt_name(FP_PUNT_source), "source");
    ck_assert_ptr_nonnull(strstr(fastpath_punt_text(FP_PUNT_unknown), "not known"));
    ck_assert_str_eq(fastpath_punt_name(FASTPATH_PUNTS), "?");
    ck_assert_str_eq(fastpath_punt_text(1000), "?");
}
END_TEST

int main(void)
{
    const int n_spoilers = sizeof(spoilers) / sizeof(spoilers[0]), n_marks = sizeof(marks) / sizeof(marks[0]);
    Suite *s = suite_create("fastpath");
    TCase *t = tcase_create("maps");
    SRunner *r;
    int failed;

    if (geteuid() != 0) {
        printf("skipped: BPF and namespaces need root\n");
        return 0;
    }
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_first_open);
    tcase_add_test(t, test_take_over);
    tcase_add_test(t, test_one_process_at_a_time);
    tcase_add_test(t, test_remove);
    tcase_add_test(t, test_names);
    tcase_add_test(t, test_without_a_bpffs);
    tcase_add_test(t, test_directory_that_others_can_write);
    tcase_add_test(t, test_no_rights);
    tcase_add_loop_test(t, test_pins_of_no_use, 0, n_spoilers);
    tcase_add_test(t, test_half_made);
    tcase_add_test(t, test_nonsense_in_the_table);
    tcase_add_test(t, test_another_number_of_macs);
    tcase_add_test(t, test_publish);
    tcase_add_test(t, test_many_vteps);
    tcase_add_test(t, test_targets_come_and_go);
    tcase_add_test(t, test_macs);
    tcase_add_loop_test(t, test_marks, 0, n_marks);
    tcase_add_test(t, test_full);
    tcase_add_test(t, test_walk_of_100000);
    tcase_add_test(t, test_counters);
    tcase_add_test(t, test_punt_names);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
