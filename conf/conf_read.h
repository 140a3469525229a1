/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reads a YAML tree into C structs by tables: one line of a table is one key. Reports unknown, double,
 * missing and mistyped keys and numbers out of range, and goes on with the rest. What a value looks like
 * beyond numbers and words is conf_value.h's business, which values fit together conf_check.h's.
 *
 * While it reads it remembers for every value which node it came from (conf_marks), so that later checks can
 * point there. Inside conf/ only; any thread.
 */
#ifndef CONF_CONF_READ_H
#define CONF_CONF_READ_H

#include "conf/conf_tree.h"

/* Which node each field of the structs was read from, by the field's address. */
struct conf_marks {
    struct conf_marks_slot *slots;
    size_t n_slots; /* a power of two, more than there are nodes */
};

struct conf_reader {
    struct conf_report *report;
    struct conf_marks marks;
};

struct conf_word {
    const char *text;
    int64_t value;
};

struct conf_field;

/* Reads node n, which is never CONF_NODE_BAD, into *out; reports what is wrong. True when *out now holds the
 * value. */
typedef bool conf_read_fn(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                          void *out);

struct conf_field {
    const char *key; /* of an item of a list: what the item is called in messages */
    conf_read_fn *read;
    size_t offset, size;           /* of the value in its struct; an item of a list has only a size. mappings:
                                      of the one word that may stand for them; 0: none may */
    const char *expect;            /* what would be right; numbers say it themselves */
    int64_t min, max;              /* numbers: the range. lists: how many items */
    const struct conf_word *words; /* numbers: words that are taken as well, ended by NULL */
    const struct conf_field *item; /* lists */
    size_t count_offset;           /* lists: of the size_t that counts the items */
    size_t there_offset;           /* mappings: of a bool that says it is there, and is marked; 0: none */
    const struct conf_schema *map; /* mappings */
    bool required;
};

/* The keys of one mapping, at most 64. */
struct conf_schema {
    const char *what; /* "a network" */
    const struct conf_field *fields;
    size_t n_fields;
    const char *const *one_of; /* keys of which exactly one must be there, ended by NULL */
    void (*init)(void *out);   /* defaults, before a list's item is read */
};

bool conf_reader_init(struct conf_reader *r, struct conf_report *report, const struct conf_tree *tree);
void conf_reader_free(struct conf_reader *r);

conf_read_fn conf_read_map; /* f->map */
conf_read_fn
    conf_read_list; /* f->item; *out is the array's pointer. Allocates; the caller's conf_free() frees */
conf_read_fn conf_read_number; /* whole number or one of f->words, into an integer of f->size */

/* For readers of their own: the text of a scalar that is not null, else NULL and a report. *len is without
 * the NUL. */
const char *conf_scalar(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                        size_t *len);
#define CONF_EXPECT_LEN 256

/* What f takes: "a whole number from 1 to 16, or auto". */
const char *conf_expected(const struct conf_field *f, char buf[CONF_EXPECT_LEN]);
/* Reports "KEY: found X, expected what f says"; returns false. */
bool conf_refuse(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f);

/* The node that this field was read from; NULL when the file does not give it or gives it wrong. */
const struct conf_node *conf_marked(const struct conf_marks *m, const void *field);
/* True when the file gives the field, but not as a valid value. */
bool conf_marked_bad(const struct conf_marks *m, const void *field);

#endif
