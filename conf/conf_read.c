/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See conf_read.h. Any thread.
 */
#include "conf/conf_read.h"

#include <ctype.h>
#include <stdlib.h>

struct conf_marks_slot {
    const void *field; /* NULL: free */
    const struct conf_node *node;
    bool good;
};

/* ---- which node a field came from: open addressing, never full, nothing is ever removed */

static struct conf_marks_slot *slot_of(const struct conf_marks *m, const void *field)
{
    size_t i = (size_t)(((uintptr_t)field * 0x9e3779b97f4a7c15u) >> 20) & (m->n_slots - 1);

    while (m->slots[i].field && m->slots[i].field != field)
        i = (i + 1) & (m->n_slots - 1);
    return &m->slots[i];
}

static void mark(struct conf_reader *r, const void *field, const struct conf_node *n, bool good)
{
    *slot_of(&r->marks, field) = (struct conf_marks_slot){field, n, good};
}

const struct conf_node *conf_marked(const struct conf_marks *m, const void *field)
{
    const struct conf_marks_slot *s = slot_of(m, field);

    return s->field && s->good ? s->node : NULL;
}

bool conf_marked_bad(const struct conf_marks *m, const void *field)
{
    const struct conf_marks_slot *s = slot_of(m, field);

    return s->field && !s->good;
}

bool conf_reader_init(struct conf_reader *r, struct conf_report *report, const struct conf_tree *tree)
{
    size_t n = 64;

    while (n < tree->n_nodes * 2)
        n *= 2;
    *r = (struct conf_reader){.report = report, .marks.n_slots = n};
    r->marks.slots = calloc(n, sizeof(*r->marks.slots));
    return r->marks.slots != NULL;
}

void conf_reader_free(struct conf_reader *r)
{
    free(r->marks.slots);
    r->marks = (struct conf_marks){0};
}

/* ---- messages */

/* Appends to text, a buffer of CONF_EXPECT_LEN. */
static void append(char *text, const char *more)
{
    size_t n = strlen(text);

    snprintf(text + n, CONF_EXPECT_LEN - n, "%s", more);
}

/* What would be right for this field. */
const char *conf_expected(const struct conf_field *f, char buf[CONF_EXPECT_LEN])
{
    bool numbers = f->read == conf_read_number && f->min <= f->max;

    buf[0] = '\0';
    if (f->expect)
        append(buf, f->expect);
    else if (f->read == conf_read_map)
        append(buf, "a mapping (KEY: VALUE lines, indented)");
    else if (f->read == conf_read_list)
        append(buf, "a list (lines that start with -, or [...])");
    if (f->expect || f->read != conf_read_number)
        return buf;
    if (numbers)
        snprintf(buf, CONF_EXPECT_LEN, "a whole number from %lld to %lld", (long long)f->min,
                 (long long)f->max);
    for (const struct conf_word *w = f->words; w && w->text; w++) {
        if (buf[0])
            append(buf, w[1].text ? ", " : " or ");
        append(buf, w->text);
    }
    return buf;
}

bool conf_refuse(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f)
{
    char found[CONF_QUOTE_LEN], expect[CONF_EXPECT_LEN];

    conf_report_add(r->report, n->at, "%s: found %s, expected %s", f->key, conf_node_describe(n, found),
                    conf_expected(f, expect));
    return false;
}

const char *conf_scalar(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f,
                        size_t *len)
{
    if (n->kind != CONF_NODE_SCALAR || conf_node_is_null(n)) {
        conf_refuse(r, n, f);
        return NULL;
    }
    *len = n->len;
    return n->text;
}

/* ---- numbers and words */

static void store(void *out, size_t size, int64_t value)
{
    if (size == sizeof(uint8_t))
        *(uint8_t *)out = (uint8_t)value;
    else if (size == sizeof(uint16_t))
        *(uint16_t *)out = (uint16_t)value;
    else
        *(uint32_t *)out = (uint32_t)value; /* int and enum as well */
}

/* True for an optional minus and digits. The value stays within +-10^17, far beyond any range here. */
static bool whole_number(const char *text, int64_t *out)
{
    bool minus = *text == '-';
    int64_t v = 0;

    text += minus;
    if (*text == '\0')
        return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        if (v < 10000000000000000)
            v = v * 10 + (*text - '0');
    }
    *out = minus ? -v : v;
    return true;
}

