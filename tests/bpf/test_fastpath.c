/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The fast path's maps over the years: pinned, taken over, refused, made anew. Topologies, MACs and counters
 * are in test_fastpath_tables.c, programs on interfaces in test_fastpath_ports.c.
 */
#include "tests/bpf/child.h"
#include "tests/bpf/fastpath_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static const char *path_of(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s/%s", world_dir, world_config.gateway, name);
    return path;
}

static bool is_pinned(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static void expect_open(int want, const char *text)
{
    struct fastpath *fp = NULL;
    int rc;

    world_err[0] = '\0';
    rc = fastpath_open(&world_config, &fp, world_err, sizeof(world_err));
    ck_assert_msg(rc == want, "%d, not %d: %s", rc, want, world_err);
    ck_assert_msg(strstr(world_err, text) != NULL, "'%s' is not in '%s'", text, world_err);
}

/* ---- pins
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(test_first_open)
{
    struct fastpath *fp = world_open();
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
    struct fastpath *fp = world_open();
    struct fastpath_kept kept;

    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(1), at_vtep_2, false), 0);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(2), at_port_1, false), 0);
    touch(fp, 7, mac_number(2), at.ns, 0);
    fastpath_close(fp);

    fp = world_open();
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

/* One that ends between letting the old topology go and saying the new one: nobody knows what the ids of the
 * MACs mean any more. */
START_TEST(test_ended_while_suspended)
{
    struct fastpath *fp = world_open();

    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(1), at_vtep_2, false), 0);
    fastpath_suspend(fp);
    fastpath_close(fp);

    fp = world_open();
    ck_assert(!fastpath_taken_over(fp));
    ck_assert_uint_eq(used_macs(fp), 0);
    fastpath_close(fp);
}
END_TEST

static void hold(void)
{
    (void)world_open();
}

START_TEST(test_one_process_at_a_time)
{
    pid_t pid = child_start(hold);

    expect_open(-EBUSY, "/causeway/paris-1 is used by another process");
    world_remove(-EBUSY);
    world_config.gateway = "paris-2";
    fastpath_close(world_open());
    world_config.gateway = "paris-1";
    child_kill(pid);
    fastpath_close(world_open());
}
END_TEST

START_TEST(test_remove)
{
    world_remove(-ENOENT);
    fastpath_close(world_open());
    world_config.gateway = "paris-2";
    fastpath_close(world_open());
    world_remove(0);
    world_remove(-ENOENT);
    world_config.gateway = "paris-1";
    ck_assert(is_pinned("fp_control"));
    world_remove(0);
    ck_assert_int_ne(access(world_dir, F_OK), 0);
}
END_TEST

/* A bpffs takes no dots, and a path no slashes. */
START_TEST(test_names)
{
    static const char *const names[] = {"paris.example.com", "..", "a/b", "\xc3\xa9t\xc3\xa9", "%2e", "next"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        world_config.gateway = names[i];
        fastpath_close(world_open());
    }
    ck_assert_int_eq(system("test $(ls /sys/fs/bpf/causeway | wc -l) = 6"), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        world_config.gateway = names[i];
        world_remove(0);
    }
}
END_TEST

static void expect_unpinned(const char *text)
{
    struct fastpath *fp = world_open();
    const char *why_not = NULL;

    ck_assert(!fastpath_pinned(fp, &why_not));
    ck_assert_msg(strstr(why_not, text) != NULL, "'%s' is not in '%s'", text, why_not);
    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(1), at_vtep_2, false), 0);
    fastpath_close(fp);
}

START_TEST(test_without_a_bpffs)
{
    world_config.dir = "/tmp";
    expect_unpinned("/tmp is not in a bpffs");
    world_config.dir = "/tmp/no/such/directory";
    expect_unpinned("No such file");
    world_config.dir = "/tmp/nosuchdirectory";
    expect_unpinned("/tmp is not in a bpffs");
    world_config.dir = "";
    expect_unpinned("");
    world_config.dir = world_dir;
    world_config.gateway = "";
    expect_unpinned("empty");
    ck_assert_int_ne(access("/tmp/nosuchdirectory", F_OK), 0);
}
END_TEST

START_TEST(test_directory_that_others_can_write)
{
    world_config.gateway = "paris-1";
    fastpath_close(world_open());
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
        world_remove(-ENOENT);
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
    struct fastpath *fp = world_open();

    ck_assert(fastpath_pinned(fp, NULL));
    ck_assert(!fastpath_taken_over(fp));
    ck_assert_uint_eq(used_macs(fp), 0);
    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(1), at_vtep_2, false), 0);
    fastpath_close(fp);
    fp = world_open();
    ck_assert(fastpath_taken_over(fp));
    fastpath_close(fp);
}

