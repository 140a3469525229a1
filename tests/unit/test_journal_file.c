/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The journal's file: what was written is there after a restart, whatever happened to the file meanwhile, and
 * trouble with it holds up nobody.
 */
#include "controlplane/journal_file.h"
#include "controlplane/journal_text.h"
#include "tests/unit/journal_sample.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 20

static char dir[] = "/tmp/cw-journal-XXXXXX", path[64], old[64];
static struct journal *j;
static struct journal_file *f;

static void on_closed(void *arg, const struct journal_entry *e)
{
    (void)arg;
    journal_file_add(f, e);
}

static void start(void)
{
    static const struct journal_ops ops = {NULL, on_closed};

    j = journal_new(SIZE, &ops, NULL);
    ck_assert_ptr_nonnull(j);
    f = journal_file_open(path, SIZE, j);
    ck_assert_ptr_nonnull(f);
}

static void stop(void)
{
    journal_close_all(j);
    journal_file_close(f);
    journal_free(j);
}

/* What a test that failed left behind, too. */
static void empty(void)
{
    unlink(path);
    unlink(old);
    rmdir(path);
    rmdir(old);
}

static void setup(void)
{
    empty();
    start();
}

static void teardown(void)
{
    stop();
    empty();
}

static void moves(unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        struct journal_entry e = sample(i, 100);

        journal_open(j, &e);
    }
}

/* All entries from the highest id down to the lowest, and they say what they did. */
static void expect(uint64_t highest, uint64_t lowest)
{
    const struct journal_entry *e;
    uint64_t cursor = 0;

    for (uint64_t id = highest; id >= lowest; id--) {
        struct journal_entry want = sample((unsigned)id, 100);

        e = journal_walk(j, &cursor);
        ck_assert_ptr_nonnull(e);
        want.id = id;
        ck_assert(same_entry(e, &want));
    }
    ck_assert_ptr_null(journal_walk(j, &cursor));
}

static void append(const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_APPEND);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    close(fd);
}

static unsigned lines_of(const char *file)
{
    FILE *in = fopen(file, "r");
    unsigned n = 0;
    int c;

    while (in && (c = getc(in)) != EOF)
        n += c == '\n';
    if (in)
        fclose(in);
    return n;
}

/* Something stands in the way, and for how long nobody knows. */
START_TEST(test_bounded_without_its_second_name)
{
    ck_assert_int_eq(mkdir(old, 0755), 0);
    for (unsigned i = 0; i < 10 * SIZE; i++) {
        moves(1 + i, 1);
        ck_assert_uint_le(lines_of(path), 2 * SIZE);
    }
    ck_assert_uint_eq(journal_file_stats(f).failed, 0);
    ck_assert_uint_gt(lines_of(path), 0);
    ck_assert_int_eq(rmdir(old), 0);
    moves(1 + 10 * SIZE, 2 * SIZE);
    ck_assert_uint_le(lines_of(path), SIZE);
    ck_assert_uint_gt(lines_of(old), 0);
    stop();
    start();
    expect(12 * SIZE, 12 * SIZE - SIZE + 1);
}
END_TEST

START_TEST(test_survives_a_restart)
{
    struct stat st;

    moves(1, 5);
    stop();
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    start();
    expect(5, 1);
    ck_assert_uint_eq(journal_file_stats(f).read, 5);
    moves(6, 2);
    stop();
    start();
    expect(7, 1);
}
END_TEST

/* One MAC moves again while the entry of another one is still open: that one is written first. */
START_TEST(test_closed_in_another_order_than_opened)
{
    struct journal_entry e = sample(2, 100);

    moves(1, 2);
    journal_open(j, &e);
    ck_assert_uint_eq(journal_file_stats(f).written, 1);
    stop();
    start();
    ck_assert_uint_eq(journal_count(j), 3);
    ck_assert_uint_eq(journal_last_id(j), 3);
    moves(4, 1);
    for (uint64_t id = 4, cursor = 0; id > 0; id--)
        ck_assert_uint_eq(journal_walk(j, &cursor)->id, id);
}
END_TEST

START_TEST(test_bounded_by_rotation)
{
    for (unsigned i = 0; i < 10; i++) {
        moves(1 + i * 9, 9);
        stop();
        ck_assert_uint_le(lines_of(path), SIZE);
        ck_assert_uint_le(lines_of(old), SIZE);
        start();
    }
    /* The ring is full of the last ones, over both files. */
    expect(90, 90 - SIZE + 1);
}
END_TEST

