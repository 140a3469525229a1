/* SPDX-License-Identifier: BSD-3-Clause
 *
 * YAML text to a tree, from libfyaml's event stream: with events nothing in the library recurses on the
 * nesting of the file, and aliases stay names. The tree lives in an arena and copies its text.
 *
 * Tricky: marks of libfyaml 0.7 need mending. An empty value has none, a quoted scalar's is behind the quote,
 * an anchor's behind the ampersand, and that of a one-pair flow mapping ([a: b]) is behind its key. Any
 * thread.
 */
#include "conf/conf_tree.h"

#include "conf/utf8.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_DEPTH      16      /* the deepest configuration has 7 */
#define MAX_NODES      2000000 /* 4,094 networks and 131,072 static MACs have 800,000 */
#define MAX_SKIP       64      /* deeper than MAX_DEPTH; the library takes 400 bytes for each, without end */
#define MAX_BRACKETS   4096    /* in comments, too */
#define MAX_COMPLAINTS 20      /* of the library: the first is the mistake, more are seldom news */
#define MAX_ESCAPES    2
#define BLOCK_SIZE     65536u

struct conf_block {
    struct conf_block *next;
    size_t used, size;
    char data[] __attribute__((aligned(16)));
};

struct builder {
    struct conf_tree *tree;
    struct conf_report *report;
    struct fy_parser *parser;
    const char *yaml; /* the text itself */
    size_t len;
    struct conf_node *open[MAX_DEPTH]; /* the lists and maps around the next node */
    unsigned depth;
    unsigned skip; /* levels open inside a refused one */
    unsigned documents;
    bool failed;           /* the tree is not whole */
    struct conf_mark last; /* where the last node with a mark was */
};

static void *arena_alloc(struct conf_tree *tree, size_t size)
{
    struct conf_block *b = tree->blocks;
    void *p;

    size = (size + 15) & ~(size_t)15;
    if (!b || b->size - b->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

        b = malloc(sizeof(*b) + room);
        if (!b)
            return NULL;
        *b = (struct conf_block){.next = tree->blocks, .size = room};
        tree->blocks = b;
    }
    p = b->data + b->used;
    b->used += size;
    return p;
}

const char *conf_yaml_version(void)
{
    return fy_library_version();
}

void conf_tree_free(struct conf_tree *tree)
{
    while (tree->blocks) {
        struct conf_block *next = tree->blocks->next;

        free(tree->blocks);
        tree->blocks = next;
    }
    *tree = (struct conf_tree){0};
}

bool conf_node_is_null(const struct conf_node *n)
{
    return n->kind == CONF_NODE_SCALAR && !n->quoted &&
           (n->len == 0 || strcmp(n->text, "~") == 0 || strcasecmp(n->text, "null") == 0);
}

const char *conf_node_describe(const struct conf_node *n, char buf[CONF_QUOTE_LEN])
{
    if (n->kind == CONF_NODE_LIST)
        return "a list";
    if (n->kind == CONF_NODE_MAP)
        return "a mapping";
    if (conf_node_is_null(n))
        return "nothing";
    return conf_quote(n->text, n->len, buf);
}

/* Only text goes to the library: UTF-8, no control characters but tab and line ends. One mistake says it all.
 */
static bool check_text(const char *yaml, size_t len, struct conf_report *report)
{
    const unsigned char *p = (const unsigned char *)yaml;
    struct conf_mark at = {1, 1};

    for (size_t i = 0; i < len;) {
        uint32_t value;
        size_t n = utf8_char(p + i, len - i, &value);
        bool c1 = n == 2 && p[i] == 0xc2 && p[i + 1] < 0xa0;

        if (n == 0) {
            conf_report_add(report, at, "byte 0x%02x is not UTF-8, save the file as UTF-8 text", p[i]);
            return false;
        }
        if (c1 || p[i] == 0x7f || (p[i] < 0x20 && p[i] != '\t' && p[i] != '\n' && p[i] != '\r')) {
            conf_report_add(report, at, "control character 0x%02x, a configuration is plain text",
                            p[i + n - 1]);
            return false;
        }
        at.col++;
        if (p[i] == '\n' || (p[i] == '\r' && !(i + 1 < len && p[i + 1] == '\n')))
            at = (struct conf_mark){at.line + 1, 1};
        i += n;
    }
    return true;
}

static struct conf_mark mark_of(const struct fy_mark *m, struct conf_mark otherwise)
{
    if (!m || m->line < 0 || m->column < 0)
        return otherwise;
    return (struct conf_mark){(uint32_t)m->line + 1, (uint32_t)m->column + 1};
}

/* For marks behind the quote, ampersand or asterisk that belongs to the token. */
static struct conf_mark one_left(struct conf_mark at)
{
    at.col -= at.col > 1;
    return at;
}

/* Hangs a new node under the innermost open one. NULL and a message when there are too many, or no memory. */
static struct conf_node *add_node(struct builder *b, enum conf_node_kind kind, struct conf_mark at)
{
    struct conf_node *parent = b->depth ? b->open[b->depth - 1] : NULL;
    struct conf_node *n;