static void spoil_version(void)
{
    struct fastpath *fp = world_open();

    fp->maps.control->version++;
    fastpath_close(fp);
}

static void spoil_shape(void)
{
    struct fastpath *fp = world_open();

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
        BPF_MAP_TYPE_ARRAY, "fp_bounced", 4, 8, 1234,
        &(struct bpf_map_create_opts){.sz = sizeof(struct bpf_map_create_opts), .map_flags = BPF_F_MMAPABLE});

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlink(path_of("fp_bounced")), 0);
    ck_assert_int_eq(bpf_obj_pin(fd, path_of("fp_bounced")), 0);
    close(fd);
}

static void spoil_mask(void)
{
    struct fastpath *fp = world_open();

    fp->maps.control->fdb_mask = UINT32_MAX;
    fastpath_close(fp);
}

static void spoil_vteps(void)
{
    struct fastpath *fp = world_open();
    struct fp_topology *t = &fp->maps.topologies[fp->maps.control->active];

    t->vteps[9] = t->vteps[2];
    fastpath_close(fp);
}

static void spoil_networks(void)
{
    struct fastpath *fp = world_open();
    struct fp_topology *t = &fp->maps.topologies[fp->maps.control->active];

    t->nets[9] = t->nets[7];
    fastpath_close(fp);
}

static void (*const spoilers[])(void) = {spoil_version, spoil_shape, spoil_missing, spoil_map,
                                         spoil_size,    spoil_mask,  spoil_flags,   spoil_type,
                                         spoil_link,    spoil_vteps, spoil_networks};

START_TEST(test_pins_of_no_use)
{
    struct fastpath *fp = world_open();

    publish(fp);
    ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(9), at_vtep_2, false), 0);
    fastpath_close(fp);
    spoilers[_i]();
    expect_new_maps();
    ck_assert(!is_pinned("link_eth0"));
    ck_assert(!is_pinned("link_eth1"));
    ck_assert(!is_pinned("undo_1"));
    world_remove(0);
    ck_assert_int_ne(access(world_dir, F_OK), 0);
}
END_TEST

/* A process was killed between two of the pins it made. */
START_TEST(test_half_made)
{
    for (unsigned kept = 0; kept < FASTPATH_MAPS; kept++) {
        fastpath_close(world_open());
        for (unsigned i = kept; i < FASTPATH_MAPS; i++)
            ck_assert_int_eq(unlink(path_of(fastpath_map_name(i))), 0);
        fastpath_close(world_open());
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
    struct fastpath *fp = world_open();

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
    struct fastpath *fp = world_open();
    mono_t at = mono_now();
    uint32_t used;

    publish(fp);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(fastpath_fdb_set(fp, 7, mac_number(i), at_vtep_2, false), 0);
    touch(fp, 7, mac_number(3), at.ns, 99);
    fastpath_close(fp);

    for (world_config.max_macs = 4096; world_config.max_macs >= 2048; world_config.max_macs /= 2) {
        fp = world_open();
        ck_assert(fastpath_taken_over(fp));
        ck_assert_uint_eq(used_macs(fp), 1000);
        expect_seen(fp, 7, mac_number(3), at);
        ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, mac_number(3)), 99);
        ck_assert_uint_eq(fastpath_fdb_bounced(fp, 7, mac_number(4)), 0);
        publish(fp);
        fastpath_close(fp);
    }

    world_config.max_macs = 100;
    fp = world_open();
    ck_assert(fastpath_taken_over(fp));
    used = used_macs(fp);
    ck_assert_uint_ge(used, 100);
    ck_assert_uint_lt(used, 1000);
    fastpath_close(fp);
    fp = world_open();
    ck_assert_uint_eq(used_macs(fp), used);
    fastpath_close(fp);
}
END_TEST

int main(void)
{
    const int n_spoilers = sizeof(spoilers) / sizeof(spoilers[0]);
    Suite *s = suite_create("fastpath");
    TCase *t = tcase_create("pins");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, world_setup, NULL);
    tcase_add_test(t, test_first_open);
    tcase_add_test(t, test_take_over);
    tcase_add_test(t, test_ended_while_suspended);
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
    suite_add_tcase(s, t);
    return world_run(s);
}