/* The machine went down within a line. */
START_TEST(test_torn_last_line)
{
    struct stat st;

    moves(1, 3);
    stop();
    ck_assert_int_eq(truncate(path, 1300), 0);
    start();
    ck_assert_uint_eq(journal_file_stats(f).read, 2);
    ck_assert_uint_eq(journal_file_stats(f).garbage, 1);
    moves(3, 1); /* on a line of its own */
    stop();
    start();
    expect(3, 1);
    stop();
    /* All of it but the newline. */
    ck_assert_int_eq(truncate(path, 0), 0);
    start();
    moves(1, 1);
    stop();
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size - 1), 0);
    start();
    expect(1, 1);
    moves(2, 1);
    stop();
    start();
    expect(2, 1);
}
END_TEST

START_TEST(test_garbage)
{
    static char noise[300000];

    srand(_i + 1);
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (char)(_i ? rand() : "{\"id\":12,[]}\n"[i % 13]);
    if (_i == 2)
        memset(noise, 'x', sizeof(noise)); /* a line without end */
    moves(1, 2);
    stop();
    append(noise, sizeof(noise));
    start();
    ck_assert_uint_gt(journal_file_stats(f).garbage, 0);
    /* More garbage than a full file may have: only its end is looked at. */
    ck_assert_uint_le(journal_count(j), 2);
    moves(journal_last_id(j) ? 3 : 1, 1);
    stop();
    start();
    ck_assert_uint_gt(journal_count(j), 0);
}
END_TEST

static void no_more_than(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* While it runs: what the file has stays there, is not taken in, and counts for its rotation. */
START_TEST(test_goes_on_in_another_file)
{
    moves(1, SIZE - 1);
    stop();
    start();
    journal_file_close(f);
    f = journal_file_append(path, SIZE);
    ck_assert_ptr_nonnull(f);
    ck_assert_str_eq(journal_file_path(f), path);
    expect(SIZE - 1, 1);
    moves(SIZE, 2);
    stop();
    ck_assert_uint_eq(lines_of(old), SIZE);
    ck_assert_uint_eq(lines_of(path), 1);
    start();
    expect(SIZE + 1, 2);
}
END_TEST

START_TEST(test_full_disk)
{
    moves(1, 2);
    journal_close_all(j);
    /* In the middle of the next line. */
    no_more_than((rlim_t)(lseek(open(path, O_RDONLY), 0, SEEK_END) + 100));
    moves(3, 2);
    journal_close_all(j);
    ck_assert_uint_eq(journal_file_stats(f).written, 2);
    ck_assert_uint_eq(journal_file_stats(f).failed, 2);
    no_more_than(RLIM_INFINITY);
    moves(5, 1);
    stop();
    start();
    ck_assert_uint_eq(journal_file_stats(f).read, 3);
    ck_assert_uint_eq(journal_file_stats(f).garbage, 1);
    ck_assert_uint_eq(journal_last_id(j), 5);
}
END_TEST

START_TEST(test_not_a_file)
{
    stop();
    ck_assert_int_eq(unlink(path), 0);
    if (_i == 0)
        ck_assert_int_eq(mkfifo(path, 0600), 0);
    else
        ck_assert_int_eq(mkdir(path, 0700), 0);
    start();
    moves(1, 3);
    journal_close_all(j);
    ck_assert_uint_eq(journal_file_stats(f).failed, 3);
    ck_assert_uint_eq(journal_count(j), 3);
    /* Mended while it runs. */
    ck_assert_int_eq(_i == 0 ? unlink(path) : rmdir(path), 0);
    moves(4, 1);
    stop();
    start();
    ck_assert_uint_eq(journal_last_id(j), 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal_file");
    TCase *c = tcase_create("file");
    SRunner *r = srunner_create(s);
    int failed;

    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    snprintf(path, sizeof(path), "%s/moves", dir);
    snprintf(old, sizeof(old), "%s/moves.1", dir);
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, test_bounded_without_its_second_name);
    tcase_add_test(c, test_survives_a_restart);
    tcase_add_test(c, test_closed_in_another_order_than_opened);
    tcase_add_test(c, test_bounded_by_rotation);
    tcase_add_test(c, test_torn_last_line);
    tcase_add_loop_test(c, test_garbage, 0, 3);
    tcase_add_test(c, test_goes_on_in_another_file);
    tcase_add_test(c, test_full_disk);
    tcase_add_loop_test(c, test_not_a_file, 0, 2);
    suite_add_tcase(s, c);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    empty();
    rmdir(dir);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