bool conf_read_number(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    char expect[CONF_EXPECT_LEN], found[CONF_QUOTE_LEN];
    size_t len;
    const char *text = conf_scalar(r, n, f, &len);
    const char *digits;
    int64_t v;

    if (!text)
        return false;
    for (const struct conf_word *w = f->words; w && w->text; w++) {
        if (strlen(w->text) == len && memcmp(w->text, text, len) == 0) {
            store(out, f->size, w->value);
            return true;
        }
    }
    if (f->min > f->max || strlen(text) != len || !whole_number(text, &v))
        return conf_refuse(r, n, f);
    digits = text + (*text == '-');
    conf_expected(f, expect);
    conf_quote(text, len, found);
    if (n->quoted)
        conf_report_add(r->report, n->at, "%s: found %s in quotes, expected %s, without quotes", f->key,
                        found, expect);
    else if (digits[0] == '0' && digits[1] != '\0') /* YAML 1.1 takes 010 for 8 */
        conf_report_add(r->report, n->at, "%s: found %s, expected %s, without leading zeros", f->key, found,
                        expect);
    else if (v < f->min || v > f->max)
        conf_report_add(r->report, n->at, "%s: %s is out of range, expected %s", f->key, text, expect);
    else
        return store(out, f->size, v), true;
    return false;
}

/* ---- lists */

bool conf_read_list(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    const struct conf_field *item = f->item;
    size_t *count = (size_t *)((char *)out - f->offset + f->count_offset);
    size_t wanted = n->n;
    char *array;

    if (n->kind != CONF_NODE_LIST)
        return conf_refuse(r, n, f);
    if (wanted < (size_t)f->min) {
        conf_report_add(r->report, n->at, "%s: the list is empty, give at least one%s", f->key,
                        f->required ? "" : " or leave the key out");
        return false;
    }
    if (wanted > (size_t)f->max)
        wanted = (size_t)f->max;
    if (wanted == 0)
        return true;
    array = calloc(wanted, item->size);
    if (!array) {
        conf_report_add(r->report, n->at, "not enough memory to read the file, free some");
        return false;
    }
    memcpy(out, &array, sizeof(array));
    *count = wanted;
    for (const struct conf_node *c = n->first; c && !conf_report_full(r->report);
         c = c->next, wanted--, array += item->size) {
        bool good;

        if (wanted == 0) {
            conf_report_add(r->report, c->at, "%s: more than %lld, which is the most there may be", f->key,
                            (long long)f->max);
            return false;
        }
        if (item->map && item->map->init)
            item->map->init(array);
        good = c->kind != CONF_NODE_BAD && item->read(r, c, item, array);
        if (!item->map)
            mark(r, array, c, good);
    }
    return true;
}

/* ---- mappings */

/* One mapping while it is read. */
struct map_state {
    const struct conf_schema *schema;
    const struct conf_node *key[64]; /* where each field was given */
    uint64_t excused; /* missing, but an unknown key looks like a misspelt one: one mistake, not two */
};

static size_t field_index(const struct conf_schema *s, const struct conf_node *key)
{
    size_t i = 0;

    while (i < s->n_fields &&
           (strlen(s->fields[i].key) != key->len || memcmp(s->fields[i].key, key->text, key->len) != 0))
        i++;
    return i;
}

static void unknown_key(struct conf_reader *r, struct map_state *st, const struct conf_node *key)
{
    const struct conf_schema *s = st->schema;
    char found[CONF_QUOTE_LEN], known[512] = "", hint[64] = "";
    unsigned best = 99;
    size_t best_i = 0;

    for (size_t i = 0; i < s->n_fields; i++) {
        unsigned d = conf_edit_distance(key->text, s->fields[i].key);
        size_t n = strlen(known);

        if (d < best) {
            best = d;
            best_i = i;
        }
        snprintf(known + n, sizeof(known) - n, "%s%s", i ? ", " : "", s->fields[i].key);
    }
    /* Near enough to be a slip: every third character wrong at most, and one even in a short word. */
    if (best <= 1 || best <= strlen(s->fields[best_i].key) / 3) {
        snprintf(hint, sizeof(hint), "did you mean \"%s\"? ", s->fields[best_i].key);
        st->excused |= UINT64_C(1) << best_i;
    }
    conf_report_add(r->report, key->at, "unknown key %s in %s, %sknown here: %s",
                    conf_quote(key->text, key->len, found), s->what, hint, known);
}