    if (b->tree->n_nodes == MAX_NODES) {
        conf_report_add(b->report, at, "more than %d values in one file, a configuration has fewer",
                        MAX_NODES);
        b->failed = true;
        return NULL;
    }
    n = arena_alloc(b->tree, sizeof(*n));
    if (!n) {
        b->failed = true;
        conf_report_add(b->report, at, "not enough memory to read the file, free some");
        return NULL;
    }
    *n = (struct conf_node){.kind = kind, .at = at, .text = ""};
    b->tree->n_nodes++;
    b->last = at;
    if (!parent) {
        b->tree->root = n;
        return n;
    }
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    if (parent->n++ == 0 && conf_mark_before(at, parent->at))
        parent->at = at;
    return n;
}

/* libfyaml 0.7.12 spoils (and leaks) a quoted text of which one line falls into more than 8 pieces, and each
 * escape makes two. No value of a configuration needs even one. */
static bool too_many_escapes(const struct builder *b, struct fy_token *token, enum fy_scalar_style style)
{
    const struct fy_mark *start = fy_token_start_mark(token), *end = fy_token_end_mark(token);
    const char escape = style == FYSS_DOUBLE_QUOTED ? '\\' : '\'';
    size_t n = 0;

    if (style != FYSS_SINGLE_QUOTED && style != FYSS_DOUBLE_QUOTED)
        return false;
    if (!start || !end || start->input_pos > end->input_pos || end->input_pos > b->len)
        return true;
    for (size_t i = start->input_pos; i < end->input_pos && n <= MAX_ESCAPES; i++) {
        if (b->yaml[i] != escape)
            continue;
        n++;
        i++; /* the character that is escaped; the second of '' */
    }
    return n > MAX_ESCAPES;
}

static bool add_scalar(struct builder *b, struct fy_token *token)
{
    enum fy_scalar_style style = fy_token_scalar_style(token);
    struct conf_mark at = mark_of(token ? fy_token_start_mark(token) : NULL, b->last);
    struct conf_node *n;
    const char *text = "";
    char *copy;
    size_t len = 0;

    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        at = one_left(at);
    if (token && too_many_escapes(b, token, style)) {
        conf_report_add(b->report, at, "a text in quotes with more than %d escapes, write it without",
                        MAX_ESCAPES);
        return add_node(b, CONF_NODE_BAD, at) != NULL;
    }
    if (token)
        text = fy_token_get_text(token, &len);
    if (!text) {
        b->failed = true;
        conf_report_add(b->report, at, "YAML syntax: a value that cannot be read, write it plainly");
        return false;
    }
    n = add_node(b, CONF_NODE_SCALAR, at);
    if (!n)
        return false;
    copy = arena_alloc(b->tree, len + 1);
    if (!copy) {
        b->failed = true;
        conf_report_add(b->report, at, "not enough memory to read the file, free some");
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    n->text = copy;
    n->len = len;
    n->quoted = token && style != FYSS_PLAIN;
    return true;
}

static bool open_node(struct builder *b, enum conf_node_kind kind, struct fy_event *e)
{
    struct conf_mark at = mark_of(fy_event_start_mark(e), b->last);
    struct conf_node *n;

    if (b->depth == MAX_DEPTH) {
        if (!add_node(b, CONF_NODE_BAD, at))
            return false;
        conf_report_add(b->report, at, "nested more than %d deep, no part of a configuration is", MAX_DEPTH);
        b->skip = 1;
        return true;
    }
    n = add_node(b, kind, at);
    if (!n)
        return false;
    b->open[b->depth++] = n;
    return true;
}

static void refuse_decoration(struct builder *b, struct fy_token *anchor, struct fy_token *tag)
{
    if (anchor)
        conf_report_add(b->report, one_left(mark_of(fy_token_start_mark(anchor), b->last)),
                        "YAML anchors (&name) are not supported, write the value out where it is used");
    if (tag)
        conf_report_add(b->report, mark_of(fy_token_start_mark(tag), b->last),
                        "YAML tags (!name) are not supported, leave the tag out");
}

/* One event. False: stop reading. */
static bool on_event(struct builder *b, struct fy_event *e)
{
    bool opens = e->type == FYET_MAPPING_START || e->type == FYET_SEQUENCE_START;
    bool closes = e->type == FYET_MAPPING_END || e->type == FYET_SEQUENCE_END;

    if (b->documents > 1 && e->type != FYET_STREAM_END) {
        conf_report_add(b->report, mark_of(fy_event_start_mark(e), b->last),
                        "a second YAML document, a configuration is one document in one file");
        return false;
    }
    if (b->skip > 0) {
        b->skip += opens;
        b->skip -= closes;
        return b->skip < MAX_SKIP;
    }
    switch (e->type) {
    case FYET_DOCUMENT_START:
        if (++b->documents == 2 && e->document_start.document_start)
            return on_event(b, e);
        return true;
    case FYET_MAPPING_START:
        refuse_decoration(b, e->mapping_start.anchor, e->mapping_start.tag);
        return open_node(b, CONF_NODE_MAP, e);
    case FYET_SEQUENCE_START:
        refuse_decoration(b, e->sequence_start.anchor, e->sequence_start.tag);
        return open_node(b, CONF_NODE_LIST, e);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        if (b->depth > 0)
            b->depth--;
        return true;
    case FYET_SCALAR:
        refuse_decoration(b, e->scalar.anchor, e->scalar.tag);
        return add_scalar(b, e->scalar.value);
    case FYET_ALIAS: {
        struct conf_mark at = one_left(mark_of(fy_event_start_mark(e), b->last));

        conf_report_add(b->report, at, "YAML aliases (*name) are not supported, write the value out");
        return add_node(b, CONF_NODE_BAD, at) != NULL;
    }
    default:
        return true;
    }
}

/* True when that line of the text starts with white space that holds a tab. */
static bool tab_indented(const char *yaml, size_t len, int line)
{
    const char *p = yaml, *end = yaml + len;

    for (; line > 0 && p < end; line--) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));

        p = eol ? eol + 1 : end;
    }
    while (p < end && *p == ' ')
        p++;
    return p < end && *p == '\t';
}

