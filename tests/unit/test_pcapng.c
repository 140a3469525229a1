/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pcapng, read back block by block: lengths at both ends, padding, options.
 */
#include "controlplane/pcapng.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/suite.h"

static char *file;
static size_t len;

static uint32_t word(size_t at)
{
    uint32_t v;

    ck_assert_uint_le(at + 4, len);
    memcpy(&v, file + at, 4);
    return v;
}

/* Blocks follow each other to the end, each as long as both of its lengths say. Returns how many of a type.
 */
static unsigned blocks(uint32_t type)
{
    unsigned n = 0;

    for (size_t at = 0; at < len; at += word(at + 4)) {
        uint32_t size = word(at + 4);

        ck_assert_uint_eq(size % 4, 0);
        ck_assert_uint_ge(size, 12);
        ck_assert_uint_eq(word(at + size - 4), size);
        n += word(at) == type;
    }
    return n;
}

START_TEST(test_all_lengths)
{
    uint8_t data[70];
    char comment[40] = "";
    FILE *f = open_memstream(&file, &len);

    memset(data, 0xab, sizeof(data));
    ck_assert(pcapng_section(f, "test") && pcapng_interface(f, "lan0", 256) && pcapng_interface(f, "", 1));
    for (uint32_t n = 0; n <= sizeof(data); n++) {
        struct pcapng_packet p = {.interface = n % 2,
                                  .unix_ns = UINT64_C(0x123456789abcdef0),
                                  .len = n + 7,
                                  .snapped = n,
                                  .data = data,
                                  .direction = n % 3,
                                  .comment = comment};

        ck_assert(pcapng_packet(f, &p));
        if (n < sizeof(comment) - 1)
            comment[n] = 'c';
    }
    fclose(f);
    ck_assert_uint_eq(blocks(0x0a0d0d0au), 1);
    ck_assert_uint_eq(blocks(1), 2);
    ck_assert_uint_eq(blocks(6), sizeof(data) + 1);
    ck_assert_uint_eq(word(8), 0x1a2b3c4du);
    free(file);
}
END_TEST

START_TEST(test_packet)
{
    static const uint8_t data[5] = {1, 2, 3, 4, 5};
    FILE *f = open_memstream(&file, &len);

    ck_assert(pcapng_packet(f, &(struct pcapng_packet){.interface = 3,
                                                       .unix_ns = UINT64_C(0x100000002),
                                                       .len = 60,
                                                       .snapped = 5,
                                                       .data = data,
                                                       .direction = PCAPNG_OUTBOUND,
                                                       .comment = "why"}));
    fclose(f);
    ck_assert_uint_eq(word(8), 3);
    ck_assert_uint_eq(word(12), 1); /* high half first */
    ck_assert_uint_eq(word(16), 2);
    ck_assert_uint_eq(word(20), 5);
    ck_assert_uint_eq(word(24), 60);
    ck_assert_mem_eq(file + 28, "\1\2\3\4\5\0\0\0", 8);
    ck_assert_mem_eq(file + 36, "\2\0\4\0\2\0\0\0", 8); /* flags: outbound */
    ck_assert_mem_eq(file + 44, "\1\0\3\0why\0\0\0\0\0", 12);
    free(file);
}
END_TEST

START_TEST(test_no_room)
{
    FILE *f = fopen("/dev/full", "w");

    ck_assert_ptr_nonnull(f);
    setvbuf(f, NULL, _IONBF, 0);
    ck_assert(!pcapng_section(f, "test"));
    ck_assert(!pcapng_interface(f, "x", 1));
    fclose(f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcapng");
    TCase *t = tcase_create("pcapng");

    tcase_add_test(t, test_all_lengths);
    tcase_add_test(t, test_packet);
    tcase_add_test(t, test_no_room);
    suite_add_tcase(s, t);
    return run_suite(s);
}