static void read_pair(struct conf_reader *r, struct map_state *st, const struct conf_node *key,
                      const struct conf_node *value, char *out)
{
    const struct conf_field *f;
    size_t i;
    bool good;

    if (key->kind == CONF_NODE_BAD)
        return;
    if (key->kind != CONF_NODE_SCALAR) {
        conf_report_add(r->report, key->at,
                        "a list or mapping where a key should be, expected KEY: VALUE in %s",
                        st->schema->what);
        return;
    }
    i = field_index(st->schema, key);
    if (i == st->schema->n_fields) {
        unknown_key(r, st, key);
        return;
    }
    f = &st->schema->fields[i];
    if (st->key[i]) {
        conf_report_add(r->report, key->at, "%s is given twice in %s (first on line %u), keep one", f->key,
                        st->schema->what, st->key[i]->at.line);
        return;
    }
    st->key[i] = key;
    good = value->kind != CONF_NODE_BAD && f->read(r, value, f, out + f->offset);
    if (f->there_offset) {
        *(bool *)(out + f->there_offset) = true;
        mark(r, out + f->there_offset, value, good);
    } else if (!f->map || (f->size && value->kind == CONF_NODE_SCALAR)) {
        /* A mapping's address is that of its first field, too. */
        mark(r, out + f->offset, value, good);
    }
}

static bool is_one_of(const char *const *keys, const char *key)
{
    while (*keys && strcmp(*keys, key) != 0)
        keys++;
    return *keys != NULL;
}

static void check_one_of(struct conf_reader *r, const struct map_state *st, const struct conf_node *n,
                         char *out)
{
    const struct conf_schema *s = st->schema;
    char names[128] = "";
    size_t first = s->n_fields;
    bool excused = false;

    for (const char *const *k = s->one_of; *k; k++) {
        size_t len = strlen(names);

        snprintf(names + len, sizeof(names) - len, "%s%s", len ? (k[1] ? ", " : " or ") : "", *k);
    }
    for (size_t i = 0; i < s->n_fields; i++) {
        const struct conf_node *a = first < s->n_fields ? st->key[first] : NULL, *b = st->key[i];

        if (!is_one_of(s->one_of, s->fields[i].key))
            continue;
        excused |= st->excused >> i & 1;
        if (a && b) {
            const struct conf_node *late = conf_mark_before(a->at, b->at) ? b : a;

            /* Which one is meant is unknown: neither is judged further. */
            mark(r, out + s->fields[first].offset, n, false);
            mark(r, out + s->fields[i].offset, n, false);
            conf_report_add(r->report, late->at, "%s and %s are both given in %s, keep one of them",
                            late == a ? b->text : a->text, late->text, s->what);
        }
        if (b)
            first = i;
    }
    if (first == s->n_fields && !excused)
        conf_report_add(r->report, n->at, "%s is missing in %s, give exactly one", names, s->what);
}

bool conf_read_map(struct conf_reader *r, const struct conf_node *n, const struct conf_field *f, void *out)
{
    struct map_state st = {.schema = f->map};
    char expect[CONF_EXPECT_LEN];

    if (n->kind != CONF_NODE_MAP)
        return conf_refuse(r, n, f);
    for (const struct conf_node *key = n->first; key && key->next && !conf_report_full(r->report);
         key = key->next->next)
        read_pair(r, &st, key, key->next, out);
    for (size_t i = 0; i < f->map->n_fields; i++) {
        const struct conf_field *g = &f->map->fields[i];

        if (g->required && !st.key[i] && !(st.excused >> i & 1))
            conf_report_add(r->report, n->at, "%s is missing in %s, expected %s: %s", g->key, f->map->what,
                            g->key, conf_expected(g, expect));
    }
    if (f->map->one_of)
        check_one_of(r, &st, n, out);
    return true;
}