/* What the library complained about, warnings too (a directive that it does not know). */
static void report_syntax(struct fy_diag *diag, const char *yaml, size_t len, struct conf_report *report)
{
    struct fy_diag_error *e;
    void *iter = NULL;

    for (int left = MAX_COMPLAINTS; left > 0 && (e = fy_diag_errors_iterate(diag, &iter)); left--) {
        struct conf_mark at = {e->line < 0 ? 1 : (uint32_t)e->line, e->column < 0 ? 1 : (uint32_t)e->column};
        size_t n = strcspn(e->msg ? e->msg : "", "\n");

        if (at.line == 0)
            at.line = 1;
        if (at.col == 0)
            at.col = 1;
        conf_report_add(report, at, "YAML syntax: %.*s, %s", (int)(n > 200 ? 200 : n), e->msg ? e->msg : "",
                        tab_indented(yaml, len, (int)at.line - 1)
                            ? "indent with spaces instead of tabs"
                            : "check the indentation, brackets and quotes here and just above");
    }
}

static bool run_parser(struct builder *b)
{
    struct fy_event *e;
    bool go_on = true;

    while (go_on && (e = fy_parser_parse(b->parser))) {
        go_on = on_event(b, e) && !conf_report_full(b->report);
        fy_parser_event_free(b->parser, e);
    }
    return !b->failed && !fy_parser_get_stream_error(b->parser);
}

/* The library reads a flow list to its end before it tells of its beginning, and takes hundreds of bytes for
 * each that is open. Brackets in comments and quotes count as well: so many are nowhere. */
static bool check_brackets(const char *yaml, size_t len, struct conf_report *report)
{
    struct conf_mark at = {1, 1};
    long open = 0;

    for (size_t i = 0; i < len; i++, at.col++) {
        open += (yaml[i] == '[' || yaml[i] == '{') - (yaml[i] == ']' || yaml[i] == '}');
        if (open > MAX_BRACKETS) {
            conf_report_add(report, at, "more than %d brackets are open here, no part of a configuration is",
                            MAX_BRACKETS);
            return false;
        }
        if (yaml[i] == '\n')
            at = (struct conf_mark){at.line + 1, 0};
    }
    return true;
}

bool conf_tree_parse(struct conf_tree *tree, const char *yaml, size_t len, struct conf_report *report)
{
    static const char bom[] = "\xef\xbb\xbf";
    struct builder b = {.tree = tree, .report = report, .last = {1, 1}};
    struct fy_diag_cfg diag_cfg;
    struct fy_parse_cfg cfg = {
        .search_path = "",
        .flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE | FYPCF_ALLOW_DUPLICATE_KEYS,
    };
    bool ok = false;

    *tree = (struct conf_tree){0};
    if (len >= 3 && memcmp(yaml, bom, 3) == 0) {
        yaml += 3;
        len -= 3;
    }
    b.yaml = yaml;
    b.len = len;
    if (!check_text(yaml, len, report) || !check_brackets(yaml, len, report))
        return false;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    cfg.diag = fy_diag_create(&diag_cfg);
    if (cfg.diag)
        fy_diag_set_collect_errors(cfg.diag, true);
    b.parser = cfg.diag ? fy_parser_create(&cfg) : NULL;
    if (b.parser && fy_parser_set_string(b.parser, yaml, len) == 0) {
        ok = run_parser(&b);
        report_syntax(cfg.diag, yaml, len, report);
    }
    if (!ok && conf_report_empty(report))
        conf_report_add(report, b.last, "YAML syntax: the file cannot be read any further from here");
    fy_parser_destroy(b.parser);
    fy_diag_destroy(cfg.diag);
    return ok && tree->root;
}
